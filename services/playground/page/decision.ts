/** What the router says of its decisions, and plain words for it. Free of the DOM, so that Node tests it. */

/** As told by the headers of an answer. */
export interface ToldDecision {
  readonly policy: string;
  readonly entry: string;
  readonly label: string;
  readonly confidence: number | null;
  readonly model: string;
  readonly reason: string;
  readonly requestId: string | null;
  /** P of a good answer, of policies of kind value; null: not told. */
  readonly quality: number | null;
}

/** As told by POST /v1/route. */
export interface FullDecision {
  readonly policy: string;
  readonly entry: string;
  readonly label: string | null;
  readonly confidence: number | null;
  readonly scores: Readonly<Record<string, number>> | null;
  readonly extra_scores: Readonly<Record<string, number>> | null;
  readonly reason: string;
  /** The rule that decided. */
  readonly rule?: string | null;
  readonly cached: boolean;
  readonly target: string;
  readonly model: string;
  readonly fallbacks: readonly string[];
  readonly model_version: string | null;
  readonly tokens: number | null;
  readonly truncated: boolean;
  readonly text_chars: { readonly sent: number; readonly whole: number };
  /** Of policies of kind value. */
  readonly value?: Weighed | null;
  readonly ms: number;
}

/** P and estimated cost of every target. */
export interface Weighed {
  readonly choose: Readonly<Record<string, number>>;
  readonly familiarity: number | null;
  readonly targets: readonly {
    readonly target: string;
    readonly quality: number;
    readonly cost_usd: number;
    readonly input_tokens: number;
    readonly cached_tokens: number;
    readonly output_tokens: number;
    /** Why it may not be asked; null: it may. */
    readonly why: string | null;
  }[];
}

/** `willingness_usd 0.002`, as a setting of a policy of kind value is told. */
export const chooseWords = (choose: Readonly<Record<string, number>>): string =>
  Object.entries(choose)
    .map(([by, at]) => `${by} ${at}`)
    .join(', ');

/** USD of one call: fractions of a cent count. */
export const dollars = (usd: number): string => `$${usd === 0 ? '0' : usd.toPrecision(2)}`;

/** The router percent-encodes what headers can't hold, and leaves a `%` of its own as it is. */
function decode(text: string): string {
  return text.replaceAll(/(?:%[0-9A-F]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

/** @returns null when the answer tells no decision: an error before one was made */
export function toldDecision(headers: Headers): ToldDecision | null {
  const entry = headers.get('x-chosen-classifier');
  if (entry === null) return null;
  const read = (name: string) => decode(headers.get(`x-llm-router-${name}`) ?? '');
  const number = (name: string) => {
    const text = headers.get(`x-llm-router-${name}`);
    return text === null ? null : Number(text);
  };
  return {
    policy: read('policy'),
    entry: decode(entry),
    label: read('label'),
    confidence: number('confidence'),
    model: read('model'),
    reason: read('reason'),
    requestId: headers.get('x-request-id'),
    quality: number('quality'),
  };
}

const REASONS: Readonly<Record<string, string>> = {
  classified: 'The classifier’s label decided.',
  manual: 'You chose it; the classifier was not asked.',
  rule: 'A score rule of the policy overruled the label.',
  pinned: 'The conversation stays with the model it began with.',
  low_confidence: 'Less confident than asked for, but the policy has no fallback: the label stands.',
  capability: 'The entry’s model can’t do what the request needs, so another model of the policy was taken.',
  allowed:
    'The key, or the request itself, rules the entry’s model out, so another model of the policy was taken.',
  low_confidence_fallback: 'Less confident than asked for: the policy’s fallback was used.',
  unknown_label_fallback: 'The policy has no entry for the label: its fallback was used.',
  empty_prompt_fallback: 'There was no text to classify: the policy’s fallback was used.',
  classifier_timeout_fallback: 'The classifier did not answer in time: the policy’s fallback was used.',
  classifier_error_fallback: 'The classifier failed: the policy’s fallback was used.',
  heuristic: 'The classifier is down: cue words in the prompt decided.',
  value: 'How likely each model’s answer is good was weighed against its cost.',
  floor_unreachable: 'No model reaches the quality asked for: the one that comes nearest was taken.',
  unfamiliar:
    'The prompt is unlike everything that was measured: the policy’s fixed model was taken, or the one that is worth most on average.',
  explore: 'This conversation was drawn by lot, so that every model is measured now and then.',
};

/** A sentence for a reason; the reason itself where a newer router has one that the page doesn't know. */
export const reasonWords = (reason: string): string =>
  Object.hasOwn(REASONS, reason) ? REASONS[reason]! : reason;

export const percent = (share: number): string => `${(share * 100).toFixed(share > 0.9995 ? 0 : 1)} %`;

export const duration = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
