/**
 * The one value a request is on its way: authenticate → admit → receive → understand → decide → call → settle. Each step adds its own part
 * and reads earlier ones; nothing reaches back. No step imports a later one, so the shared shapes stand here.
 */

import type { BudgetConfig, LimitConfig } from './config/schema.ts';
import type { Choose, Entry, Policy, RouterConfig, Target } from './config/types.ts';
import type { Translation } from './dialects/index.ts';
import type { Span } from './observe/index.ts';
import type { RawBody } from './receive/index.ts';
import type { RedisVisit } from './redis/index.ts';
import type { RequestFacts } from './understand/index.ts';

/** A chat completion's body, parsed once. Unknown fields stay and go upstream. */
export type ChatBody = Record<string, unknown> & {
  model?: unknown;
  messages?: unknown;
  stream?: unknown;
};

/** The field of a body that speaks to the router alone; it never goes upstream. */
export const EXTENSION = 'nim-llm-router';

/** In which API a client speaks. */
export type Dialect = 'chat' | 'completions' | 'responses' | 'messages';

/** A routed endpoint: all its spellings are one. */
export interface Endpoint {
  readonly dialect: Dialect;
  /** Its path at an upstream, whatever the client's spelling was: `/v1/chat/completions`. */
  readonly path: string;
  /** Only a target that speaks the dialect itself can answer. */
  readonly onlyAt?: true;
  /** It asks how many tokens a request has. */
  readonly counts?: true;
}

/** The response that a request goes on from. */
export interface Earlier {
  readonly target: Target;
  /** What its target calls it, and what the client was told. */
  readonly id: string;
  readonly told: string;
}

/** A request in another API than chat completions. */
export interface Foreign {
  /** The body's own value. */
  readonly value: Readonly<Record<string, unknown>>;
  /** The same as a chat completion, for whom nothing about the target is known. */
  readonly view: Translation;
}

/** v1's `nim-llm-router` object after validation. */
export interface RouterExtension {
  readonly policy: string;
  readonly strategy: 'triton' | 'manual';
  /** Entry name or upstream model id; only for `manual`. */
  readonly model: string | null;
  /** Top-1 probability under which the fallback entry is used; null: the policy's own. */
  readonly threshold: number | null;
  /** Targets to choose from, by name or model id; absent or null: all. */
  readonly targets?: readonly string[] | null;
  readonly exclude?: readonly string[];
  /** USD per million input tokens; absent or null: any. */
  readonly maxPrice?: number | null;
  /** How value is weighed for this request; absent or null: as the policy says. */
  readonly choose?: Choose | null;
  /** Most that the estimate of a target's cost may be, USD; absent or null: any. */
  readonly maxCost?: number | null;
}

/** Who is calling. */
export interface Caller {
  /** Public id of the key, `jwt:<tenant>:<subject>`, or `anonymous`. Safe to log. */
  readonly id: string;
  readonly tenant: string;
  readonly policies: readonly string[] | null;
  readonly targets: readonly string[] | null;
  /** Limits of the key itself. */
  readonly limits?: LimitConfig | undefined;
  readonly budget?: BudgetConfig | undefined;
}

/** How a decision came to be; a closed set, because it is a metric label. */
export type DecisionReason =
  | 'classified' // top-1 label
  | 'manual' // the client named the model
  | 'rule' // a rule of the policy overruled the label
  | 'capability' // no target of the entry can do what the request needs; another of the policy can
  | 'allowed' // the key, or the request itself, leaves no target of the entry; another of the policy is left
  | 'pinned' // the conversation stays where it was
  | 'low_confidence' // under the threshold; label stands for want of a fallback entry
  | 'low_confidence_fallback'
  | 'unknown_label_fallback'
  | 'empty_prompt_fallback'
  | 'classifier_timeout_fallback'
  | 'classifier_error_fallback'
  | 'heuristic' // classifier down, cue words guessed
  | 'value' // P(good) weighed against the estimated cost
  | 'floor_unreachable' // no target reaches the quality asked for; the one with the most P
  | 'unfamiliar' // far from all training prompts: the fixed target, or what the targets' means say
  | 'explore'; // drawn by lot, so that training sees every target

