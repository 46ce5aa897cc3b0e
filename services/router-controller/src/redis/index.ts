/**
 * Redis, shared by the replicas. A request never waits for it longer than `call_timeout_ms`, and not at all while it is
 * known to be away: the state is watched in the background, told once, and heals by itself.
 */
import { once } from 'node:events';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig } from '../config/schema-redis.ts';
import type { Logger, Metrics } from '../observe/index.ts';

export type RedisClient = Redis | Cluster;

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
   * @param waitedMs what the same request has already waited for Redis.
   * @throws RedisUnavailable at once while it is known to be away, else after the time limit. A script that answers late
   * may still have run.
   */
  run<T>(what: string, fn: (redis: RedisClient) => Promise<T>, waitedMs = 0): Promise<T> {
    return this.#run(what, fn, Math.max(1, this.#timeoutMs - waitedMs));
  }

  /** As {@link run}, for what no request waits for: it has more time. */
  background<T>(what: string, fn: (redis: RedisClient) => Promise<T>): Promise<T> {
    return this.#run(what, fn, Math.max(BACKGROUND_MS, this.#timeoutMs));
  }

  async #run<T>(what: string, fn: (redis: RedisClient) => Promise<T>, limitMs: number): Promise<T> {
    if (!this.#up) throw new RedisUnavailable(`${what}: Redis is away`);
    const started = performance.now();
    try {
      const result = await within(limitMs, fn(this.#client));
      this.#failures = 0;
      return result;
    } catch (error) {
      const reason = error instanceof TimeLimit ? 'timeout' : 'error';
      this.#metrics.limiterErrors.inc({ reason });
      if (started >= this.#lastFailureAt) {
        this.#failures++;
        this.#lastFailureAt = performance.now();
      }
      if (this.#failures >= FAILURES) this.#down(error);
      throw new RedisUnavailable(`${what}: ${(error as Error).message}`, error);
    }
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
