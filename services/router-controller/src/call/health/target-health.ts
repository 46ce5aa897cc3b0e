/** How one target stands: with everybody, and with each tenant. */
import { LRUCache } from 'lru-cache';
import { Breaker, type BreakerSettings, type BreakerState, type Pass, type Verdict } from './breaker.ts';
import { FailureRun } from './failure-run.ts';

/** Tenants that are told apart; of more the ones that were away longest are forgotten. */
const TENANTS = 1_000;

interface Side {
  readonly breaker: Breaker;
  readonly run: FailureRun;
}

/**
 * Two breakers stand before a target. The shared one opens on what nobody's request can cause, and on failures of several
 * tenants; the tenant's own on its failures alone, and closes the target to nobody else.
 */
export class TargetHealth {
  readonly #settings: BreakerSettings;
  readonly #onState: (state: BreakerState) => void;
  readonly #shared: Side;
  readonly #tenants = new LRUCache<string, Side>({ max: TENANTS });
  /** The last probe of the shared breaker failed, and this was its tenant: others try first. */
  #failedProber: string | null = null;
  #othersAsked = false;

  constructor(settings: BreakerSettings, onState: (state: BreakerState) => void) {
    this.#settings = settings;
    this.#onState = onState;
    this.#shared = this.#side(onState);
  }

  /** The run decides; a breaker opens at its word. */
  #side(onState: (state: BreakerState) => void): Side {
    const breaker = new Breaker({ ...this.#settings, failures: 1 }, onState);
    return { breaker, run: new FailureRun(this.#settings.failures) };
  }

  #tenant(who: string): Side {
    let side = this.#tenants.get(who);
    if (!side) {
      // A tenant that is alone with a target is all that is known of it, so its word is told.
      side = this.#side((state) => {
        if (this.#tenants.size === 1 && this.#shared.breaker.state === 'closed') this.#onState(state);
      });
      this.#tenants.set(who, side);
    }
    return side;
  }

  get state(): BreakerState {
    return this.#shared.breaker.state;
  }

  /** True when a request of this tenant would be refused now. */
  refuses(who: string | null): boolean {
    const own = who === null ? null : this.#tenants.peek(who);
    return this.state === 'open' || own?.breaker.state === 'open';
  }

  /**
   * Leave for one request, or null while the target rests.
   *
   * @param who tenant; null: nobody is told apart.
   * @param firstFailure asked when the request has failed: false when an earlier attempt of it has, so that a request
   * counts once.
   */
  pass(who: string | null, firstFailure: () => boolean): Pass | null {
    if (this.#isSecondProbe(who)) return null;
    const own = who === null ? null : this.#tenant(who);
    const ownPass = own?.breaker.pass();
    if (ownPass === null) return null;
    const pass = this.#shared.breaker.pass();
    if (!pass) {
      ownPass?.end('unknown');
      return null;
    }
    let ended = false;
    const end = (verdict: Verdict) => {
      if (ended) return;
      ended = true;
      if (verdict === 'healthy') {
        this.#shared.run.succeeded();
        own?.run.succeeded();
        this.#failedProber = null;
        ownPass?.end('healthy');
        pass.end('healthy');
        return;
      }
      const failed = verdict !== 'unknown';
      const counts = failed && firstFailure();
      if (failed && pass.probe) {
        this.#failedProber = who;
        this.#othersAsked = false;
      }
      const outage = verdict === 'unreachable';
      const opens = counts && this.#shared.run.failed(outage ? null : who);
      const ownOpens = counts && !outage && own?.run.failed(null) === true;
      ownPass?.end(ownOpens || (failed && ownPass.probe) ? 'unhealthy' : 'unknown');
      pass.end(opens || (failed && pass.probe) ? 'unhealthy' : 'unknown');
    };
    return { probe: pass.probe || ownPass?.probe === true, end };
  }

  /** One tenant's prompts must not use up the probes that show the others' way to be free again. */
  #isSecondProbe(who: string | null): boolean {
    if (this.state !== 'open' || this.#failedProber === null) return false;
    if (who !== this.#failedProber) {
      this.#othersAsked = true;
      return false;
    }
    return this.#othersAsked;
  }
}
