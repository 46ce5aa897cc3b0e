/**
 * `npm run proof:limits -- [--requests N] [--seconds N] [--call-timeout-ms N] [--json]`: four controllers on one real Redis, 64 clients. Shows that limits are
 * exact, that nothing leaks, and that requests go on while Redis does not. Under two minutes.
 *
 * With --json the last line is one JSON object. Exit code 1 when a limit was exceeded or fell short by more than 5 %,
 * something leaked, or a request failed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSingle } from './limits/backends.ts';
import { CALM_PAUSE_MS, type LoadResult, PAUSE_MS, percentile, run } from './limits/clients.ts';
import { mostGranted, shortfallPct } from './limits/granted.ts';
import { CONTROLLERS, PLACES, startWorld, type World } from './limits/world.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '15' },
    'call-timeout-ms': { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
  },
});
const requests = Number(values.requests);
const callTimeoutMs = Number(values['call-timeout-ms']);
/** How long requests per minute are asked for. */
const exactMs = 1_000 * Number(values.seconds);
if (!(exactMs >= 5_000)) {
  console.error('proof:limits: --seconds wants a number from 5');
  process.exit(2);
}
if (!Number.isInteger(requests) || requests < 100 || !Number.isInteger(callTimeoutMs) || callTimeoutMs < 1) {
  console.error('proof:limits: --requests wants a whole number from 100, --call-timeout-ms one from 1');
  process.exit(2);
}

const CLIENTS = 64;
const OUTAGE_MS = 5_000;
/** A lease lasts 30 s; the dead controller renewed it last at most so long before its end. */
const LEASE_MS = 31_000;

type Single = Awaited<ReturnType<typeof startSingle>>;

const say = (text: string) => console.error(`proof:limits: ${text}`);
const after = (ms: number) => {
  const end = performance.now() + ms;
  return () => performance.now() >= end;
};
const rows: [what: string, found: string][] = [];
const row = (what: string, found: string) => rows.push([what, found]);

async function until(what: string, holds: () => Promise<boolean>, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    if (await holds()) return true;
    await sleep(100);
  }
  say(`gave up waiting until ${what}`);
  return false;
}

/** Requests per minute over four controllers, one of whose clocks is an hour ahead. */
async function exact({ urls, granted: grantedBy }: World) {
  say(`requests per minute, ${CLIENTS} clients, ${exactMs / 1_000} s …`);
  const result = await run(urls, {
    key: 'exact',
    clients: CLIENTS,
    until: after(exactMs),
    pauseMs: PAUSE_MS,
    leave: 0.1,
  });
  const limit = mostGranted(performance.now() - result.firstAt);
  const granted = await grantedBy('exact');
  const over = Math.max(0, granted - limit);
  const shortfall = shortfallPct(granted, result);
  row(
    'requests per minute',
    `limit ${limit}, granted ${granted}, refused ${result.refused}, ${result.left} clients left, over ${over}`,
  );
  return { limit, granted, over, shortfall, failed: result.failed };
}

async function places({ urls, mostAtOnce }: World) {
  say('places …');
  mostAtOnce();
  const result = await run(urls, {
    key: 'places',
    clients: CLIENTS,
    until: after(4_000),
    pauseMs: 50,
    streams: 1,
    prompt: 'FAULT(slow-drip:20) ',
  });
  const most = mostAtOnce();
  row(
    'places',
    `limit ${PLACES}, at most ${most} at once upstream, granted ${result.granted}, refused ${result.refused}`,
  );
  return { over: Math.max(0, most - PLACES), unused: Math.max(0, PLACES - most), failed: result.failed };
}

/**
 * Tokens that a tenant's bucket has lost beyond those of its answers. Tokens that no upstream reported are counted after
 * their answer, so this waits for the last count.
 */
async function leaked(
  world: World,
  tenant: string,
  since: number,
  before: number,
  of?: number,
): Promise<{ used: number; tokens: number }> {
  const look = async () => {
    const used = (await world.tokensUsed(of)) - before;
    // The bucket refills by a token a minute; the first request came a little after `since`.
    return { used, tokens: Math.round((await world.tokensTaken(tenant, since)) - used) };
  };
  await until('all tokens are counted', async () => (await look()).tokens === 0, 10_000);
  return look();
}

async function mixed(world: World) {
  say(`${requests} requests, a fifth of the clients leave …`);
  const since = await world.redisNow();
  const before = await world.tokensUsed();
  const result = await run(world.urls, {
    key: 'mixed',
    clients: CLIENTS,
    until: (begun) => begun >= requests,
    leave: 0.2,
  });
  await until('all places are free', async () => (await world.leases('mixed')) === 0, 10_000);
  const slots = await world.leases('mixed');
  const { used, tokens } = await leaked(world, 'mixed', since, before);
  row(
    'leaks',
    `${result.begun} requests, ${result.left} clients left, ${used} tokens used: ${slots} places and ${tokens} tokens leaked; ${await world.late()} calls so far not answered in ${callTimeoutMs} ms`,
  );
  return { slots, tokens, failed: result.failed };
}

