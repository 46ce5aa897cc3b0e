/**
 * Redis, shared by the replicas. A request never waits for it longer than `call_timeout_ms`, and not at all while it is
 * known to be away: the state is watched in the background, told once, and heals by itself.
 */
import type { RedisConfig } from '../config/schema-redis.ts';
import { type Logger, type Metrics, NO_SPAN, type Span, type SpanAttributes } from '../observe/index.ts';
import { openClient, type RedisClient, reasonOfCluster, usesTls } from './clients.ts';
import { isRead, type RedisCall, spanNameOf } from './commands.ts';
import { gatherCommands } from './gather.ts';
import { CREDENTIALS, explain, PROBE, probe, type State, stateOf, type Verdict } from './probe.ts';
import { type Script, Scripts } from './scripts.ts';
import { RedisVisit } from './visit.ts';
import { TimeLimit, within } from './within.ts';

/** Redis did not answer, or is known not to. */
export class RedisUnavailable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'RedisUnavailable';
  }
}

/**
 * Failures one after the other, each of a call that began after the one before was known, until no request asks any more.
 * Calls that fail together, because a machine was busy for a moment, are one.
 */
const FAILURES = 3;
/** Work that no request waits for may take longer. */
const BACKGROUND_MS = 2_000;
/** Pause between two looks at a Redis that is away: at first, and at most. */
const LOOK_MS = 250;
const MAX_LOOK_MS = 1_000;
/** A client that has not connected for so long is given up for another. */
const RENEW_MS = 5_000;
/** Going away again so soon after coming back is a relapse: it must then be well for a while before it counts as back. */
const RELAPSE_MS = 10_000;
const MAX_HOLD_MS = 30_000;

const RANK: Record<State, number> = { away: 0, reads: 1, up: 2 };

/** What may change while the process runs. Everything else is fixed at the start. */
const CREDENTIAL_KEYS = [
  'username',
  'password',
  'sentinel_username',
  'sentinel_password',
  'ca',
  'cert',
  'key',
] as const satisfies (keyof RedisConfig)[];

export class SharedRedis {
  readonly prefix: string;
  readonly #timeoutMs: number;
  readonly #probeMs: number;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #first: Promise<void>;
  readonly #server: SpanAttributes;
  readonly #commands = new Map<string, string>([['llmProbe', PROBE]]);
  readonly #scripts = new Scripts();
  readonly #lastErrors = new WeakMap<RedisClient, Error>();
  #config: RedisConfig;
  #reread: (() => Promise<RedisConfig | undefined>) | null = null;
  #onChange: (up: boolean, problem: string | null) => void = () => {};
  #client: RedisClient;
  /** Clients on which calls may still be under way. */
  readonly #retired = new Set<RedisClient>();
  /** When the client was opened or last seen connected. */
  #wellAt = performance.now();
  /** Credentials have changed since the client was opened. */
  #stale = false;
  #toldStale = false;
  #state: State = 'away';
  #told = false;
  #failures = 0;
  #lastFailureAt = 0;
  #pauseMs = LOOK_MS;
  #timer: NodeJS.Timeout | null = null;
  #looking = false;
  #again = false;
  #closed = false;
  #backAt = Number.NEGATIVE_INFINITY;
  #goodSince: number | null = null;
  #holdMs = 0;

  constructor(config: RedisConfig, metrics: Metrics, log: Logger) {
    // One hash tag for all keys: a script that takes several limits at once needs them on one node of a cluster.
    this.prefix = `{${config.key_prefix}}`;
    this.#config = config;
    this.#timeoutMs = config.call_timeout_ms;
    this.#probeMs = config.probe_ms;
    this.#metrics = metrics;
    this.#log = log;
    this.#client = this.#open();
    this.#server = serverOf(config);
    this.#metrics.limiterUp.set(0);
    this.#first = new Promise((seen) => void this.#look(seen));
  }

  /** Makes a Lua script a command of the client's; sent once, called by its hash from then on. */
  define(name: string, lua: string): void {
    this.#commands.set(name, lua);
    this.#client.defineCommand(name, { lua });
  }

