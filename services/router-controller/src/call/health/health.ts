/** What is known of each target: its breaker, its key, how fast it begins. It outlives reloads that leave the target as it is. */
import type { Target } from '../../config/types.ts';
import type { CallObserver } from '../observer.ts';
import { Breaker, type BreakerSettings, type BreakerState, type Pass } from './breaker.ts';
import { Latency } from './latency.ts';
import { keepOnly, targetKey } from './target-key.ts';

interface State {
  readonly breaker: Breaker;
  readonly latency: Latency;
  keyBad: boolean;
  /** The target is asked last until then. */
  restsUntil: number;
  /** It refused `stream_options`, or compresses its streams. */
  noUsage: boolean;
}

export class Health {
  readonly #settings: BreakerSettings;
  readonly #observer: CallObserver;
  readonly #states = new Map<string, State>();

  constructor(settings: BreakerSettings, observer: CallObserver) {
    this.#settings = settings;
    this.#observer = observer;
  }

  #state(target: Target): State {
    const key = targetKey(target);
    let state = this.#states.get(key);
    if (!state) {
      const breaker = new Breaker(this.#settings, (changed) =>
        this.#observer.breakerChanged(target, changed),
      );
      state = { breaker, latency: new Latency(), keyBad: false, restsUntil: 0, noUsage: false };
      this.#states.set(key, state);
    }
    return state;
  }

  pass(target: Target): Pass | null {
    return this.#state(target).breaker.pass();
  }

  latency(target: Target): Latency {
    return this.#state(target).latency;
  }

  /** Asked after the others for so long: its key was refused, or it asked for a pause. */
  rest(target: Target, ms: number): void {
    const state = this.#state(target);
    state.restsUntil = Math.max(state.restsUntil, performance.now() + ms);
  }

  rests(target: Target): boolean {
    return this.#state(target).restsUntil > performance.now();
  }

  noteKey(target: Target, bad: boolean, status: number | null): void {
    const state = this.#state(target);
    if (!bad && state.keyBad) state.restsUntil = 0;
    if (state.keyBad === bad) return;
    state.keyBad = bad;
    this.#observer.keyChanged(target, bad, status);
  }

  /** What is known of a target, without remembering one that was never asked. */
  standing(target: Target): { readonly breaker: BreakerState; readonly keyBad: boolean } {
    const state = this.#states.get(targetKey(target));
    return { breaker: state?.breaker.state ?? 'closed', keyBad: state?.keyBad ?? false };
  }

  givesUsage(target: Target): boolean {
    return !this.#state(target).noUsage;
  }

  noteNoUsage(target: Target): void {
    const state = this.#state(target);
    if (!state.noUsage) this.#observer.usageRefused(target);
    state.noUsage = true;
  }

  /** Forgets targets that have left the table. */
  keep(targets: Iterable<Target>): void {
    keepOnly(this.#states, targets);
  }
}
