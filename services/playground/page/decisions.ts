/** The decisions of this session, in the form of the router's decision log, for the what-if tab. Kept in the page alone. */
import type { LoggedLabel } from '../../router-controller/src/replay/shares.ts';
import type { SummedRecord } from '../../router-controller/src/replay/sums.ts';
import type { Routing } from './config.ts';
import type { FullDecision } from './decision.ts';

/** Fields of a line of the decision log that another table is tried on. */
export interface LoggedDecision extends LoggedLabel, SummedRecord {
  readonly strategy: 'triton' | 'manual';
  readonly model: string | null;
  readonly threshold: number | null;
  readonly needs?: { readonly vision?: boolean; readonly context_tokens?: number };
  /** What a reader knows it by. */
  readonly text?: string;
  readonly text_sha256?: string;
  readonly request_id?: string;
}

export type Source = 'turns' | 'batch' | 'file';

/** As many as a browser shows at ease; the oldest go. */
const MAX_KEPT = 20_000;

const kept: Record<Source, LoggedDecision[]> = { turns: [], batch: [], file: [] };
let changed: () => void = () => {};

export const onDecisions = (listener: () => void): void => {
  changed = listener;
};

export const decisionsOf = (source: Source): readonly LoggedDecision[] => kept[source];

export function note(source: Source, decision: LoggedDecision): void {
  kept[source].push(decision);
  if (kept[source].length > MAX_KEPT) kept[source].shift();
  changed();
}

export function replaceAll(source: Source, decisions: readonly LoggedDecision[]): void {
  kept[source] = decisions.slice(-MAX_KEPT);
  changed();
}

/** A preview as the log would have it. @param tokens estimated, since nobody was called */
export const ofPreview = (
  decision: FullDecision,
  routing: Pick<Routing, 'threshold'>,
  { prompt, completion, usd }: { prompt: number; completion: number; usd: number | null },
  text: string,
  vision: boolean,
): LoggedDecision => ({
  policy: decision.policy,
  strategy: decision.reason === 'manual' ? 'manual' : 'triton',
  model: decision.reason === 'manual' ? decision.entry : null,
  threshold: routing.threshold ?? null,
  label: decision.label,
  confidence: decision.confidence,
  scores: decision.scores,
  reason: decision.reason,
  entry: decision.entry,
  target: decision.target,
  usage: { promptTokens: prompt, cachedTokens: 0, completionTokens: completion },
  cost_usd: usd,
  needs: { vision, context_tokens: prompt + completion },
  text,
});
