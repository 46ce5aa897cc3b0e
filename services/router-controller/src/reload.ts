/** Takes a changed configuration into force: whole and at once, or not at all. */
import { isDeepStrictEqual } from 'node:util';
import type { RouterConfig } from './config/index.ts';
import type { Logger, Metrics } from './observe/index.ts';

export interface ReloadResult {
  readonly result: 'applied' | 'refused' | 'unchanged';
  /** Version in force afterwards. */
  readonly version: string;
  /** Why it was refused, with paths. */
  readonly problem: string | null;
  /** Changed keys that take effect only when the process starts again. */
  readonly needRestart: readonly string[];
}

export interface ReloaderDeps {
  readonly load: () => Promise<RouterConfig>;
  readonly current: () => RouterConfig;
  /** Checks labels and switches over. Nothing has changed when it throws. */
  readonly apply: (config: RouterConfig) => Promise<void>;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Hears how each reload went. */
  readonly onResult?: (result: ReloadResult, before: string, trigger: string) => void;
}

/** Keys that take effect at a start only: sockets, pools and breakers are made once, from these. The Helm chart rolls pods by them. */
export const FIXED = [
  'logging.stream',
  'logging.severity',
  'tracing.endpoint',
  'tracing.protocol',
  'tracing.sample_ratio',
  'tracing.service_name',
  'server.host',
  'server.port',
  'server.workers',
  'server.body_limit_bytes',
  'server.headers_timeout_ms',
  'server.request_timeout_ms',
  'upstream.connections_per_target',
  'upstream.max_header_bytes',
  'upstream.breaker_failures',
  'upstream.breaker_open_ms',
  'upstream.breaker_open_max_ms',
  'redis.url',
  'redis.sentinels',
  'redis.master',
  'redis.cluster',
  'redis.tls',
  'redis.tls_servername',
  'redis.sentinel_tls',
  'redis.address_map',
  'redis.key_prefix',
  'redis.call_timeout_ms',
  'redis.probe_ms',
  'admin.host',
  'admin.port',
] as const;

const at = (node: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], node);

export const needRestart = (before: RouterConfig, after: RouterConfig): string[] =>
  FIXED.filter((path) => !isDeepStrictEqual(at(before.file, path), at(after.file, path)));

export class Reloader {
  readonly #deps: ReloaderDeps;
  #running: Promise<ReloadResult> | null = null;
  #next: Promise<ReloadResult> | null = null;

  constructor(deps: ReloaderDeps) {
    this.#deps = deps;
    this.#inForce();
  }

  /**
   * Reloads one after the other: a call during another one sees what the file holds after it. Never rejects.
   *
   * @param rests whether the file that has been read is whole; default: the caller says so.
   */
  reload(trigger: string, rests: () => Promise<boolean> = async () => true): Promise<ReloadResult> {
    if (!this.#running) {
      this.#running = this.#once(trigger, rests).finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.reload(trigger, rests);
    });
    return this.#next;
  }

  #inForce(): void {
    this.#deps.metrics.reloadOk.set(1);
    this.#deps.metrics.reloadTime.set(Date.now() / 1000);
  }

  async #once(trigger: string, rests: () => Promise<boolean>): Promise<ReloadResult> {
    const before = this.#deps.current().version;
    const result = await this.#try(trigger, rests);
    this.#deps.onResult?.(result, before, trigger);
    return result;
  }

  async #try(trigger: string, rests: () => Promise<boolean>): Promise<ReloadResult> {
    const { load, current, apply, metrics, log } = this.#deps;
    const before = current();
    let result: ReloadResult['result'] = 'unchanged';
    let changed: string[] = [];
    try {
      const config = await load();
      if (!(await rests()))
        throw new Error('the file changed while it was read; it is read again when it rests');
      if (config.contentHash !== before.contentHash) {
        await apply(config);
        result = 'applied';
        changed = needRestart(before, config);
      }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      metrics.reloads.inc({ result: 'refused' });
      metrics.reloadOk.set(0);
      log.error('configuration refused; the one before stays in force', {
        trigger,
        version: before.version,
        problem,
      });
      return { result: 'refused', version: before.version, problem, needRestart: [] };
    }
    const { version } = current();
    metrics.reloads.inc({ result });
    this.#inForce();
    if (result === 'applied') {
      log.info('configuration applied', { trigger, version, before: before.version });
    } else log.info('configuration unchanged', { trigger, version });
    if (changed.length > 0)
      log.warn('these changed keys take effect when the process starts again', { keys: changed });
    return { result, version, problem: null, needRestart: changed };
  }
}
