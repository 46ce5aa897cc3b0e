/** One row of a batch: what the router decided, what that would cost, and how it is written to files. Free of the DOM. */
import { toCsv } from './csv.ts';
import type { FullDecision } from './decision.ts';
import { costOf, type Prices, tokensIn } from './prices.ts';
import { type Body, charsOf } from './rows.ts';

export interface RowAnswer {
  readonly decision: FullDecision;
  /** Estimated tokens. */
  readonly prompt: number;
  readonly completion: number;
  /** Estimated; null: the model has no price. */
  readonly usd: number | null;
  readonly vision: boolean;
}

export interface BatchRow {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  readonly answer: RowAnswer | null;
  readonly problem: string | null;
}

const hasPicture = (body: Body) =>
  /"type":"(?:image_url|input_image|image)"/.test(JSON.stringify(body.messages ?? body.input ?? null));

/**
 * Policies of kind value say themselves what they expect a call to cost; for others the prompt's characters and an
 * assumed length of answer stand in.
 *
 * @param longest tokens of an answer; a request's own limit cuts it
 */
export function estimated(decision: FullDecision, body: Body, prices: Prices, longest: number): RowAnswer {
  const vision = hasPicture(body);
  const weighed = decision.value?.targets.find(({ target }) => target === decision.target);
  if (weighed)
    return {
      decision,
      prompt: weighed.input_tokens,
      completion: weighed.output_tokens,
      usd: weighed.cost_usd,
      vision,
    };
  const prompt = tokensIn(charsOf(body));
  const limits = [body.max_completion_tokens, body.max_tokens, body.max_output_tokens];
  const limit = limits.find((each): each is number => typeof each === 'number' && each > 0);
  const completion = Math.min(longest, limit ?? longest);
  const price = prices.get(decision.model);
  return {
    decision,
    prompt,
    completion,
    usd: price
      ? costOf(price, { promptTokens: prompt, cachedTokens: 0, completionTokens: completion })
      : null,
    vision,
  };
}

const COLUMNS = [
  'row',
  'prompt',
  'policy',
  'label',
  'confidence',
  'entry',
  'target',
  'model',
  'reason',
  'prompt_tokens_estimated',
  'answer_tokens_assumed',
  'cost_usd_estimated',
  'error',
] as const;

type Line = Record<(typeof COLUMNS)[number], string | number | null>;

function lineOf({ number, text, answer, problem }: BatchRow): Line {
  const { decision } = answer ?? {};
  return {
    row: number,
    prompt: text,
    policy: decision?.policy ?? null,
    label: decision?.label ?? null,
    confidence: decision?.confidence ?? null,
    entry: decision?.entry ?? null,
    target: decision?.target ?? null,
    model: decision?.model ?? null,
    reason: decision?.reason ?? null,
    prompt_tokens_estimated: answer?.prompt ?? null,
    answer_tokens_assumed: answer?.completion ?? null,
    cost_usd_estimated: answer?.usd ?? null,
    error: problem,
  };
}

const asked = (rows: readonly BatchRow[]) =>
  rows.filter(({ answer, problem }) => answer !== null || problem !== null);

/** Rows that were asked, for spreadsheets. */
export const downloadCsv = (rows: readonly BatchRow[]): string => toCsv(COLUMNS, asked(rows).map(lineOf));

/** Rows that were asked, one object a line, each with its whole decision. */
export const downloadJsonl = (rows: readonly BatchRow[]): string =>
  asked(rows)
    .map((row) => `${JSON.stringify({ ...lineOf(row), decision: row.answer?.decision ?? null })}\n`)
    .join('');
