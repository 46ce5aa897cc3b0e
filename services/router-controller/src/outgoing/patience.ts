/** Tries again until something works or its time is over: pauses that double, with jitter, and a stop that ends every pause. */
import { REAL_TIME, sleep, type Time } from '../call/time.ts';

export interface Pauses {
  readonly retry_first_ms: number;
  readonly retry_max_ms: number;
  readonly give_up_ms: number;
}

/** How one try went. */
export type Try =
  | { readonly result: 'done' }
  /** Trying again can't help. */
  | { readonly result: 'hopeless'; readonly problem: string }
  | { readonly result: 'failed'; readonly problem: string; readonly retryAfterMs?: number | null };

export type Outcome =
  | { readonly done: true; readonly tries: number }
  | {
      readonly done: false;
      readonly tries: number;
      readonly problem: string;
      readonly hopeless: boolean;
    };

export interface PatienceOptions {
  readonly pauses: Pauses;
  /** When it began, by the same clock. */
  readonly since: number;
  /** No pause is begun after it, and one under way ends: one last try is made. */
  readonly hurry: AbortSignal;
  readonly time?: Time;
  readonly random?: () => number;
}

/** Half of the pause is fixed, so that a receiver in trouble always gets some; the other half is by chance. */
const jittered = (ms: number, random: () => number) => ms / 2 + (random() * ms) / 2;

/** Never rejects. */
export async function patiently(
  attempt: () => Promise<Try>,
  { pauses, since, hurry, time = REAL_TIME, random = Math.random }: PatienceOptions,
): Promise<Outcome> {
  for (let tries = 1; ; tries++) {
    const last = hurry.aborted;
    const tried = await attempt();
    if (tried.result === 'done') return { done: true, tries };
    const { problem } = tried;
    if (tried.result === 'hopeless') return { done: false, tries, problem, hopeless: true };
    const own = jittered(
      Math.min(pauses.retry_max_ms, pauses.retry_first_ms * 2 ** Math.min(tries - 1, 30)),
      random,
    );
    const pause = Math.max(own, tried.retryAfterMs ?? 0);
    const late = time.now() + pause - since > pauses.give_up_ms;
    if (last || late) return { done: false, tries, problem, hopeless: false };
    await sleep(time, pause, hurry);
  }
}
