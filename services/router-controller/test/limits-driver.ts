/** Drives the limiter's scripts on a real Redis, their clock handed in, beside the plain model, and compares after every step. */
import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import { perMinute } from '../src/admit/gcra.ts';
import { both, figuresOf, type Held, heldOf } from '../src/admit/held.ts';
import { applying, type Holder } from '../src/admit/limiter.ts';
import { OWE, PER_ANSWER, RENEW, SETTLE, TAKE } from '../src/admit/lua.ts';
import { afterBody, beforeBody } from '../src/admit/parts.ts';
import type { LimitConfig } from '../src/config/schema.ts';
import { PlainLimits } from './limits-model.ts';

export const WHO: Holder = { key: 'ann', tenant: 'acme', policy: 'task_router' };

/** The same script, its clock handed in as the last argument. */
function withClock(lua: string): string {
  const changed = lua.replace(
    /local time = redis.call\('TIME'\)\nlocal now = .*\n/,
    'local now = tonumber(ARGV[#ARGV])\n',
  );
  assert.notEqual(changed, lua);
  return changed;
}
export const [take, settle, renew, owe] = [TAKE, SETTLE, RENEW, OWE].map(withClock) as [
  string,
  string,
  string,
  string,
];

/** Steps between requests are about as long, so that some leases end, some are renewed in time, and some too late. */
export const LEASE_MS = 5_000;
const KEEP_MS = 3_600_000;
let run = 0;

/** One run: some limits, in Redis and in the model. */
export class Subject {
  readonly model: PlainLimits;
  readonly #redis: Redis;
  readonly #limits: readonly LimitConfig[];
  readonly #keys: { state: string; leases: string }[];
  readonly #granted: { id: string; held: readonly Held[]; entered: boolean }[] = [];
  #ids = 0;
  now = 1_800_000_000_000;

  constructor(redis: Redis, limits: readonly LimitConfig[]) {
    this.#redis = redis;
    this.#limits = limits;
    this.model = new PlainLimits(limits, LEASE_MS);
    const space = `{model${++run}}`;
    this.#keys = limits.map(({ name }) => ({ state: `${space}:s:${name}`, leases: `${space}:l:${name}` }));
  }

  /** Runs a script and compares what it leaves with the model, at one moment of Redis' own clock. */
  async run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const all = this.#keys.flatMap(({ state, leases }) => [state, leases]);
    const calls = this.#redis
      .multi()
      .call('EVAL', script, String(keys.length), ...keys, ...args.map(String), String(this.now));
    for (const { state, leases } of this.#keys)
      calls.hmget(state, 'r', 't').zrange(leases, '0', '-1', 'WITHSCORES');
    for (const key of all) calls.pttl(key);
    // Redis' clock, which ends keys, is not the test's: they must outlive a slow machine.
    for (const key of all) calls.pexpire(key, KEEP_MS);
    const results = (await calls.exec())!.map(([error, result]) => {
      assert.equal(error, null);
      return result;
    });
    for (const [at, expected] of this.model.states.entries()) {
      const [requests, tokens] = results[1 + 2 * at] as (string | null)[];
      for (const [name, found, wanted] of [
        ['requests', requests, expected.requests],
        ['tokens', tokens, expected.tokens],
      ] as const) {
        assert.equal(found == null, wanted === undefined, `${name} of l${at}: ${found}, not ${wanted}`);
        if (wanted !== undefined)
          assert.ok(Math.abs(Number(found) - wanted) < 0.01, `${name} of l${at}: ${found}, not ${wanted}`);
      }
      const flat = results[2 + 2 * at] as string[];
      const found = flat.flatMap((member, index) =>
        index % 2 ? [] : [`${member} until ${Number(flat[index + 1])}`],
      );
      const wanted = [...expected.leases].map(
        ([id, { reserved, until }]) => `${id}|${reserved} until ${until}`,
      );
      assert.deepEqual(found.toSorted(), wanted.toSorted());
    }
    const lasts = results.slice(1 + all.length, 1 + 2 * all.length);
    assert.ok(!lasts.includes(-1), 'a key would stay for ever');
    // Two buckets and a lease, or what this test itself has set before.
    const longest = Math.max(KEEP_MS, ...this.model.buckets().map((ms) => 2 * ms + 2 * LEASE_MS)) + 1_000;
    for (const ms of lasts) assert.ok((ms as number) <= longest, `a key would stay for ${ms} ms`);
    return results[0];
  }

  async take(tokens: number): Promise<{ granted: boolean; places: number[] }> {
    const { id, granted, places, held } = await this.#take(`id${++this.#ids}`, this.#limits, tokens);
    if (granted) this.#granted.push({ id, held, entered: false });
    return { granted, places };
  }