/** What one target is expected to be worth for a request, and to cost. */
export interface Offer {
  readonly entry: Entry;
  /** P(its answer is good), 0…1. */
  readonly quality: number;
  readonly estimate: Estimate;
  /** Why it may not be asked; null: it may. */
  readonly why: string | null;
}

/** Tokens and USD of a call before it is made. */
export interface Estimate {
  readonly inputTokens: number;
  /** Of them those that the upstream has cached from the turns before. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly usd: number;
}

/** What the classifier's head saw of a prompt. */
export interface PromptEmbedding {
  /** What names the encoder. */
  readonly of: string;
  /** Its numbers in half precision, little-endian, as base64. */
  readonly f16: string;
}

/** What a policy of `kind: value` weighed. */
export interface Weighed {
  readonly choose: Choose;
  /** Every target of the policy, in its order. */
  readonly offers: readonly Offer[];
  /** Share of training-like prompts that lie at least as far from all training prompts; null: the head does not tell. */
  readonly familiarity: number | null;
  /** With which probability the entry was chosen; below 1 only where some traffic is drawn by lot. */
  readonly propensity: number;
}

/** What was decided and why; made once, logged, told in headers, shown by /v1/route, replayed offline. */
export interface Decision {
  readonly policy: Policy;
  readonly entry: Entry;
  /** The classifier's top-1 label, even when the entry is another one; null when it was not asked or failed. */
  readonly label: string | null;
  /** Top-1 probability, 0…1. */
  readonly confidence: number | null;
  /** Probability by label. */
  readonly scores: Readonly<Record<string, number>> | null;
  /** Further scores by name, such as prompt_complexity_score. */
  readonly extraScores: Readonly<Record<string, number>> | null;
  readonly reason: DecisionReason;
  /** True when the same text was classified before. */
  readonly cached: boolean;
  /** Targets in the order they are to be tried: weighted choice first, then the rest. Never empty. */
  readonly targets: readonly Target[];
  /** Version of the classifier's model that gave the label. */
  readonly modelVersion: string | null;
  /** Tokens the classifier saw before its own cut; null when it does not tell. */
  readonly tokenCount: number | null;
  /** True when the text was cut before or inside the classifier. */
  readonly truncated: boolean;
  readonly classifyMs: number;
  /** True when the turns before were looked at together with the ask. */
  readonly secondLook?: boolean;
  /** Name of the rule that decided. */
  readonly rule?: string | null;
  /** Fields that the entry sets in the body that goes upstream. */
  readonly bodyPatch?: Readonly<Record<string, unknown>> | null;
  /** What would have been asked first, had it been possible. */
  readonly wanted?: Target;
  /** Targets that were wanted and left out, and why. */
  readonly passedOver?: readonly { readonly target: Target; readonly why: string }[];
  /** Targets that may be asked when the prompt turns out too long for the first ones, by the size of their windows. */
  readonly larger?: () => readonly Target[];
  /** Absent: no value was weighed, by a policy of labels, or because rules, hands or trouble decided. */
  readonly weighed?: Weighed;
  /** For the decision log alone; absent: it does not want any. */
  readonly embedding?: PromptEmbedding;
  /** How it goes with the conversation; absent: the request belongs to none that is kept. */
  readonly stay?: StayPlan;
}

/** What is kept of a conversation, and what it would have been without. */
export interface StayPlan {
  /** Its digest; safe to tell. */
  readonly key: string;
  readonly pin: Pin | null;
  readonly event: StayEvent;
  /** Entry to be kept; not the one that only a need or a right led to. */
  readonly entry: string;
  /** First target that the label alone would have been sent to. */
  readonly unpinned: Target;
  readonly lane: { readonly tools: string; readonly system: string };
}

/** What became of a conversation in a decision; a closed set, because it is a metric label. */
export type StayEvent = 'new' | 'kept' | 'loop' | 'moved_up' | 'moved' | 'ruled';

/** Where a conversation is. */
export interface Pin {
  readonly entry: string;
  /** Id of the target that its entry leads to. */
  readonly wanted: string;
  /** Id of the target that answered last. */
  readonly answered: string;
  /** Answers in a row that came from another target than the wanted one. */
  readonly away: number;
  /** Time of the last answer, ms since 1970. */
  readonly at: number;
  readonly tools: string;
  readonly system: string;
}

/** Tokens as the upstream reported them, as counted here, or as estimated by the length of the text. */
export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly source: 'upstream' | 'tokenizer' | 'estimate';
}

