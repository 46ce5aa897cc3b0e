/** Whether a conversation stays where it is. Pure. */
import type { Entry, Policy, Target } from '../../config/types.ts';
import type { Pin, StayEvent } from '../../request.ts';
import type { RequestFacts } from '../../understand/index.ts';
import type { Choice } from '../choose/choose.ts';

/** Answers in a row from another target, after which its prompt cache is worth more than the first target's. */
const SETTLED = 2;

export interface Stayed {
  readonly choice: Choice;
  readonly event: StayEvent;
}

/** Reasons that say what the work is; the others only say that nothing better was known. */
const TELLING = new Set<Choice['reason']>(['classified', 'rule']);

/**
 * A tool loop keeps its place until a human speaks again. A human's turn moves to harder work at once and stays for easier
 * work, whose answer the warm cache makes up for. Where no order of the entries is known, it follows a label that says
 * something.
 */
export function stay(policy: Policy, pin: Pin | null, choice: Choice, { turn }: RequestFacts): Stayed {
  if (!pin) return { choice, event: 'new' };
  // An operator's rule that names where to go is an order; one that says what the work is counts as a label does.
  if (choice.target || (choice.rule && choice.label === undefined)) return { choice, event: 'ruled' };
  const entry = policy.entries.get(pin.entry)!;
  const kept: Choice = {
    entry,
    reason: 'pinned',
    ...(choice.label !== undefined && { label: choice.label }),
    ...(choice.weighed && { weighed: choice.weighed, label: entry.name, next: nextTo(entry, choice) }),
  };
  if (turn.kind === 'loop') return { choice: kept, event: 'loop' };
  if (choice.weighed) return weighedStay(kept, choice, turn.closes);
  if (TELLING.has(choice.reason)) {
    if (
      policy.ranked ? choice.entry.rank > entry.rank : choice.entry !== entry && !turn.leans && !turn.closes
    )
      return { choice, event: policy.ranked ? 'moved_up' : 'moved' };
  }
  return { choice: kept, event: 'kept' };
}

/**
 * A choice by value has weighed the warm cache already, so it stands; but what is not known is no reason to leave for something
 * cheaper, nor is a goodbye.
 */
function weighedStay(kept: Choice, choice: Choice, closes: boolean): Stayed {
  const { rank } = kept.entry;
  if (choice.entry === kept.entry) return { choice, event: 'kept' };
  if (closes || (choice.reason === 'unfamiliar' && choice.entry.rank <= rank))
    return { choice: kept, event: 'kept' };
  return { choice, event: choice.entry.rank > rank ? 'moved_up' : 'moved' };
}

/** The other entries in the order of the choice that was not taken. */
const nextTo = (kept: Entry, { entry, next = [] }: Choice): Entry[] =>
  [entry, ...next].filter((each) => each !== kept);

/**
 * The target that a conversation goes on with: its first one, also after a failure that has passed. Only while it has
 * settled on another one and is still warm there, that one.
 */
export function preferred(pin: Pin, restMs: number, now: number): string {
  const warm = now - pin.at < restMs;
  return pin.away >= SETTLED && warm ? pin.answered : pin.wanted;
}

/** Name of the target whose prompt cache still has the conversation; null: none has, as far as is known. */
export function warmAt(policy: Policy, pin: Pin | null, restMs: number, now: number): string | null {
  if (!pin || now - pin.at >= restMs) return null;
  const targets = [...policy.entries.values()].flatMap(({ routes, fallbacks }) => [
    ...routes.map(({ target }) => target),
    ...fallbacks,
  ]);
  return targets.find(({ id }) => id === pin.answered)?.name ?? null;
}

/** The pin after an answer. */
export function pinAfter(
  before: Pin | null,
  entry: string,
  first: Target,
  answered: Target,
  lane: { readonly tools: string; readonly system: string },
  now: number,
): Pin {
  const same = before !== null && before.entry === entry;
  // While it is away, what it wants is what it came from.
  const wanted = same && before.away > 0 && first.id === before.answered ? before.wanted : first.id;
  return {
    entry,
    wanted,
    answered: answered.id,
    away: answered.id === wanted ? 0 : (same ? before.away : 0) + 1,
    at: now,
    ...lane,
  };
}