  /** The first of two steps: requests and places. */
  async enter(): Promise<void> {
    const { id, granted, held } = await this.#take(`id${++this.#ids}`, beforeBody(this.#limits), 0);
    if (granted) this.#granted.push({ id, held, entered: true });
  }

  /** The second, of a request that has entered: tokens. */
  async admit(which: number, tokens: number): Promise<boolean> {
    const request = this.#granted.filter(({ entered }) => entered)[which];
    if (!request) return false;
    const { granted, held } = await this.#take(request.id, afterBody(this.#limits), tokens);
    if (!granted) return false;
    request.held = both(request.held, held);
    request.entered = false;
    return true;
  }

  async #take(id: string, limits: readonly LimitConfig[], tokens: number) {
    const asked = limits.map((limit) => ({
      limit,
      at: this.#limits.findIndex(({ name }) => name === limit.name),
    }));
    const mine = asked.map(({ at }) => this.#keys[at]!);
    const keys = mine.flatMap(({ state, leases }) => [state, leases]);
    const { granted, figures } = this.model.take(id, tokens, this.now, asked);
    const figuresAsked = limits.flatMap((limit) => figuresOf(limit, tokens));
    const reply = (await this.run(take, keys, [id, LEASE_MS, ...figuresAsked])) as number[];
    assert.equal(reply[0], Number(granted));
    for (const [at, [kind, wait, left, full, tokensLeft, tokensFull, places]] of figures.entries()) {
      const told = reply.slice(1 + at * PER_ANSWER, 1 + (at + 1) * PER_ANSWER);
      assert.deepEqual([told[0], told[2], told[4], told[6]], [kind, left, tokensLeft, places], `l${at}`);
      for (const [index, time] of [
        [1, wait],
        [3, full],
        [5, tokensFull],
      ] as const)
        assert.ok(
          Math.abs(told[index]! - time) <= 1,
          `figure ${index} of l${at}: ${told[index]}, not ${time}`,
        );
    }
    const held = heldOf(applying(limits, WHO), mine, () => tokens, reply);
    return { id, granted, places: figures.map((each) => each[6]), held };
  }

  #at({ state }: Pick<Held, 'state'>): number {
    return this.#keys.findIndex((each) => each.state === state);
  }

  async settle(which: number, used: number, again: boolean): Promise<void> {
    const { id, held, entered } = this.#granted[which] ?? { id: '', held: [], entered: false };
    // Who has only entered has used nothing.
    if (held.length > 0) await this.#settle(id, held, entered ? 0 : used, again);
  }

  async #settle(id: string, held: readonly Held[], used: number, again: boolean): Promise<void> {
    const places = held.map((each) => ({ at: this.#at(each), counts: each.interval > 0 }));
    this.model.settle(id, places, used, again, this.now);
    const keys = held.flatMap(({ state, leases }) => [state, leases]);
    await this.run(settle, keys, [
      id,
      used,
      Number(again),
      ...held.flatMap(({ interval, burst, reserved }) => [interval, burst, reserved]),
    ]);
  }

  async renew(which: readonly number[]): Promise<void> {
    const granted = this.#granted.filter((_, index) => which.includes(index));
    const leases = granted.flatMap(({ id, held }) => held.map((each) => ({ id, ...each })));
    for (const lease of leases) this.model.renew(lease.id, [this.#at(lease)], this.now);
    const args = leases.flatMap(({ id, reserved }) => [id, reserved]);
    await this.run(
      renew,
      leases.map((lease) => lease.leases),
      [LEASE_MS, ...args],
    );
  }

  /** What went on without Redis, or was refused after Redis had counted it. */
  async owe(requests: 1 | -1): Promise<void> {
    this.model.owe(requests, this.now);
    const owed = this.#limits.flatMap(({ requests_per_minute: rpm, burst, shadow }, at) =>
      rpm === undefined || shadow
        ? []
        : [[this.#keys[at]!.state, requests * perMinute(rpm, burst).interval, burst ?? rpm] as const],
    );
    await this.run(
      owe,
      owed.map(([key]) => key),
      owed.flatMap(([, interval, size]) => [interval, size]),
    );
  }

  /** Tokens of what went on without Redis, or that a recount found. */
  async charge(tokens: number): Promise<void> {
    const buckets = this.#keys.flatMap((key, at) => {
      const { interval, burst } = this.model.rate(at);
      return interval === 0 ? [] : [{ ...key, interval, burst, reserved: 0 }];
    });
    await this.#settle(`charge${++this.#ids}`, buckets, tokens, false);
  }

  async lose(): Promise<void> {
    await this.#redis.del(this.#keys.flatMap(({ state, leases }) => [state, leases]));
    this.model.lose();
  }
}
