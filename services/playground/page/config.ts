/** What `GET /config` tells, and how a request is routed within it. Types alone. */

export interface Upstream {
  readonly target: string;
  readonly model: string;
  /** Of one of several. */
  readonly weight?: number;
  readonly priority?: number;
}

export interface Entry extends Upstream {
  readonly name: string;
  /** Where there is more than one. */
  readonly targets?: readonly Upstream[];
  readonly fallbacks?: readonly Upstream[];
}

export interface Policy {
  readonly name: string;
  readonly threshold: number;
  readonly fallback: string | null;
  /** Absent: labels. */
  readonly kind?: 'value';
  readonly llms: readonly Entry[];
}

export interface Config {
  readonly version: string;
  readonly default_policy: string | null;
  readonly policies: readonly Policy[];
}

export interface Routing {
  readonly policy: string;
  readonly routing_strategy: 'triton' | 'manual';
  readonly model: string;
  readonly threshold?: number;
}
