/** What a request will use by its own account: for reservations, and where no upstream reports tokens. */
import type { MediaConfig } from '../config/schema.ts';
import { mediaSchema } from '../config/schema-limits.ts';
import { byteLength, jsonSize } from '../receive/index.ts';
import type { ChatBody } from '../request.ts';
import { isMedia, mediaTokens } from './media.ts';
import { BYTES_PER_TOKEN } from './usage.ts';

/** All in tokens. */
export interface Spending {
  /** Texts by their length, token ids by their number, media by kind. */
  readonly promptTokens: number;
  /** Of these: what no text tells of. */
  readonly textlessTokens: number;
  /** Longest answer asked for; null: the request sets no bound. */
  readonly answerTokens: number | null;
  /** Answers that are written: `n` or `best_of`, for each prompt of a list. */
  readonly answers: number;
}

/** What the schema assumes where nobody says otherwise. */
const ASSUMED = mediaSchema.parse({});

const listed = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

/** Members of a body that become prompt, in the dialects of chat, completions, Responses, Messages and embeddings. */
const PROMPTS = [
  'messages',
  'prompt',
  'input',
  'system',
  'instructions',
  'suffix',
  'documents',
  'prediction',
];
/** Those that a model reads as JSON. */
const SCHEMAS = ['tools', 'functions', 'response_format', 'text'];
/** Names of members whose text is no part of the prompt. */
const SILENT = new Set(['role', 'type', 'id', 'tool_call_id', 'call_id', 'tool_use_id', 'status', 'detail']);
/** Bodies nest no deeper: they are refused while they are received. */
const DEPTH = 200;

/** More answers than any API gives for one prompt. */
const MAX_CHOICES = 1_024;

/** A count that a client gives; 0: none. */
function given(value: unknown): number {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && number > 0 && Number.isFinite(number) ? Math.ceil(number) : 0;
}

interface Sum {
  bytes: number;
  textless: number;
}

function read(value: unknown, sum: Sum, assumed: MediaConfig, depth: number): void {
  // A text of marks as the middle of long ones has would count as short: never less than it is.
  if (typeof value === 'string') sum.bytes += Math.max(Buffer.byteLength(value), byteLength(value));
  else if (typeof value === 'number') sum.textless++;
  if (value === null || typeof value !== 'object' || depth === 0) return;
  if (Array.isArray(value)) for (const each of value) read(each, sum, assumed, depth - 1);
  else if (isMedia(value)) sum.textless += mediaTokens(value, assumed);
  else
    for (const [name, each] of Object.entries(value))
      if (!SILENT.has(name)) read(each, sum, assumed, depth - 1);
}

/** How many answers are written for a body. */
export function answersOf({ n, best_of, prompt }: ChatBody): number {
  const prompts = listed(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1;
  return Math.min(MAX_CHOICES, Math.max(1, given(n), given(best_of))) * prompts;
}

/** @param bodyBytes size of the body: its texts are no longer than that, whatever they say. */
export function spendingOf(
  body: ChatBody,
  bodyBytes = Number.POSITIVE_INFINITY,
  assumed: MediaConfig = ASSUMED,
): Spending {
  const sum: Sum = { bytes: 0, textless: 0 };
  for (const name of PROMPTS) read(body[name], sum, assumed, DEPTH);
  for (const name of SCHEMAS)
    if (body[name] !== null && typeof body[name] === 'object') {
      // `{"type":"text"}` asks for nothing.
      const size = jsonSize(body[name]);
      if (size > 32) sum.bytes += size;
    }
  const answer = given(body.max_completion_tokens ?? body.max_tokens ?? body.max_output_tokens);
  return {
    promptTokens: Math.ceil(Math.min(sum.bytes, bodyBytes) / BYTES_PER_TOKEN) + sum.textless,
    textlessTokens: sum.textless,
    answerTokens: answer === 0 ? null : answer,
    answers: answersOf(body),
  };
}
