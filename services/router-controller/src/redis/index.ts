/**
 * Redis, shared by the replicas. A request never waits for it longer than `call_timeout_ms`, and not at all while it is
 * known to be away: the state is watched in the background, told once, and heals by itself.
 */
import { once } from 'node:events';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig } from '../config/schema-redis.ts';
import { type Logger, type Metrics, NO_SPAN, type Span, type SpanAttributes } from '../observe/index.ts';
import { RedisVisit } from './visit.ts';

export { RedisVisit };

export type RedisClient = Redis | Cluster;

/** What Redis is asked for, and by which command; scripts are named by what they do. */
const COMMANDS = {
  take: ['EVALSHA', 'llmTake'],
  settle: ['EVALSHA', 'llmSettle'],
  owe: ['EVALSHA', 'llmOwe'],
  renew: ['EVALSHA', 'llmRenew'],
  add: ['EVALSHA', 'llmAdd'],
  get: ['GET'],
  set: ['SET'],
  key: ['HGET'],
  total: ['HGET'],
  refresh: ['HGET'],
  read: ['HGETALL'],
  keys: ['HVALS'],
  write: ['MULTI'],
} as const satisfies Record<string, readonly [command: string, script?: string]>;

export type RedisCall = keyof typeof COMMANDS;

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
/** Pause between two looks at a Redis that is away. */
const PROBE_MS = 250;
/** A probe may take longer than a request's call: nobody waits for it. */
const PROBE_WAIT_MS = 1_000;
const MAX_RECONNECT_MS = 1_000;

