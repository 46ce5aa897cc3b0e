/** Reads answers of targets that speak the Responses API themselves. Their bytes pass; this looks at copies. */
import type { OpenAiErrorBody } from '../../errors.ts';
import type { AnswerReader, EventKind, StreamReader, Verdict } from '../answer-reader.ts';
import { errorIn, errorText } from '../chat/told-errors.ts';
import { parseJson } from '../json.ts';
import type { SseEvent } from '../sse.ts';
import { sseEvent } from '../sse-event.ts';
import { TextSample } from '../text-sample.ts';
import { countOf, isObject, type Json, listOf, objectOf, textOf } from '../values.ts';
import { asEvents } from './as-events.ts';

/** Longer data is classed by the event's name alone. */
const MAX_READ_CHARS = 256 * 1024;
/** Events with which an answer has begun, without content yet. */
const OPENING = new Set([
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.output_item.added',
  'response.content_part.added',
  'response.reasoning_summary_part.added',
]);
const ENDS = new Set(['response.completed', 'response.incomplete', 'response.cancelled']);

/** Token counts in chat's spelling; null: none. */
function usageOf(response: Json): unknown {
  const { usage } = response;
  if (!isObject(usage)) return null;
  const prompt = countOf(usage.input_tokens);
  const completion = countOf(usage.output_tokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: countOf(objectOf(usage.input_tokens_details).cached_tokens) },
    completion_tokens_details: {
      reasoning_tokens: countOf(objectOf(usage.output_tokens_details).reasoning_tokens),
    },
  };
}

function whole(json: unknown): Verdict {
  if (json === undefined) return { kind: 'none', message: 'sent no JSON' };
  if (!isObject(json)) return { kind: 'none', message: 'sent JSON that is no answer' };
  const told = isAnswer(json) ? null : errorIn(json);
  if (told !== null) return { kind: 'error', message: told };
  if (json.status === 'failed') return { kind: 'error', message: 'the response failed' };
  if (!Array.isArray(json.output)) return { kind: 'none', message: 'sent an answer without output' };
  return { kind: 'answer', usage: usageOf(json), written: () => written(json.output).read() };
}

/** A response that does not say that it failed, and has output, is an answer, whatever stands in its `error`. */
const isAnswer = ({ object, status, output }: Json) =>
  object === 'response' &&
  status !== 'failed' &&
  Array.isArray(output) &&
  (typeof status === 'string' || output.length > 0);

function written(output: unknown): TextSample {
  const sample = new TextSample();
  for (const item of listOf(output)) {
    const { content, summary, name, arguments: args, input } = objectOf(item);
    for (const part of [...listOf(content), ...listOf(summary)])
      for (const text of [objectOf(part).text, objectOf(part).refusal])
        if (typeof text === 'string') sample.add(text);
    for (const text of [name, args, input]) if (typeof text === 'string') sample.add(text);
  }
  return sample;
}

class ResponseStreamReader implements StreamReader {
  usage: unknown = null;
  contentEvents = 0;
  readonly written = new TextSample();
  error: string | null = null;
  #ended = false;

  get complete(): boolean {
    return this.#ended && this.error === null;
  }

  read({ data, name, piece }: SseEvent): EventKind {
    if (piece) return this.#content();
    if (data === null) return 'other';
    if (data.trim() === '[DONE]') {
      this.#ended = true;
      return 'done';
    }
    const event = data.length > MAX_READ_CHARS ? null : parseJson(data);
    if (isObject(event)) return this.#read(textOf(event.type) ?? name ?? '', event);
    if (name === 'error') return this.#fail(data.slice(0, 500));
    if (data.length <= MAX_READ_CHARS) return 'other';
    this.written.skip(data.length);
    if (name !== null && ENDS.has(name)) return this.#end();
    return name !== null && OPENING.has(name) ? 'opening' : this.#content();
  }

  #read(type: string, event: Json): EventKind {
    const response = objectOf(event.response);
    if (type === 'response.failed')
      return this.#fail(errorText({ error: response.error ?? 'the response failed' }));
    if (type === 'error' || (event.error && !type.startsWith('response.')))
      return this.#fail(errorText(event));
    this.usage = usageOf(response) ?? this.usage;
    if (ENDS.has(type)) return this.#end();
    if (OPENING.has(type)) return 'opening';
    if (!type.startsWith('response.')) return 'other';
    const { delta } = event;
    if (typeof delta === 'string') this.written.add(delta);
    return this.#content();
  }

  #end(): EventKind {
    this.#ended = true;
    return 'done';
  }

  #fail(message: string): EventKind {
    this.error = message.slice(0, 500);
    return 'error';
  }

  #content(): EventKind {
    this.contentEvents++;
    return 'content';
  }
}

export const responsesAnswers: AnswerReader = {
  name: 'responses',
  whole,
  stream: () => new ResponseStreamReader(),
  usageByOption: false,
  asEvents,
  // Both spellings that clients read: the members of the event, and the object inside.
  errorEvent: ({ error }: OpenAiErrorBody) => {
    const { code, message, param } = error;
    return Buffer.from(sseEvent('error', { type: 'error', code, message, param, sequence_number: 0, error }));
  },
};
