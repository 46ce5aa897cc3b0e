/**
 * The decision log: one JSON line a request with all that a decision was made from, so that another policy table can be
 * tried on yesterday's traffic (`npm run replay`). Off by default; the text only as a hash unless it is asked for.
 */
import { createHash } from 'node:crypto';
import type { DecisionLogConfig } from '../config/schema-records.ts';
import type { ChooseBy } from '../config/schema-value.ts';
import type { DecisionReason, PromptEmbedding, RoutedRequest, Usage, Weighed } from '../request.ts';
import type { Features, LanguageReading, Needs, TurnFacts } from '../understand/index.ts';

/** What one target was expected to be worth and to cost. */
export interface LoggedOffer {
  readonly target: string;
  readonly quality: number;
  readonly cost_usd: number;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly output_tokens: number;
  /** Why it might not be asked; null: it might. */
  readonly why: string | null;
}

/** Of policies of kind value: from what the choice was made, so that another setting can be priced. */
export interface LoggedValue {
  readonly choose: Readonly<Partial<Record<ChooseBy, number>>>;
  /** The request brought its own setting. */
  readonly own: boolean;
  readonly familiarity: number | null;
  /** With which probability the entry was chosen. */
  readonly propensity: number;
  readonly targets: readonly LoggedOffer[];
}

/** One line of the log. */
export interface DecisionRecord {
  /** RFC 3339. */
  readonly time: string;
  readonly request_id: string;
  readonly tenant: string;
  readonly config: string;
  readonly policy: string;
  readonly strategy: 'triton' | 'manual';
  /** What the client named with `manual`. */
  readonly model: string | null;
  /** The client's own threshold. */
  readonly threshold: number | null;
  readonly label: string | null;
  readonly confidence: number | null;
  readonly scores: Readonly<Record<string, number>> | null;
  readonly extra_scores: Readonly<Record<string, number>> | null;
  readonly model_version: string | null;
  readonly reason: DecisionReason;
  readonly entry: string;
  /** Who answered; null: nobody. */
  readonly target: string | null;
  readonly status: number;
  readonly needs: Needs;
  /** What rules look at; lines of earlier versions lack it. */
  readonly features?: Features & LanguageReading;
  readonly turn?: TurnFacts;
  /** The rule that decided. */
  readonly rule?: string | null;
  readonly second_look?: boolean;
  readonly value?: LoggedValue;
  /** Only with `embedding: true`, of policies of kind value. */
  readonly embedding?: PromptEmbedding;
  readonly usage: Usage | null;
  readonly cost_usd: number | null;
  /** sha256 of the text that was classified, hex. */
  readonly text_sha256: string;
  readonly text_chars: number;
  /** Only with `text: full`. */
  readonly text?: string;
}

/** As the log and `/v1/route` tell it. @param own the request brought its own setting */
export const toldValue = (
  { choose, familiarity, propensity, offers }: Weighed,
  own: boolean,
): LoggedValue => ({
  choose: { [choose.by]: choose.at },
  own,
  familiarity,
  propensity,
  targets: offers.map(({ entry, quality, estimate, why }) => ({
    target: entry.name,
    quality,
    cost_usd: estimate.usd,
    input_tokens: estimate.inputTokens,
    cached_tokens: estimate.cachedTokens,
    output_tokens: estimate.outputTokens,
    why,
  })),
});

/** @returns null: there was no decision */
export function decisionOf(
  request: RoutedRequest,
  status: number,
  cost: number | null,
  { text: texts, embedding: withEmbedding }: Pick<DecisionLogConfig, 'text' | 'embedding'>,
): DecisionRecord | null {
  const { decision, outcome, extension, facts, config } = request;
  if (!decision || !facts) return null;
  const { text, chars } = facts.ask;
  return {
    time: new Date().toISOString(),
    request_id: request.id,
    tenant: request.caller.tenant,
    config: config.version,
    policy: decision.policy.name,
    strategy: extension.strategy,
    model: extension.strategy === 'manual' ? extension.model : null,
    threshold: extension.threshold,
    label: decision.label,
    confidence: decision.confidence,
    scores: decision.scores,
    extra_scores: decision.extraScores,
    model_version: decision.modelVersion,
    reason: decision.reason,
    entry: decision.entry.name,
    target: outcome?.target?.name ?? null,
    status,
    needs: facts.needs,
    features: { ...facts.features, ...facts.languageOf() },
    turn: facts.turn,
    rule: decision.rule ?? null,
    second_look: decision.secondLook ?? false,
    ...(decision.weighed && { value: toldValue(decision.weighed, extension.choose != null) }),
    ...(withEmbedding && decision.embedding && { embedding: decision.embedding }),
    usage: outcome?.usage ?? null,
    cost_usd: cost,
    text_sha256: createHash('sha256').update(text).digest('hex'),
    text_chars: chars,
    ...(texts === 'full' && { text }),
  };
}
