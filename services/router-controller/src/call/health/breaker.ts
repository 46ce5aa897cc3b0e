/** One target's circuit breaker: it rests after failures in a row, then lets one request probe it. */
import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  noJitterGenerator,
} from 'cockatiel';

export type BreakerState = 'closed' | 'half_open' | 'open';

export interface BreakerSettings {
  readonly failures: number;
  readonly openMs: number;
  readonly openMaxMs: number;
}

/**
 * healthy: it works · unreachable: it failed, and no request could have caused that · unhealthy: it failed · unknown: nobody
 * waited for the end, or the fault is the client's.
 */
export type Verdict = 'healthy' | 'unreachable' | 'unhealthy' | 'unknown';

/** Leave to ask the target. `end` must be called once; further calls do nothing. */
export interface Pass {
  /** True for the one request that tries a resting target. */
  readonly probe: boolean;
  end(verdict: Verdict): void;
}

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

export class Breaker {
  readonly #policy: CircuitBreakerPolicy;

  constructor(settings: BreakerSettings, onState: (state: BreakerState) => void) {
    this.#policy = circuitBreaker(handleAll, {
      halfOpenAfter: new ExponentialBackoff({
        initialDelay: settings.openMs,
        maxDelay: settings.openMaxMs,
        generator: noJitterGenerator,
      }),
      breaker: new ConsecutiveBreaker(settings.failures),
    });
    this.#policy.onStateChange((state) => onState(STATES[state]));
  }

  get state(): BreakerState {
    return STATES[this.#policy.state];
  }

  /** Leave for one request, or null while the target rests or another request probes it. Never waits. */
  pass(): Pass | null {
    // cockatiel would let further requests wait for the probe; they had better go to a fallback at once.
    if (this.state === 'half_open') return null;
    return this.state === 'closed' ? this.#normal() : this.#probe();
  }

  /** The verdict is counted at the end, so that a target that begins well and always breaks off counts as failing. */
  #normal(): Pass {
    let ended = false;
    return {
      probe: false,
      end: (verdict) => {
        if (ended) return;
        ended = true;
        // A late verdict on a target that rests meanwhile must not be taken for the probe's.
        if (verdict === 'unknown' || this.state !== 'closed') return;
        void this.#policy.execute(() => settle(verdict)).catch(() => {});
      },
    };
  }

  #probe(): Pass | null {
    let started = false;
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const run = this.#policy.execute(() => {
      started = true;
      return promise.then(settle);
    });
    run.catch(() => {});
    // cockatiel begins synchronously when the rest is over, and refuses when it is not.
    return started ? { probe: true, end: resolve } : null;
  }
}

/** A probe that nobody waited for has proved nothing: the target goes on resting. */
function settle(verdict: Verdict): void {
  if (verdict !== 'healthy') throw new Error('the target is not healthy');
}
