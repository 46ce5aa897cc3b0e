/** Reads answers of chat completions, and of the older completions, which differ in `text` for `message` alone. */
import type { OpenAiErrorBody } from '../../errors.ts';
import type { Uncounted } from '../../request.ts';
import type { AnswerReader, Verdict } from '../answer-reader.ts';
import { TextSample } from '../text-sample.ts';
import { asEvents } from './as-events.ts';
import { writtenTexts } from './message-text.ts';
import { ChatStreamReader } from './stream.ts';
import { errorIn, errorText } from './told-errors.ts';

interface WholeChoice {
  readonly message?: Readonly<Record<string, unknown>> | null;
  readonly text?: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** An answer is what has at least one choice, each with something that was said, and tells of no failure. */
function whole(json: unknown): Verdict {
  if (json === undefined) return { kind: 'none', message: 'sent no JSON' };
  if (!isObject(json)) return { kind: 'none', message: 'sent JSON that is no answer' };
  const told = errorIn(json);
  if (told !== null) return { kind: 'error', message: told };
  const { choices, usage } = json;
  if (!Array.isArray(choices) || choices.length === 0)
    return { kind: 'none', message: `sent an answer without choices${wordsIn(json)}` };
  const said = (choice: WholeChoice | null) => isObject(choice?.message) || typeof choice?.text === 'string';
  if (!(choices as (WholeChoice | null)[]).every(said))
    return { kind: 'none', message: 'sent a choice without a message' };
  return { kind: 'answer', usage: usage ?? null, written: () => writtenIn(choices as WholeChoice[]) };
}

/** `{"code": 500, "msg": "…"}`, as gateways of other dialects tell of a failure. */
function wordsIn(json: {
  readonly message?: unknown;
  readonly msg?: unknown;
  readonly detail?: unknown;
}): string {
  return json.message || json.msg || json.detail ? `: ${errorText(json)}` : '';
}

function writtenIn(choices: readonly WholeChoice[]): Uncounted {
  const sample = new TextSample();
  for (const [index, { message, text }] of choices.entries()) {
    if (typeof text === 'string') sample.add(text, index);
    if (isObject(message)) for (const each of writtenTexts(message)) sample.add(each, index);
  }
  return sample.read();
}

export const chatAnswers: AnswerReader = {
  name: 'chat',
  whole,
  stream: (request) => new ChatStreamReader(request),
  usageByOption: true,
  asEvents,
  errorEvent: (error: OpenAiErrorBody) => Buffer.from(`data: ${JSON.stringify(error)}\n\n`),
};
