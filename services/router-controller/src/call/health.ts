/** What is known of each target's health: a circuit breaker, and keys that the upstream refuses. */
import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
} from 'cockatiel';
import type { Target } from '../config/types.ts';
import type { Metrics } from '../observe/index.ts';
import type { AttemptResult, Failure } from './attempt.ts';
import { UNHEALTHY } from './outcome.ts';

const FAILURES_TO_OPEN = 5;
const OPEN_MS = 10_000;
/** How long a target whose key was refused is asked last. */
const BAD_KEY_MS = 60_000;

class Unhealthy extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export class Health {
  readonly #metrics: Metrics;
  readonly #breakers = new Map<Target, CircuitBreakerPolicy>();
  readonly #badKeys = new Map<Target, number>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  #breaker(target: Target): CircuitBreakerPolicy {
    let breaker = this.#breakers.get(target);
    if (!breaker) {
      breaker = circuitBreaker(handleAll, {
        halfOpenAfter: OPEN_MS,
        breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
      });
      const level = {
        [CircuitState.Closed]: 0,
        [CircuitState.HalfOpen]: 1,
        [CircuitState.Open]: 2,
        [CircuitState.Isolated]: 2,
      };
      breaker.onStateChange((state) => this.#metrics.breaker.set({ target: target.name }, level[state]));
      this.#breakers.set(target, breaker);
    }
    return breaker;
  }

  /** Runs an attempt through the target's breaker. A failure that is the client's or the key's fault does not count. */
  async guard(target: Target, run: () => Promise<AttemptResult>): Promise<AttemptResult> {
    try {
      return await this.#breaker(target).execute(async () => {
        const result = await run();
        if (result.kind === 'failure' && UNHEALTHY.has(result.outcome)) throw new Unhealthy(result);
        return result;
      });
    } catch (error) {
      if (error instanceof Unhealthy) return error.failure;
      return {
        kind: 'failure',
        outcome: 'breaker_open',
        message: `${target.name} failed repeatedly and rests for ${OPEN_MS / 1000} s`,
        answer: null,
      };
    }
  }

  noteKey(target: Target, bad: boolean): void {
    if (bad) this.#badKeys.set(target, performance.now() + BAD_KEY_MS);
    else if (!this.#badKeys.delete(target)) return;
    this.#metrics.badCredentials.set({ target: target.name }, bad ? 1 : 0);
  }

  /** True while the target's key was refused lately: it is tried after the others. */
  hasBadKey(target: Target): boolean {
    return (this.#badKeys.get(target) ?? 0) > performance.now();
  }

  keep(targets: Iterable<Target>): void {
    const kept = new Set(targets);
    for (const target of this.#breakers.keys()) if (!kept.has(target)) this.#breakers.delete(target);
    for (const target of this.#badKeys.keys()) if (!kept.has(target)) this.#badKeys.delete(target);
  }
}
