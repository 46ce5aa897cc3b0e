/** What is known of each target: its breaker, its key, how fast it begins. It outlives reloads that leave the target as it is. */
import type { Target } from '../../config/types.ts';
import type { CallObserver } from '../observer.ts';
import { Agreement } from './agreement.ts';
import type { BreakerSettings, BreakerState, Pass } from './breaker.ts';
import { Latency } from './latency.ts';
import { TargetHealth, type Who } from './target-health.ts';
import { keepOnly, targetKey } from './target-key.ts';

/** It moves everybody's requests to another target, so one tenant's word is not enough. */
const FORBIDDEN = { requests: 5, tenants: 2 };
/** It is only told. */
const MISSING = { requests: 3, tenants: 1 };

interface State {
  readonly breaker: TargetHealth;
  readonly latency: Latency;
  /** Of 403s that don't say whose fault they are, and of 404s. */
  readonly forbidden: Agreement;
  readonly missing: Agreement;
  keyBad: boolean;
  /** The target is asked last until then. */
  restsUntil: number;
  /** It takes `stream_options`; false: it refused, or compresses its streams; null: not known. */
  usage: boolean | null;
}

export class Health {
  readonly #settings: BreakerSettings;
  readonly #observer: CallObserver;
  readonly #states = new Map<string, State>();
  /** Keys of the targets in the table; null: before the first reload, when all are. */
  #inTable: ReadonlySet<string> | null = null;

  constructor(settings: BreakerSettings, observer: CallObserver) {
    this.#settings = settings;
    this.#observer = observer;
  }

  #state(target: Target): State {
    const key = targetKey(target);
    let state = this.#states.get(key);
    if (!state) {
      const breaker = new TargetHealth(this.#settings, (changed) => {
        if (this.#has(target)) this.#observer.breakerChanged(target, changed);
      });
      state = {
        breaker,
        latency: new Latency(),
        forbidden: new Agreement(FORBIDDEN),
        missing: new Agreement(MISSING),
        keyBad: false,
        restsUntil: 0,
        usage: null,
      };
      // A request that outlived a reload may still ask a target that has left: nobody would take back what it says.
      if (this.#has(target)) this.#states.set(key, state);
    }
    return state;
  }

  #has(target: Target): boolean {
    return this.#inTable?.has(targetKey(target)) ?? true;
  }

  /**
   * @param who null: clients are not told apart.
   * @param firstFailure true once for each request.
   */
  pass(target: Target, who: Who | null, firstFailure: () => boolean): Pass | null {
    return this.#state(target).breaker.pass(who, firstFailure);
  }

  /** True when a request of this client would be refused now. */
  refuses(target: Target, who: Who | null): boolean {
    return this.#states.get(targetKey(target))?.breaker.refuses(who) ?? false;
  }

  /**
   * A 403 or 404 that may speak of the request or of the target.
   *
   * @param what tells requests apart.
   * @returns true when different requests agree that it is the target's.
   */
  agrees(target: Target, status: number, what: string, who: Who | null): boolean {
    const { forbidden, missing } = this.#state(target);
    return (status === 403 ? forbidden : missing).add(what, who?.tenant ?? null);
  }

  /** The target has answered a request. */
  answered(target: Target, status: number): void {
    const state = this.#state(target);
    state.forbidden.clear();
    state.missing.clear();
    this.noteKey(target, false, status);
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
    if (!this.#has(target)) return;
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
    return this.#state(target).usage !== false;
  }

  /** True when it has streamed an answer to a request with the option. */
  takesUsage(target: Target): boolean {
    return this.#state(target).usage === true;
  }

  noteUsage(target: Target, takes: boolean): void {
    const state = this.#state(target);
    if (!takes && state.usage !== false) this.#observer.usageRefused(target);
    state.usage = takes;
  }

  /** Forgets targets that have left the table, and hears nothing more of them. */
  keep(targets: readonly Target[]): void {
    this.#inTable = new Set(targets.map(targetKey));
    keepOnly(this.#states, targets);
  }
}
