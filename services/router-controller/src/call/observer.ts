/** What the call step tells the outside; the metrics and the log listen. */
import type { Target } from '../config/types.ts';
import type { Logger, Metrics } from '../observe/index.ts';
import type { Attempt, AttemptOutcome, Decision, RoutedRequest } from '../request.ts';
import { rootCause } from './attempts/outcome.ts';
import type { BreakerState } from './health/breaker.ts';

/** A target of the table in force, and how it stands. */
export interface Standing {
  readonly target: Target;
  readonly breaker: BreakerState;
  readonly keyBad: boolean;
}

export interface CallObserver {
  /** These are the targets from now on. */
  targets(standings: readonly Standing[]): void;
  /** An attempt has its outcome; `cause` is the error behind it, where there was one. */
  attemptEnded(request: RoutedRequest, attempt: Attempt, cause: unknown): void;
  /** The next target is asked, because of this outcome. */
  fellBack(decision: Decision, outcome: AttemptOutcome): void;
  firstByte(target: Target, ms: number): void;
  breakerChanged(target: Target, state: BreakerState): void;
  /** The upstream refuses our key, or takes it again. */
  keyChanged(target: Target, bad: boolean, status: number | null): void;
  modelRetired(target: Target, status: number | null): void;
  incomplete(request: RoutedRequest, target: Target, problem: string): void;
  /** A target can't be asked for the usage of its streams. */
  usageRefused(target: Target): void;
  /** The tokens that the target reports can't be: they are counted or estimated instead. */
  usageDoubted(target: Target, problem: string): void;
}

const BREAKER_LEVEL: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };

const RETELL_MS = 60_000;

/** The outcomes that alerts and ratios are made of. */
const DECLARED: readonly AttemptOutcome[] = [
  'ok',
  'status_5xx',
  'status_429',
  'timeout_first_byte',
  'connect_error',
  'tls_error',
  'bad_credentials',
];

export function observeCalls(metrics: Metrics, log: Logger): CallObserver {
  const named = new Set<string>();
  const toldRetired = new Map<string, number>();
  const toldDoubted = new Map<string, number>();
  return {
    targets: (standings) => {
      const names = new Set(standings.map(({ target }) => target.id));
      for (const target of [...named].filter((name) => !names.has(name))) {
        named.delete(target);
        toldRetired.delete(target);
        toldDoubted.delete(target);
        metrics.breaker.remove({ target });
        metrics.badCredentials.remove({ target });
      }
      for (const standing of standings) {
        const { id: target, name } = standing.target;
        metrics.breaker.set({ target }, BREAKER_LEVEL[standing.breaker]);
        metrics.badCredentials.set({ target }, standing.keyBad ? 1 : 0);
        if (named.has(target)) continue;
        named.add(target);
        // A counter that is born with its first event hides that event from rate() and increase().
        for (const outcome of DECLARED) metrics.attempts.inc({ target: name, outcome }, 0);
        metrics.incomplete.inc({ target: name }, 0);
        metrics.retired.inc({ target: name }, 0);
        metrics.usageDoubted.inc({ target: name }, 0);
      }
    },
    attemptEnded: (request, { target, outcome, status }, cause) => {
      metrics.attempts.inc({ target: target.name, outcome });
      if (outcome === 'ok' || outcome === 'aborted' || outcome === 'incapable') return;
      log.info('upstream attempt failed', {
        request_id: request.id,
        target: target.name,
        outcome,
        status: status ?? undefined,
        cause: cause ? rootCause(cause).message : undefined,
      });
    },
    fellBack: ({ policy, entry }, reason) =>
      metrics.fallbacks.inc({ policy: policy.name, entry: entry.name, reason }),
    firstByte: (target, ms) => metrics.firstByte.observe({ target: target.name }, ms / 1000),
    breakerChanged: (target, state) => {
      metrics.breaker.set({ target: target.id }, BREAKER_LEVEL[state]);
      log.warn('circuit breaker', { target: target.id, state });
    },
    keyChanged: (target, bad, status) => {
      metrics.badCredentials.set({ target: target.id }, bad ? 1 : 0);
      if (bad) log.error('upstream refuses our key', { target: target.name, status });
      else log.info('upstream takes our key again', { target: target.name });
    },
    modelRetired: (target, status) => {
      metrics.retired.inc({ target: target.name });
      // Every request finds out anew; the counter counts them, the log says it now and then.
      if (performance.now() - (toldRetired.get(target.name) ?? Number.NEGATIVE_INFINITY) < RETELL_MS) return;
      toldRetired.set(target.name, performance.now());
      log.error('upstream does not know the model (any more)', {
        target: target.name,
        model: target.model,
        status,
      });
    },
    incomplete: (request, target, problem) => {
      metrics.incomplete.inc({ target: target.name });
      log.warn('incomplete answer', { request_id: request.id, target: target.name, problem });
    },
    usageRefused: (target) =>
      log.warn('target’s streams can’t be asked for usage; the router counts their tokens itself', {
        target: target.name,
      }),
    usageDoubted: (target, problem) => {
      metrics.usageDoubted.inc({ target: target.name });
      // Whose answers lie does so each time.
      if (performance.now() - (toldDoubted.get(target.name) ?? Number.NEGATIVE_INFINITY) < RETELL_MS) return;
      toldDoubted.set(target.name, performance.now());
      log.warn('usage reported by the upstream is not believed; the router counts itself', {
        target: target.name,
        problem,
      });
    },
  };
}