/** Text whose tokens nobody has reported. */
export interface Uncounted {
  /** Its beginning; texts that were written side by side, as an answer's choices, stand apart. */
  readonly texts: readonly string[];
  /** UTF-8 bytes of all of it. */
  readonly bytes: number;
}

/** How one attempt at an upstream ended; a closed set, because it is a metric label. */
export type AttemptOutcome =
  | 'ok'
  | 'connect_error'
  | 'tls_error'
  | 'timeout_connect'
  | 'timeout_first_byte'
  | 'timeout_idle'
  | 'timeout_total'
  | 'status_4xx'
  | 'context_overflow'
  | 'status_408'
  | 'status_409'
  | 'status_429'
  | 'status_5xx'
  | 'bad_credentials'
  | 'no_credit'
  | 'refused'
  | 'model_retired'
  | 'error_event'
  | 'cut'
  | 'protocol_error'
  | 'breaker_open'
  | 'limited'
  | 'incapable'
  | 'aborted';

export interface Attempt {
  readonly target: Target;
  readonly outcome: AttemptOutcome;
  readonly status: number | null;
  readonly startedMs: number;
  readonly durationMs: number;
}

export interface CallOutcome {
  /** The target whose answer went to the client; null when none did. */
  readonly target: Target | null;
  /** Whose work `usage` is, and is charged for: the target that answered, or that was at it when the client left. */
  readonly charged: Target | null;
  readonly attempts: readonly Attempt[];
  /** HTTP status the client got (499 when it had left: logs only). */
  readonly status: number;
  readonly usage: Usage | null;
  /** What was delivered, where `usage` is an estimate that can be made better by counting. */
  readonly uncounted: Uncounted | null;
  readonly streamed: boolean;
  /** A stream that ended without its natural end. */
  readonly incomplete: boolean;
  /** Milliseconds from the sending of the attempt that answered to its first byte; null: none answered. */
  readonly firstByteMs: number | null;
  /** Milliseconds from receipt to the begin of the call step, and from there to its end, every attempt included. */
  readonly startedMs: number;
  readonly upstreamMs: number;
  /** Content-bearing stream events seen, for time per output token. */
  readonly contentEvents: number;
}

/** Milliseconds by phase, filled as the request goes. */
export interface Timings {
  /** From the first look at the body to its value. */
  receive?: number;
  authenticate?: number;
  admit?: number;
  decide?: number;
  call?: number;
}

export type Phase = 'receive' | 'authenticate' | 'admit' | 'decide' | 'call' | 'relay';

export interface RoutedRequest {
  /** Ours; sent back as x-request-id. */
  readonly id: string;
  /** Of the whole request; absent while tracing is off. */
  readonly span?: Span;
  /** Its calls to Redis. */
  readonly visit?: RedisVisit;
  /** `performance.now()` at receipt. */
  readonly receivedAt: number;
  /** Aborted when the client is gone or the server gives up on it; every step passes it on. */
  readonly signal: AbortSignal;
  readonly endpoint: Endpoint;
  /** The endpoint's path at an upstream. */
  readonly path: string;
  /** The client's query with its question mark, or empty. */
  readonly search: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly address: string;
  /** Configuration in force when the request came; it ends on it, whatever is reloaded meanwhile. */
  readonly config: RouterConfig;
  /** The body as it came; what goes upstream is made from its bytes. */
  readonly raw: RawBody;
  /** Its value. Long strings of big bodies have a marker in their middle (receive/long-text.ts). */
  readonly body: ChatBody;
  /** Where the client speaks another API: `body` is this request as a chat completion. */
  readonly foreign?: Foreign | undefined;
  readonly earlier?: Earlier | undefined;
  readonly extension: RouterExtension;
  readonly policy: Policy;
  /** What the client may call and is charged as. Set by authenticate. */
  caller: Caller;
  /** What is known of it before it is labelled. Set by understand. */
  facts?: RequestFacts;
  decision?: Decision;
  outcome?: CallOutcome;
  /** Set where the upstream may outlive the answer that the client has: its places are not given on before. */
  upstreamEnds?: Promise<void>;
  phase: Phase;
  readonly timings: Timings;
}
