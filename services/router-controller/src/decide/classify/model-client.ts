/** What deciding needs of a classifier, whatever protocol it speaks. */
import type { OtherEncoder } from './same-encoder.ts';

/** The model's answer for one text. */
export interface RawAnswer {
  /** OUTPUT: one number per label, by index. */
  readonly output: ArrayLike<number>;
  /** Tokens before the model's own cut; null when the model does not tell. */
  readonly tokenCount: number | null;
  /** SCORES: further scores by index; null when there are none. */
  readonly scores: ArrayLike<number> | null;
  /** EMBEDDING: what the head saw of the text; absent: it was not asked for. */
  readonly embedding?: ArrayLike<number> | null;
}

export interface InferResult {
  /** One per text, in order. */
  readonly answers: readonly RawAnswer[];
  readonly modelVersion: string;
}

/** What the model tells of itself. */
export interface ModelDescription {
  readonly version: string;
  /** Label by index; null when the model publishes none (v1's positional mapping is used then). */
  readonly labels: readonly string[] | null;
  /** How many numbers OUTPUT has. */
  readonly size: number;
  /** Texts one call may carry. */
  readonly maxBatch: number;
  readonly hasTokenCount: boolean;
  /** Tokens the model sees of a text (parameter `max_tokens` of its config); null when it does not tell. */
  readonly tokenLimit: number | null;
  /** Names of SCORES by index; empty when the model has none. */
  readonly scoreNames: readonly string[];
  /** Parameter `kind` of its config; null: it has none; absent: the server does not tell a model's config. */
  readonly kind?: string | null;
  /** Where its head was trained on another encoder than it stands on, what both say. */
  readonly otherEncoder?: OtherEncoder | null;
  /** What names the encoder of its output EMBEDDING (parameter `embedding_of` of its config); absent: it has none, or none is wanted. */
  readonly embeddingOf?: string | undefined;
  /** Divides the logits of what agents ask (parameter `agent_temperature` of its config); absent: they are told as all others are. */
  readonly agentTemperature?: number | undefined;
  /** The model that is asked, where the policy's own names one that tells more; absent: the policy's own. */
  readonly model?: string;
}

/** Why a call failed; a closed set, because it is a metric label. */
export type ClassifierFailure =
  | 'timeout'
  | 'unavailable'
  | 'bad_answer'
  | 'breaker_open'
  | 'aborted'
  | 'other';

export class ClassifierError extends Error {
  readonly reason: ClassifierFailure;

  constructor(reason: ClassifierFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ClassifierError';
    this.reason = reason;
  }
}

/** Whoever asked has left, or does not wait any more. */
export const aborted = (cause?: unknown) => new ClassifierError('aborted', 'the request was aborted', cause);

/** @param withinMs the call's time limit, milliseconds. */
export const noAnswer = (address: string, withinMs: number) =>
  new ClassifierError('timeout', `${address} gave no answer within ${Math.round(withinMs)} ms`);