  /** For a Lua script that each request calls: those of many requests are one command. */
  script<T>(lua: string): Script<T> {
    return this.#scripts.add<T>(lua);
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  /** Who hears when it goes away or comes back; its first answer of all is no news. */
  hearBy(listener: (up: boolean, problem: string | null) => void): void {
    this.#onChange = listener;
  }

  /** Where to read the configuration anew when Redis takes the credentials no longer. */
  rereadBy(read: () => Promise<RedisConfig | undefined>): void {
    this.#reread = read;
  }

  /**
   * Takes changed credentials: a second connection is made with them, and takes the place of the first one when it is let
   * in. Calls under way end on the first. Other keys are not looked at.
   */
  useCredentials(config: RedisConfig | undefined): void {
    if (!config || CREDENTIAL_KEYS.every((key) => config[key] === this.#config[key])) return;
    this.#config = {
      ...this.#config,
      ...Object.fromEntries(CREDENTIAL_KEYS.map((key) => [key, config[key]])),
    };
    this.#stale = true;
    this.#toldStale = false;
    this.#later(0);
  }

  /**
   * Runs commands on Redis.
   *
   * @param visit of the request that waits; all its calls together wait no longer than the time limit.
   * @throws RedisUnavailable at once while it is known to be away or the request has waited enough, else after the time
   * limit. A script that answers late may still have run.
   */
  run<T>(what: RedisCall, fn: (redis: RedisClient) => Promise<T>, visit = new RedisVisit()): Promise<T> {
    const limitMs = this.#timeoutMs - visit.waitedMs;
    if (this.up && limitMs <= 0) {
      this.#metrics.limiterErrors.inc({ reason: 'waited' });
      return Promise.reject(
        new RedisUnavailable(`${what}: the request has waited ${this.#timeoutMs} ms for Redis already`),
      );
    }
    return this.#run(what, fn, limitMs, visit.span, visit);
  }

  /** As {@link run}, for what no request waits for: it has more time. */
  background<T>(what: RedisCall, fn: (redis: RedisClient) => Promise<T>, span = NO_SPAN): Promise<T> {
    return this.#run(what, fn, Math.max(BACKGROUND_MS, this.#timeoutMs), span);
  }

  /** Not async: each request goes through here several times, and a function's wait costs more than what it does. */
  #run<T>(
    what: RedisCall,
    fn: (redis: RedisClient) => Promise<T>,
    limitMs: number,
    parent: Span,
    visit?: RedisVisit,
  ): Promise<T> {
    if (this.#state === 'away') return Promise.reject(new RedisUnavailable(`${what}: Redis is away`));
    if (this.#state === 'reads' && !isRead(what))
      return Promise.reject(new RedisUnavailable(`${what}: Redis takes no writes now`));
    const span = parent.traceId === null ? NO_SPAN : parent.child(...this.#spanOf(what));
    const started = performance.now();
    visit?.begin(started);
    return within(limitMs, fn(this.#client)).then(
      (result) => {
        visit?.end();
        this.#failures = 0;
        span.end();
        return result;
      },
      (error: unknown) => {
        const reason = error instanceof TimeLimit ? 'timeout' : 'error';
        visit?.end(reason === 'timeout' ? limitMs : 0);
        span.end(reason);
        this.#metrics.limiterErrors.inc({ reason });
        this.#note(error, started, limitMs);
        throw new RedisUnavailable(`${what}: ${(error as Error).message}`, error);
      },
    );
  }

  /** What a failed call says about Redis. */
  #note(error: unknown, started: number, limitMs: number): void {
    const state = stateOf(error);
    if (state !== null) {
      this.#leave(state, explain((error as Error).message));
      return;
    }
    // A request that had little of its time left says little about Redis.
    const told = !(error instanceof TimeLimit) || limitMs >= this.#timeoutMs / 2;
    if (!told || started < this.#lastFailureAt) return;
    this.#lastFailureAt = performance.now();
    if (++this.#failures >= FAILURES) this.#leave('away', (error as Error).message);
  }

  /** By OpenTelemetry's conventions for databases; neither keys nor values. */
  #spanOf(what: RedisCall): [name: string, attributes: SpanAttributes, kind: 'client'] {
    const { name, attributes } = spanNameOf(what);
    return [name, { ...attributes, ...this.#server }, 'client'];
  }

  /** Resolves when it is known whether Redis answers: within two seconds. */
  firstLook(): Promise<void> {
    return this.#first;
  }

  /** Resolves when the first answer came, or after so many milliseconds. */
  async ready(waitMs: number): Promise<boolean> {
    const until = performance.now() + waitMs;
    while (!this.up && performance.now() < until) await new Promise((done) => setTimeout(done, 10));
    return this.up;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const client of [this.#client, ...this.#retired]) client.disconnect();
  }

  #open(): RedisClient {
    const client = gatherCommands(openClient(this.#config));
    // Told by the probe, once; an 'error' without a listener would end the process.
    client.on('error', (error: Error) => this.#lastErrors.set(client, error));
    for (const [name, lua] of this.#commands) client.defineCommand(name, { lua });
    return client;
  }

  async #probe(client: RedisClient): Promise<Verdict> {
    const verdict = await probe(client, `${this.prefix}:probe`, () => this.#lastErrors.get(client));
    if (this.#config.cluster && /Connection is closed|no answer/.test(verdict.problem)) {
      const why = await reasonOfCluster(this.#config);
      if (why !== null) return { ...verdict, problem: this.#hinted(explain(why)) };
    }
    return { ...verdict, problem: this.#hinted(verdict.problem) };
  }

  /** A server that misses a client certificate says so by TLS 1.3 only when it has hung up already. */
  #hinted(problem: string): string {
    const isCut = /ECONNRESET|EPIPE|Connection is closed/.test(problem);
    if (!isCut || !usesTls(this.#config) || this.#config.cert !== undefined) return problem;
    return `${problem} (where Redis asks for a client certificate, give redis.cert and redis.key)`;
  }

  #leave(state: 'reads' | 'away', problem: string): void {
    this.#goodSince = null;
    if (this.#state === state && this.#told) {
      this.#later();
      return;
    }
    // From one kind of trouble to the other is no news for the log: limits go on without it in both.
    if (this.#state === 'up' || !this.#told) {
      const message =
        state === 'away'
          ? 'Redis is away; limits go on without it'
          : 'Redis takes no writes; limits go on without it';
      this.#log.error(message, { problem });
      this.#onChange(false, problem);
      this.#metrics.limiterUp.set(0);
      this.#pauseMs = LOOK_MS;
      const relapse = performance.now() - this.#backAt < RELAPSE_MS;
      this.#holdMs = relapse ? Math.min(MAX_HOLD_MS, Math.max(1_000, 2 * this.#holdMs)) : 0;
    }
    this.#told = true;
    this.#state = state;
    this.#failures = 0;
    this.#later();
  }

  #return(): void {
    if (this.#state === 'up') return;
    const now = performance.now();
    const wasAway = this.#told;
    this.#goodSince ??= now;
    if (now - this.#goodSince < this.#holdMs) {
      this.#state = 'reads';
      return;
    }
    // The first trouble of all is no relapse.
    if (wasAway) this.#backAt = now;
    this.#failures = 0;
    this.#state = 'up';
    this.#metrics.limiterUp.set(1);
    this.#log.info(wasAway ? 'Redis is back' : 'Redis is reached');
    if (wasAway) this.#onChange(true, null);
    this.#told = true;
  }

  /** @param ms until the next look; default: soon while there is trouble, else at the usual interval. */
  #later(ms?: number): void {
    if (this.#closed) return;
    if (this.#looking) {
      this.#again ||= ms === 0;
      return;
    }
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), ms ?? (this.up ? this.#probeMs : this.#pauseMs));
    this.#timer.unref();
  }

  async #look(seen: () => void = () => {}): Promise<void> {
    this.#timer = null;
    this.#looking = true;
    this.#again = false;
    const client = this.#client;
    let verdict = await this.#probe(client);
    if (verdict.connected) this.#wellAt = performance.now();
    this.#believe(verdict);
    seen();
    if (verdict.state === 'away' && CREDENTIALS.test(verdict.problem)) await this.#readAnew();
    // What a live connection can't mend by itself another one may: names are looked up anew, another server may answer.
    const stuck =
      verdict.state !== 'up' && (verdict.connected || performance.now() - this.#wellAt > RENEW_MS);
    if (!this.#closed && (stuck || this.#stale)) {
      verdict = await this.#replace(client, verdict);
      this.#believe(verdict);
    }
    this.#looking = false;
    if (!this.up)
      this.#pauseMs = this.#goodSince === null ? Math.min(MAX_LOOK_MS, this.#pauseMs * 1.5) : LOOK_MS;
    this.#later(this.#again ? 0 : undefined);
  }

  #believe(verdict: Verdict): void {
    if (this.#closed) return;
    if (verdict.state === 'up') this.#return();
    else this.#leave(verdict.state, verdict.problem);
  }

  async #readAnew(): Promise<void> {
    try {
      const config = this.#reread && (await within(BACKGROUND_MS, this.#reread()));
      if (config) this.useCredentials(config);
    } catch {
      // A file that is not right is told of where it is reloaded.
    }
  }

  /** Opens another client, and takes it unless the one before is the better one. */
  async #replace(old: RedisClient, before: Verdict): Promise<Verdict> {
    const stale = this.#stale;
    this.#stale = false;
    const next = this.#open();
    const after = await this.#probe(next);
    const taken = before.state === 'away' || RANK[after.state] >= RANK[before.state];
    if (!taken || this.#closed) {
      next.disconnect();
      if (stale && !this.#closed) {
        this.#stale = true;
        if (!this.#toldStale)
          this.#log.error('Redis does not take the new credentials; the connection made before them stays', {
            problem: after.problem,
          });
        this.#toldStale = true;
      }
      return before;
    }
    this.#client = next;
    this.#wellAt = performance.now();
    if (stale && after.state !== 'away') this.#log.info('Redis takes the new credentials');
    // Calls under way on a connection that works end there.
    if (before.state === 'away') old.disconnect();
    else this.#retire(old);
    return after;
  }

  #retire(client: RedisClient): void {
    this.#retired.add(client);
    const end = () => {
      this.#retired.delete(client);
      client.disconnect();
    };
    setTimeout(end, Math.max(BACKGROUND_MS, this.#timeoutMs)).unref();
  }
}

/** Where Redis is, as far as the configuration says; a Sentinel's master and a cluster's node are found later. */
function serverOf({ url }: RedisConfig): SpanAttributes {
  if (url === undefined) return {};
  const { hostname, port } = new URL(url);
  return { 'server.address': hostname, 'server.port': port === '' ? 6379 : Number(port) };
}
