/** The routing table after compilation: names resolved, secrets wrapped, URLs normalised. Immutable; replaced whole. */
import type { z } from 'zod';
import type { UpstreamBase } from './endpoint.ts';
import type { ConfigFile } from './schema.ts';
import type { Condition } from './schema-rules.ts';
import type { APIS, capabilitiesSchema, priceSchema } from './schema-table.ts';
import type { ChooseBy } from './schema-value.ts';
import type { Secret } from './secret.ts';
import type { Timeouts } from './timeouts.ts';

export type Capabilities = z.infer<typeof capabilitiesSchema>;
export type Price = z.infer<typeof priceSchema>;
export type Api = (typeof APIS)[number];
export type { Timeouts };

/** PEM texts beside the system's own trust. */
export interface TargetTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: Secret | null;
  readonly serverName: string | null;
}

/** One upstream model. */
export interface Target extends UpstreamBase {
  /** Unique. Inline v1 upstreams are named after their model id; equal upstreams share one target. */
  readonly name: string;
  /** The name; of further replicas NAME#2, NAME#3 … Each has a breaker of its own. */
  readonly id: string;
  /** The other replicas, where `api_base` lists several. */
  readonly replicas: readonly Target[];
  readonly apiKey: Secret | null;
  readonly model: string;
  readonly capabilities: Capabilities;
  readonly timeouts: Timeouts;
  readonly price: Price | null;
  readonly headers: Readonly<Record<string, string>>;
  /** URL of the proxy to go through, which may hold a password; none: go straight; null: as the environment says. */
  readonly proxy: Secret | 'none' | null;
  readonly tls: TargetTls | null;
  /** What it speaks; another API is translated to and from chat completions. */
  readonly apis: readonly Api[];
  readonly keyHeader: 'authorization' | 'x-api-key' | 'api-key';
  /** Of translated requests. */
  readonly maxTokensAs: 'max_tokens' | 'max_completion_tokens';
  readonly reasoningInput: boolean;
  /** Paths that are passed on without a decision: `/v1/embeddings`, `/v1/audio/*`. Null: the usual ones. */
  readonly passes: readonly string[] | null;
}

export interface WeightedTarget {
  readonly target: Target;
  readonly weight: number;
  readonly priority: number;
}

/** What one label leads to. `name` is what `x-chosen-classifier` tells. */
export interface Entry {
  readonly name: string;
  readonly routes: readonly WeightedTarget[];
  readonly fallbacks: readonly Target[];
  readonly rank: number;
  /** Fields set in the body that goes upstream; null: none. */
  readonly extraBody: Readonly<Record<string, unknown>> | null;
}

/** A rule with its names resolved; one of `entry`, `target` and `label` is what follows. */
export interface Rule {
  /** Its name, or its place: `rules[2]`. */
  readonly name: string;
  readonly score: { readonly name: string; readonly atLeast: number } | null;
  readonly when: Condition | null;
  readonly entry: Entry | null;
  readonly target: Target | null;
  /** An entry's name, as labels are. */
  readonly label: string | null;
}

export interface ClassifierEndpoint {
  /** grpcs: gRPC over TLS. */
  readonly protocol: 'grpc' | 'grpcs' | 'http';
  /** host:port for gRPC, scheme://host:port for HTTP. */
  readonly address: string;
  readonly model: string;
}

/** How P(good) and the estimated cost are weighed: one way and its number. */
export interface Choose {
  readonly by: ChooseBy;
  readonly at: number;
}

/** What a policy of `kind: value` has beside its entries, which are its targets. */
export interface ValueSettings {
  readonly choose: Choose;
  /** Prompts of less familiarity are told as unfamiliar, and go to a fixed entry (null: are weighed as all others); null: all are alike. */
  readonly unfamiliar: { readonly below: number; readonly entry: Entry | null } | null;
  /** Settings that clients may name. */
  readonly points: ReadonlyMap<string, Choose>;
  /** Share of new conversations that a target drawn by lot answers. */
  readonly explore: number;
}

export interface Policy {
  readonly name: string;
  /** Null: a policy of labels. */
  readonly value: ValueSettings | null;
  /** Expected answer where nothing better is known, tokens; one number, or by target. */
  readonly answerTokens: number | Readonly<Record<string, number>>;
  /** At least one; all serve the same model name. */
  readonly endpoints: readonly ClassifierEndpoint[];
  readonly threshold: number;
  readonly fallback: Entry | null;
  /** By name, in the file's order (v1's positional mapping needs it where a model tells no labels). */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly sticky: { readonly enabled: boolean; readonly ttl_ms: number; readonly rest_ms: number };
  /** Whether ranks tell which of two entries does the harder work: they were given, or every entry has a price. */
  readonly ranked: boolean;
  readonly rules: readonly Rule[];
  readonly secondLook: {
    readonly enabled: boolean;
    readonly below: number;
    readonly labels: Readonly<Record<string, number>>;
  };
  readonly shadow: { readonly policy: string; readonly share: number } | null;
  readonly canary: { readonly policy: string; readonly share: number } | null;
  readonly retryBudget: { readonly attempts: number; readonly time_ms: number };
  readonly hedge: { readonly enabled: boolean; readonly min_ms: number };
  readonly heartbeatMs: number;
}

export interface RoutingTable {
  readonly policies: ReadonlyMap<string, Policy>;
  readonly targets: ReadonlyMap<string, Target>;
  readonly defaultPolicy: string | null;
  /** Model names of clients, lower case, and the policy that each stands for. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** Every upstream of the table, each replica by itself. */
export const allTargets = ({ targets }: RoutingTable): Target[] =>
  [...targets.values()].flatMap(withReplicas);

export const withReplicas = (target: Target): Target[] => [target, ...target.replicas];

/** Everything a running controller needs; one value, swapped atomically on reload. */
export interface RouterConfig {
  readonly file: ConfigFile;
  readonly table: RoutingTable;
  /** Where it came from, for messages. */
  readonly path: string;
  /** sha256 of the file's text, first 12 hex digits: tells versions apart in logs and metrics. */
  readonly version: string;
  /** sha256 over the file with its variables and secrets in place: tells whether anything changed at all. */
  readonly contentHash: string;
  /** Files that `file:PATH` names, watched with the configuration. */
  readonly secretFiles: readonly string[];
  /** Every secret in it: none of them may leave the process but to whom it is for. */
  readonly secrets: readonly { readonly path: string; readonly value: Secret }[];
}