export interface CallOptions {
  /** Milliseconds until the call is given up with reason `timeout`. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** One classifier model behind one address. Two implementations: KServe v2 over gRPC and over HTTP/JSON. */
export interface ModelClient {
  readonly address: string;
  /** @throws ClassifierError */
  describe(options: CallOptions): Promise<ModelDescription>;
  /** @throws ClassifierError */
  infer(texts: readonly string[], want: ModelDescription, options: CallOptions): Promise<InferResult>;
  close(): void;
}

/** Names on the wire; `OUTPUT` is v1's, the others are ours and optional. */
export const WIRE = {
  input: 'INPUT',
  output: 'OUTPUT',
  tokenCount: 'TOKEN_COUNT',
  scores: 'SCORES',
  embedding: 'EMBEDDING',
} as const;

/** A text that every classifier can answer; asked once to learn labels and sizes. */
export const PROBE_TEXT = 'Hello! How are you?';

/** Splits a tensor of `[N]`, `[1,N]` or `[rows,N]` into rows. */
export function rowsOf(data: ArrayLike<number>, rows: number, name: string): ArrayLike<number>[] {
  if (rows === 0 || data.length === 0 || data.length % rows !== 0) {
    throw new ClassifierError('bad_answer', `${name} holds ${data.length} numbers for ${rows} prompts`);
  }
  const size = data.length / rows;
  const all = Array.from(data);
  return Array.from({ length: rows }, (_, row) => all.slice(row * size, (row + 1) * size));
}

/** Parameters of a ModelConfig. */
export type ModelParameters = Readonly<Record<string, { string_value?: string }>> | undefined;

/**
 * The parameter `details_model`: the same classifier under another name, with TOKEN_COUNT and SCORES beside OUTPUT. A
 * real Triton repeats keys of its JSON answer for every output of an ensemble, which v1's controller refuses; so the
 * ensemble that v1 asks has OUTPUT alone.
 */
export const detailsModelOf = (parameters: ModelParameters): string | null =>
  parameters?.details_model?.string_value || null;

/** Reads the parameter `kind` of a ModelConfig, as {@link ModelDescription} has it. */
export const kindOf = (parameters: ModelParameters): { kind?: string | null } =>
  parameters === undefined ? {} : { kind: parameters.kind?.string_value || null };

/** Reads the parameter `embedding_of` of a ModelConfig that has the output, too. */
export function embeddingOf(
  parameters: ModelParameters,
  outputs: readonly { readonly name: string }[],
): { embeddingOf?: string } {
  const named = parameters?.embedding_of?.string_value;
  return named && outputs.some(({ name }) => name === WIRE.embedding) ? { embeddingOf: named } : {};
}

/** Reads the parameter `agent_temperature` of a ModelConfig. */
export function agentTemperatureOf(parameters: ModelParameters): { agentTemperature?: number } {
  const value = Number(parameters?.agent_temperature?.string_value);
  return Number.isFinite(value) && value > 0 ? { agentTemperature: value } : {};
}

/** Reads the parameter `max_tokens` of a ModelConfig. */
export function tokenLimitOf(parameters: ModelParameters): number | null {
  const value = Number(parameters?.max_tokens?.string_value);
  return Number.isInteger(value) && value > 0 ? value : null;
}

/**
 * Puts the outputs together, one answer per text.
 *
 * @param size numbers that one text's OUTPUT has.
 * @throws ClassifierError `bad_answer`; also for a server that takes several texts and answers fewer: 12 numbers would be
 * shared out among four texts as well as read as one text's.
 */
export function assemble(
  rows: number,
  size: number,
  output: ArrayLike<number>,
  tokenCount: ArrayLike<number> | null,
  scores: ArrayLike<number> | null,
  embedding: ArrayLike<number> | null = null,
): RawAnswer[] {
  if (rows > 1 && output.length !== rows * size) {
    throw new ClassifierError(
      'bad_answer',
      `${WIRE.output} holds ${output.length} numbers for ${rows} prompts, ${size} for each are expected`,
    );
  }
  const outputs = rowsOf(output, rows, WIRE.output);
  const counts = tokenCount ? rowsOf(tokenCount, rows, WIRE.tokenCount) : null;
  const extra = scores ? rowsOf(scores, rows, WIRE.scores) : null;
  const seen = embedding ? rowsOf(embedding, rows, WIRE.embedding) : null;
  return outputs.map((row, i) => ({
    output: row,
    tokenCount: counts?.[i] ? Number(counts[i][0]) : null,
    scores: extra?.[i] ?? null,
    ...(seen && { embedding: seen[i]! }),
  }));
}

/**
 * Orders `score:index:label` rows of the classification extension by index.
 *
 * @returns labels by index, or null when no row tells a label (`score:index`, as of NVIDIA's own models).
 */
export function labelsFromClasses(rows: readonly string[]): readonly string[] | null {
  const labels: string[] = [];
  for (const row of rows) {
    const match = /^[^:]*:(\d+):(.+)$/s.exec(row);
    if (!match) return null;
    labels[Number(match[1])] = match[2]!.trim();
  }
  return labels.length === rows.length && labels.every((label) => label) ? labels : null;
}

/**
 * Asks the model that tells more, where there is one, and the plain one where that is missing: another replica, or an
 * unload since; the label is what matters.
 *
 * @param isAbsent whether a failure says that there is no such model.
 */
export async function withDetails(
  plain: string,
  want: ModelDescription,
  isAbsent: (error: unknown, model: string) => boolean,
  infer: (model: string, want: ModelDescription) => Promise<InferResult>,
): Promise<InferResult> {
  if (want.model === undefined) return infer(plain, want);
  try {
    return await infer(want.model, want);
  } catch (error) {
    if (!isAbsent(error, want.model)) throw error;
    return infer(plain, { ...want, hasTokenCount: false, scoreNames: [], embeddingOf: undefined });
  }
}
