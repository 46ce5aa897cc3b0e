/** Asks target after target within the request's one budget of attempts and time, until one answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../../config/types.ts';
import { RouterError } from '../../errors.ts';
import type { Journey, Tried, TryResult, Won } from '../journey.ts';
import { retryAfterMs } from '../transport/headers.ts';
import { lacks } from './capabilities.ts';
import { hedged } from './hedge.ts';
import { fallsBack, RETRIES } from './outcome.ts';
import { Schedule } from './schedule.ts';
import { note, type TryDeps, tryTarget } from './try-target.ts';

/** Targets that can do what the request needs; those that rest come last. */
function capable(deps: TryDeps, journey: Journey): Target[] {
  const { decision, needs } = journey;
  const able: Target[] = [];
  const reasons: string[] = [];
  for (const target of decision.targets) {
    const missing = lacks(target, needs);
    if (missing.length === 0) able.push(target);
    else {
      reasons.push(`${target.name} lacks ${missing.join(', ')}`);
      note(deps, journey, target, 'incapable');
    }
  }
  if (able.length === 0) {
    const message = `No target of entry '${decision.entry.name}' can do this: ${reasons.join('; ')}`;
    throw new RouterError('no_capable_target', message);
  }
  // The capability check is no failure, but where it moves the request to another target, that is told as one.
  if (able[0] !== decision.targets[0]) deps.observer.fellBack(decision, 'incapable');
  return able.sort((a, b) => Number(deps.health.rests(a)) - Number(deps.health.rests(b)));
}

/**
 * @returns null when the client left, the request itself is at fault, or budget and targets are used up.
 * @throws RouterError no_capable_target
 */
export async function findAnswer(deps: TryDeps, journey: Journey): Promise<Won | null> {
  const { request, decision } = journey;
  const { attempts, time_ms } = decision.policy.retryBudget;
  const { retry_first_ms: firstMs, retry_max_ms: maxMs } = deps.settings;
  const schedule = new Schedule(capable(deps, journey), { firstMs, maxMs });
  const deadline = journey.started + time_ms;
  const spent = () => journey.sent >= attempts || (journey.sent > 0 && performance.now() > deadline);

  for (;;) {
    if (request.signal.aborted || spent()) return null;
    const next = schedule.take(performance.now());
    if (!next || performance.now() + next.waitMs > deadline) return null;
    if (next.waitMs > 0) await sleep(next.waitMs, undefined, { signal: request.signal }).catch(() => {});
    if (request.signal.aborted) return null;

    const second = () => {
      const ready = spent() ? null : schedule.take(performance.now(), true);
      return ready?.target ?? null;
    };
    for (const result of await ask(deps, journey, next.target, second)) {
      if (result.kind === 'won') return result;
      if (!goOn(deps, journey, schedule, result)) return null;
    }
  }
}

function ask(
  deps: TryDeps,
  journey: Journey,
  target: Target,
  second: () => Target | null,
): Promise<TryResult[]> {
  const { hedge } = journey.decision.policy;
  const p95 = hedge.enabled ? deps.health.latency(target).p95() : null;
  if (p95 === null) return tryTarget(deps, journey, target).then((result) => [result]);
  return hedged(target, {
    run: (each, options) => tryTarget(deps, journey, each, options),
    delayMs: Math.max(hedge.min_ms, p95),
    second,
  });
}

/** Takes note of a failure. @returns false when nobody else is to be asked. */
function goOn(
  { observer }: TryDeps,
  journey: Journey,
  schedule: Schedule,
  { target, failure }: Tried,
): boolean {
  // The loser of a hedge has not failed.
  if (failure.outcome === 'aborted') return !journey.request.signal.aborted;
  journey.tried.push({ target, failure });
  if (!fallsBack(failure.outcome)) return false;
  observer.fellBack(journey.decision, failure.outcome);
  if (RETRIES.has(failure.outcome)) {
    const asked = failure.answer ? retryAfterMs(failure.answer.headers) : null;
    schedule.again(target, performance.now(), asked);
  }
  return true;
}
