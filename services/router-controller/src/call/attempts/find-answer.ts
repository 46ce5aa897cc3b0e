/** Asks target after target within the request's one budget of attempts and time, until one answers. */
import type { Target } from '../../config/types.ts';
import { largerThan } from '../../decide/index.ts';
import type { Journey, Tried, TryResult, Won } from '../journey.ts';
import { sleep } from '../time.ts';
import { retryAfterMs } from '../transport/headers.ts';
import { lacks } from './capabilities.ts';
import { hedged } from './hedge.ts';
import { fallsBack, RETRIES } from './outcome.ts';
import { Schedule } from './schedule.ts';
import { note, type TryDeps, tryTarget } from './try-target.ts';

/** The decision's targets; those that rest come last. What was wanted and can't do it is noted as an attempt. */
function capable(deps: TryDeps, journey: Journey): Target[] {
  const { decision, needs } = journey;
  const lacking = (decision.passedOver ?? []).filter(({ target }) => lacks(target, needs).length > 0);
  for (const { target } of lacking) note(deps, journey, target, 'incapable');
  // The capability check is no failure, but where it moves the request to another target, that is told as one.
  if (lacking.some(({ target }) => target === decision.wanted)) deps.observer.fellBack(decision, 'incapable');
  return decision.targets.toSorted((a, b) => Number(deps.health.rests(a)) - Number(deps.health.rests(b)));
}

/**
 * @returns null when the client left, the request itself is at fault, or budget and targets are used up.
 */
export async function findAnswer(deps: TryDeps, journey: Journey): Promise<Won | null> {
  const { request, decision } = journey;
  const { attempts, time_ms } = decision.policy.retryBudget;
  const { retry_first_ms: firstMs, retry_max_ms: maxMs } = deps.settings;
  const { time, health } = deps;
  const schedule = new Schedule(capable(deps, journey), { firstMs, maxMs });
  const deadline = time.now() + time_ms;
  const othersWait = () =>
    journey.sent < attempts && schedule.fresh().some((each) => !health.refuses(each, journey.who));

  for (;;) {
    if (request.signal.aborted || journey.sent >= attempts) return null;
    const next = schedule.take(time.now());
    if (!next) return null;
    // A silent target may have used up all the time: the fallbacks are there for just that, so each is asked once.
    if (!next.first && time.now() + next.waitMs > deadline) return null;
    if (next.waitMs > 0) await sleep(time, next.waitMs, request.signal);
    if (request.signal.aborted) return null;

    const second = () =>
      journey.sent >= attempts ? null : (schedule.take(time.now(), true)?.target ?? null);
    for (const result of await ask(deps, journey, next.target, { second, othersWait })) {
      if (result.kind === 'won') return result;
      if (!goOn(deps, journey, schedule, result)) return null;
    }
  }
}

interface Others {
  /** The target that a hedge asks; null: none is left. */
  readonly second: () => Target | null;
  readonly othersWait: () => boolean;
}

function ask(
  deps: TryDeps,
  journey: Journey,
  target: Target,
  { second, othersWait }: Others,
): Promise<TryResult[]> {
  const { hedge } = journey.decision.policy;
  const p95 = hedge.enabled ? deps.health.latency(target).p95() : null;
  if (p95 === null) return tryTarget(deps, journey, target, { othersWait }).then((result) => [result]);
  return hedged(target, {
    run: (each, options) => tryTarget(deps, journey, each, { ...options, othersWait }),
    delayMs: Math.max(hedge.min_ms, p95),
    second,
    time: deps.time,
  });
}

/** Takes note of a failure. @returns false when nobody else is to be asked. */
function goOn(
  { observer, time }: TryDeps,
  journey: Journey,
  schedule: Schedule,
  { target, failure }: Tried,
): boolean {
  // The loser of a hedge has not failed.
  if (failure.outcome === 'aborted') return !journey.request.signal.aborted;
  journey.tried.push({ target, failure });
  if (!fallsBack(failure.outcome)) return false;
  if (failure.outcome === 'context_overflow') {
    // The same prompt is too long for every target of this size; what is larger may well take it.
    const larger = largerThan(target, journey.decision.larger?.() ?? []);
    schedule.replace(larger);
    if (larger.length === 0) return false;
  }
  observer.fellBack(journey.decision, failure.outcome);
  if (RETRIES.has(failure.outcome)) {
    const asked = failure.answer ? retryAfterMs(failure.answer.headers) : null;
    schedule.again(target, time.now(), asked);
  }
  return true;
}
