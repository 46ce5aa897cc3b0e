/** admit: limits, before any work is done. */
import type { RouterConfig } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import type { Metrics } from '../observe/index.ts';
import { type Holder, MemoryLimiter, type Refusal, type Verdict } from './memory-limiter.ts';

export { Gate, type GateOptions } from './gate.ts';
export { type Holder, MemoryLimiter } from './memory-limiter.ts';

/** What admission gave; release it once the request has ended, however it ended. */
export interface Grant {
  /** x-ratelimit-* for the answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly release: () => void;
}

/** Go-style duration, as OpenAI's reset headers have it: `12ms`, `1.5s`, `6m0s`. */
export function formatReset(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.ceil(ms))}ms`;
  const seconds = Math.ceil(ms / 100) / 10;
  if (seconds < 60) return `${seconds}s`;
  return `${Math.floor(seconds / 60)}m${Math.ceil(seconds % 60)}s`;
}

function headersOf(tightest: Verdict['tightest']): Record<string, string> {
  if (!tightest) return {};
  return {
    'x-ratelimit-limit-requests': String(tightest.limit),
    'x-ratelimit-remaining-requests': String(tightest.remaining),
    'x-ratelimit-reset-requests': formatReset(tightest.resetMs),
  };
}

function refused({ limit, holder, retryAfterMs }: Refusal, headers: Record<string, string>): RouterError {
  const whose = limit.scope === 'global' ? 'all callers together' : `${limit.scope} '${holder}'`;
  const what =
    retryAfterMs === null
      ? `${limit.concurrent} requests at once`
      : `${limit.requests_per_minute} requests per minute`;
  const wait = retryAfterMs ?? 1_000;
  return new RouterError('rate_limit_exceeded', `Limit '${limit.name}' of ${whose} is reached: ${what}`, {
    headers: {
      ...headers,
      'retry-after': String(Math.ceil(wait / 1000)),
      'retry-after-ms': String(Math.ceil(wait)),
    },
  });
}

export class Admission {
  readonly #metrics: Metrics;
  #limiter: MemoryLimiter;
  #limits: string;

  constructor(config: RouterConfig, metrics: Metrics) {
    this.#metrics = metrics;
    this.#limiter = new MemoryLimiter(config.file.limits);
    this.#limits = JSON.stringify(config.file.limits);
  }

  /** Counts go on when a new configuration has the same limits. */
  useConfig(config: RouterConfig): void {
    const limits = JSON.stringify(config.file.limits);
    if (limits === this.#limits) return;
    this.#limits = limits;
    this.#limiter = new MemoryLimiter(config.file.limits);
  }

  /** @throws RouterError rate_limit_exceeded with retry-after and x-ratelimit headers. */
  admit(holder: Holder): Grant {
    const verdict = this.#limiter.take(holder);
    const count = (limit: { name: string; scope: string }, decision: string) =>
      this.#metrics.limits.inc({ limit: limit.name, scope: limit.scope, decision });
    for (const limit of verdict.shadowed) count(limit, 'shadow_refused');
    const headers = headersOf(verdict.tightest);
    if (verdict.refusal) {
      count(verdict.refusal.limit, 'refused');
      throw refused(verdict.refusal, headers);
    }
    return { headers, release: verdict.release };
  }
}
