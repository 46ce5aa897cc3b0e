/** How one target stands: with everybody, with each tenant, and with each client. */
import type { LRUCache } from 'lru-cache';
import { lru } from '../../lru.ts';
import { Breaker, type BreakerSettings, type BreakerState, type Pass, type Verdict } from './breaker.ts';
import { FailureRun } from './failure-run.ts';

/** Whose request it is. */
export interface Who {
  readonly tenant: string;
  /** The client's key. */
  readonly client: string;
}

/** Tenants and clients that are told apart; of more the ones that were away longest are forgotten. */
const KNOWN = 2_000;

/** One breaker, and the failures it goes by. */
interface Side {
  readonly breaker: Breaker;
  readonly run: FailureRun;
}

/** A side that a request has to pass, and whose failure it would be there; null: it counts in full. */
interface Gate {
  readonly side: Side;
  readonly voter: string | null;
}

/**
 * Three breakers stand before a target. The shared one opens on what nobody's request can cause, and on failures of several
 * tenants; a tenant's on those of several of its clients; a client's on its own alone. Each closes the target to nobody else.
 */
export class TargetHealth {
  readonly #settings: BreakerSettings;
  readonly #onState: (state: BreakerState) => void;
  readonly #shared: Side;
  readonly #others = lru<Side>(KNOWN);
  readonly #clients = lru<true>(KNOWN);
  readonly #tenants = lru<true>(KNOWN);
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

  #other(name: string, known: LRUCache<string, true>): Side {
    let side = this.#others.get(name);
    if (!side) {
      // Who is alone with a target is all that is known of it, so that word is told.
      side = this.#side((state) => {
        if (known.size === 1 && this.#shared.breaker.state === 'closed') this.#onState(state);
      });
      this.#others.set(name, side);
    }
    return side;
  }

  /** From the narrowest on: a request that is refused there is no probe of the wider ones. */
  #gates(who: Who | null): Gate[] {
    if (who === null) return [{ side: this.#shared, voter: null }];
    const { tenant, client } = who;
    const [all, one] = [JSON.stringify([tenant]), JSON.stringify([tenant, client])];
    this.#tenants.set(all, true);
    this.#clients.set(one, true);
    return [
      { side: this.#other(one, this.#clients), voter: null },
      { side: this.#other(all, this.#tenants), voter: client },
      { side: this.#shared, voter: tenant },
    ];
  }

  get state(): BreakerState {
    return this.#shared.breaker.state;
  }

  /** True when a request of this client would be refused now. */
  refuses(who: Who | null): boolean {
    return this.#gates(who).some(({ side }) => side.breaker.state === 'open');
  }

  /**
   * Leave for one request, or null while the target rests.
   *
   * @param who null: nobody is told apart.
   * @param firstFailure asked when the request has failed: false when an earlier attempt of it has, so that a request
   * counts once.
   */
  pass(who: Who | null, firstFailure: () => boolean): Pass | null {
    if (this.#isSecondProbe(who)) return null;
    const taken: { gate: Gate; pass: Pass }[] = [];
    for (const gate of this.#gates(who)) {
      const pass = gate.side.breaker.pass();
      if (!pass) {
        for (const each of taken) each.pass.end('unknown');
        return null;
      }
      taken.push({ gate, pass });
    }
    let ended = false;
    const end = (verdict: Verdict) => {
      if (ended) return;
      ended = true;
      this.#end(taken, verdict, who, firstFailure);
    };
    return { probe: taken.some(({ pass }) => pass.probe), end };
  }

  #end(
    taken: readonly { gate: Gate; pass: Pass }[],
    verdict: Verdict,
    who: Who | null,
    firstFailure: () => boolean,
  ): void {
    if (verdict === 'healthy') {
      this.#failedProber = null;
      for (const { gate, pass } of taken) {
        gate.side.run.succeeded();
        // A closed breaker has nothing to learn from it: the run has.
        pass.end(pass.probe ? 'healthy' : 'unknown');
      }
      return;
    }
    const failed = verdict !== 'unknown';
    const counts = failed && firstFailure();
    for (const { gate, pass } of taken) {
      const shared = gate.side === this.#shared;
      if (shared && failed && pass.probe) {
        this.#failedProber = who?.tenant ?? null;
        this.#othersAsked = false;
      }
      // What no request can cause is everybody's, and nobody's own.
      const mine = verdict === 'unhealthy' || shared;
      const voter = verdict === 'unreachable' ? null : gate.voter;
      const opens = counts && mine && gate.side.run.failed(voter);
      pass.end(opens || (failed && pass.probe) ? 'unhealthy' : 'unknown');
    }
  }

  /** One tenant's prompts must not use up the probes that show the others' way to be free again. */
  #isSecondProbe(who: Who | null): boolean {
    if (this.state !== 'open' || this.#failedProber === null) return false;
    if (who?.tenant !== this.#failedProber) {
      this.#othersAsked = true;
      return false;
    }
    return this.#othersAsked;
  }
}