export class SharedRedis {
  readonly prefix: string;
  readonly #client: RedisClient;
  readonly #timeoutMs: number;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #first: Promise<void>;
  readonly #server: SpanAttributes;
  #up = false;
  #told = false;
  #failures = 0;
  #lastFailureAt = 0;
  #probe: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(config: RedisConfig, metrics: Metrics, log: Logger) {
    // One hash tag for all keys: a script that takes several limits at once needs them on one node of a cluster.
    this.prefix = `{${config.key_prefix}}`;
    this.#timeoutMs = config.call_timeout_ms;
    this.#metrics = metrics;
    this.#log = log;
    this.#client = connect(config);
    this.#server = serverOf(config);
    // Told by the probe, once; an 'error' without a listener would end the process.
    this.#client.on('error', () => {});
    this.#metrics.limiterUp.set(0);
    this.#first = this.#look();
  }

  /** Makes a Lua script a command of the client's; sent once, called by its hash from then on. */
  define(name: string, lua: string): void {
    this.#client.defineCommand(name, { lua });
  }

  get up(): boolean {
    return this.#up;
  }

  /**
   * Runs commands on Redis.
   *
   * @param visit of the request that waits; all its calls together wait no longer than the time limit.
   * @throws RedisUnavailable at once while it is known to be away or the request has waited enough, else after the time
   * limit. A script that answers late may still have run.
   */
  async run<T>(
    what: RedisCall,
    fn: (redis: RedisClient) => Promise<T>,
    visit = new RedisVisit(),
  ): Promise<T> {
    const limitMs = this.#timeoutMs - visit.waitedMs;
    if (this.#up && limitMs <= 0) {
      this.#metrics.limiterErrors.inc({ reason: 'waited' });
      throw new RedisUnavailable(`${what}: the request has waited ${this.#timeoutMs} ms for Redis already`);
    }
    return visit.wait(this.#run(what, fn, limitMs, visit.span));
  }

  /** As {@link run}, for what no request waits for: it has more time. */
  background<T>(what: RedisCall, fn: (redis: RedisClient) => Promise<T>, span = NO_SPAN): Promise<T> {
    return this.#run(what, fn, Math.max(BACKGROUND_MS, this.#timeoutMs), span);
  }

  async #run<T>(
    what: RedisCall,
    fn: (redis: RedisClient) => Promise<T>,
    limitMs: number,
    parent: Span,
  ): Promise<T> {
    if (!this.#up) throw new RedisUnavailable(`${what}: Redis is away`);
    const span = parent.traceId === null ? NO_SPAN : parent.child(...this.#spanOf(what));
    const started = performance.now();
    try {
      const result = await within(limitMs, fn(this.#client));
      this.#failures = 0;
      span.end();
      return result;
    } catch (error) {
      const reason = error instanceof TimeLimit ? 'timeout' : 'error';
      span.end(reason);
      this.#metrics.limiterErrors.inc({ reason });
      // A request that had little of its time left says little about Redis.
      const told = reason === 'error' || limitMs >= this.#timeoutMs / 2;
      if (told && started >= this.#lastFailureAt) {
        this.#failures++;
        this.#lastFailureAt = performance.now();
      }
      if (this.#failures >= FAILURES) this.#down(error);
      throw new RedisUnavailable(`${what}: ${(error as Error).message}`, error);
    }
  }

  /** By OpenTelemetry's conventions for databases; neither keys nor values. */
  #spanOf(what: RedisCall): [name: string, attributes: SpanAttributes, kind: 'client'] {
    const [command, script] = COMMANDS[what] as readonly [string, string?];
    const attributes = {
      'db.system.name': 'redis',
      'db.operation.name': command,
      'db.stored_procedure.name': script,
      ...this.#server,
    };
    return [script === undefined ? command : `${command} ${script}`, attributes, 'client'];
  }

  /** Resolves when it is known whether Redis answers: within a second. */
  firstLook(): Promise<void> {
    return this.#first;
  }

  /** Resolves when the first answer came, or after so many milliseconds. */
  async ready(waitMs: number): Promise<boolean> {
    const until = performance.now() + waitMs;
    while (!this.#up && performance.now() < until) await new Promise((done) => setTimeout(done, 10));
    return this.#up;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#probe) clearTimeout(this.#probe);
    this.#client.disconnect();
  }

  #down(error: unknown): void {
    if (this.#up || !this.#told) {
      this.#log.error('Redis is away; limits go on without it', { problem: (error as Error).message });
      this.#metrics.limiterUp.set(0);
    }
    this.#told = true;
    this.#up = false;
    this.#later();
  }

  #later(): void {
    if (this.#closed || this.#probe) return;
    this.#probe = setTimeout(() => {
      this.#probe = null;
      void this.#look();
    }, PROBE_MS);
    this.#probe.unref();
  }

  async #look(): Promise<void> {
    try {
      if (this.#client.status !== 'ready') await within(PROBE_WAIT_MS, once(this.#client, 'ready'));
      // A replica that answers but can't write is of no use; after a failover the old master is one.
      const role =
        this.#client instanceof Cluster ? null : within(PROBE_WAIT_MS, this.#client.info('replication'));
      if (role !== null && !/role:master/.test(await role)) throw new Error('it is a replica');
      await within(PROBE_WAIT_MS, this.#client.ping());
    } catch (error) {
      if (!this.#closed) this.#down(error);
      return;
    }
    if (this.#closed) return;
    this.#failures = 0;
    this.#up = true;
    this.#metrics.limiterUp.set(1);
    this.#log.info(this.#told ? 'Redis is back' : 'Redis is reached');
    this.#told = true;
  }
}

/** Where Redis is, as far as the configuration says; a Sentinel's master and a cluster's node are found later. */
function serverOf({ url }: RedisConfig): SpanAttributes {
  if (url === undefined) return {};
  const { hostname, port } = new URL(url);
  return { 'server.address': hostname, 'server.port': port === '' ? 6379 : Number(port) };
}

class TimeLimit extends Error {}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // An event loop that was busy runs timers before it reads sockets: an answer that is there already counts.
    const end = () => setImmediate(() => reject(new TimeLimit(`no answer within ${ms} ms`)));
    timer = setTimeout(end, ms);
  });
  // It may fail after nobody waits any more.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function connect(config: RedisConfig): RedisClient {
  const { url, sentinels, master, cluster, username, password, tls, ca } = config;
  const options: RedisOptions = {
    // A command for a Redis that is away fails at once, instead of waiting in a queue.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    retryStrategy: (times) => Math.min(50 * times, MAX_RECONNECT_MS),
    // A master that has become a replica says so on every write.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...((tls || ca !== undefined) && { tls: ca === undefined ? {} : { ca } }),
  };
  if (cluster) {
    return new Cluster(cluster, {
      enableOfflineQueue: false,
      clusterRetryStrategy: (times) => Math.min(50 * times, MAX_RECONNECT_MS),
      redisOptions: options,
    });
  }
  if (sentinels) {
    return new Redis({
      ...options,
      sentinels,
      name: master,
      sentinelRetryStrategy: (times) => Math.min(50 * times, MAX_RECONNECT_MS),
    });
  }
  return new Redis(url!, options);
}

/** Null without a `redis` section. Never waits: Redis may come up later. */
export function createRedis(
  config: RedisConfig | undefined,
  metrics: Metrics,
  log: Logger,
): SharedRedis | null {
  if (config) return new SharedRedis(config, metrics, log);
  metrics.limiterUp.set(1);
  return null;
}