/** Ends a controller with 32 streams under way; the others go on. */
async function kill(world: World) {
  const dying = world.controllers.at(-1)!;
  const since = await world.redisNow();
  say('32 streams on one controller, which is killed …');
  void run([dying.url], {
    key: 'kill',
    clients: 32,
    until: (begun) => begun >= 32,
    streams: 1,
    prompt: 'FAULT(slow-drip:2000) ',
  });
  await until('its places are taken', async () => (await world.leases('kill')) === 32, 10_000);
  const reserved = Math.round(await world.tokensTaken('kill', since));
  await dying.kill();
  const killedAt = performance.now();
  return {
    /** Waits for the leases' end; then one request more sweeps. */
    check: async () => {
      await sleep(Math.max(0, LEASE_MS - (performance.now() - killedAt)));
      const living = world.urls.slice(0, -1);
      const before = await world.tokensUsed(living.length);
      // A bucket that is whole again counts from now on.
      const now = await world.redisNow();
      const result = await run(living, { key: 'kill', clients: 1, until: (begun) => begun >= 1, streams: 0 });
      await until('its place is free', async () => (await world.leases('kill')) === 0, 5_000);
      const slots = await world.leases('kill');
      const { tokens } = await leaked(world, 'kill', now, before, living.length);
      row(
        'kill -9',
        `held 32 places and ${reserved} tokens; after its leases’ end ${slots} places and ${tokens} tokens leaked`,
      );
      return { slots, tokens, failed: result.failed };
    },
  };
}

const calm = (world: World, ms: number) =>
  run(world.urls.slice(0, -1), { key: 'calm', clients: 16, until: after(ms), pauseMs: CALM_PAUSE_MS });

function tell(what: string, result: LoadResult, base: LoadResult | null): void {
  const p99 = percentile(result.ms, 0.99);
  const added = base ? `, p99 ${(p99 - percentile(base.ms, 0.99)).toFixed(0)} ms above calm` : '';
  row(
    what,
    `${result.begun} requests, ${result.granted} let through, ${result.failed.length} failed, p99 ${p99.toFixed(0)} ms${added}`,
  );
}

async function outages(world: World<Single>, base: LoadResult) {
  const { redis, cable } = world.backend;
  const failed: string[] = [];
  const during = async (what: string, begin: () => unknown, end: () => unknown) => {
    say(`${what} …`);
    const load = calm(world, OUTAGE_MS);
    await sleep(500);
    await begin();
    await sleep(OUTAGE_MS - 2_000);
    await end();
    const result = await load;
    failed.push(...result.failed);
    tell(what, result, base);
    await until(
      'Redis is back for all',
      async () => {
        const up = await Promise.all(
          world.controllers.slice(0, -1).map((one) => one.metric('llm_router_limiter_backend_up')),
        );
        return up.every((value) => value === 1);
      },
      10_000,
    );
  };
  await during(
    'Redis paused',
    () => redis.pause(),
    () => redis.resume(),
  );
  await during(
    'Redis cut off',
    () => cable.cut(),
    () => cable.mend(),
  );
  return {
    failed,
    emptied: () =>
      during(
        'Redis killed, back empty',
        () => redis.kill(),
        () => redis.start(),
      ),
  };
}

const started = performance.now();
say('starting Redis, stand-ins and four controllers …');
const world = await startWorld(callTimeoutMs, await startSingle());
let code = 1;
try {
  await until(
    'all see each other',
    async () => {
      const up = await Promise.all(
        world.controllers.map((one) => one.metric('llm_router_limiter_backend_up')),
      );
      return up.every((value) => value === 1);
    },
    10_000,
  );
  const rate = await exact(world);
  const slots = await places(world);
  const leaks = await mixed(world);
  const killed = await kill(world);
  say('calm …');
  const base = await calm(world, OUTAGE_MS);
  tell('calm, three controllers', base, null);
  const outage = await outages(world, base);
  const afterKill = await killed.check();
  // Last, because an empty Redis has forgotten what leaked.
  await outage.emptied();
  const otherFailures = [rate, slots, leaks, afterKill, base].flatMap((part) => part.failed);
  const result = {
    controllers: CONTROLLERS,
    limit: rate.limit,
    granted: rate.granted,
    over: rate.over + slots.over,
    shortfall_pct: +rate.shortfall.toFixed(2),
    leaked_slots: leaks.slots + afterKill.slots,
    leaked_tokens: Math.abs(leaks.tokens) + Math.abs(afterKill.tokens),
    redis_outage_failed_requests: outage.failed.length,
  };
  const width = Math.max(...rows.map(([what]) => what.length));
  for (const [what, found] of rows) console.log(`${what.padEnd(width)}  ${found}`);
  for (const text of [...outage.failed, ...otherFailures].slice(0, 10)) console.log(`  failed: ${text}`);
  console.log(`took ${((performance.now() - started) / 1_000).toFixed(0)} s`);
  if (values.json) console.log(JSON.stringify(result));
  const right =
    result.over + result.leaked_slots + result.leaked_tokens + result.redis_outage_failed_requests === 0 &&
    slots.unused === 0 &&
    result.shortfall_pct <= 5 &&
    otherFailures.length === 0;
  code = right ? 0 : 1;
} finally {
  await world.stop();
}
process.exit(code);
