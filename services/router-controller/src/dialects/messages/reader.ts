/** Reads answers of targets that speak the Messages API themselves. Their bytes pass; this looks at copies. */
import type { OpenAiErrorBody } from '../../errors.ts';
import type { AnswerReader, EventKind, StreamReader, Verdict } from '../answer-reader.ts';
import { errorText } from '../chat/told-errors.ts';
import { parseJson } from '../json.ts';
import type { SseEvent } from '../sse.ts';
import { sseEvent } from '../sse-event.ts';
import { TextSample } from '../text-sample.ts';
import { countOf, isObject, type Json, listOf, objectOf, textOf } from '../values.ts';
import { asEvents } from './as-events.ts';
import { errorBody } from './errors.ts';

/** Longer data is content without being looked into. */
const MAX_READ_CHARS = 256 * 1024;

/** Token counts in chat's spelling, where cached ones are part of the prompt; null: none. */
function usageOf(usage: unknown): unknown {
  if (!isObject(usage)) return null;
  const cached = countOf(usage.cache_read_input_tokens);
  const prompt = countOf(usage.input_tokens) + cached + countOf(usage.cache_creation_input_tokens);
  const completion = countOf(usage.output_tokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

function whole(json: unknown): Verdict {
  if (json === undefined) return { kind: 'none', message: 'sent no JSON' };
  if (!isObject(json)) return { kind: 'none', message: 'sent JSON that is no answer' };
  if (json.type === 'error' || json.error) return { kind: 'error', message: errorText(json) };
  const { content, usage } = json;
  if (!Array.isArray(content)) return { kind: 'none', message: 'sent an answer without content' };
  return { kind: 'answer', usage: usageOf(usage), written: () => written(content).read() };
}

function written(content: unknown): TextSample {
  const sample = new TextSample();
  for (const block of listOf(content)) {
    const { text, thinking, name, input } = objectOf(block);
    for (const each of [text, thinking, name]) if (typeof each === 'string') sample.add(each);
    if (isObject(input)) sample.add(JSON.stringify(input));
  }
  return sample;
}

class MessageStreamReader implements StreamReader {
  contentEvents = 0;
  readonly written = new TextSample();
  error: string | null = null;
  /** Input comes with the beginning and may come again, output with the end. */
  #counts: Record<string, unknown> | null = null;
  #ended = false;

  get usage(): unknown {
    return usageOf(this.#counts);
  }

  get complete(): boolean {
    return this.#ended && this.error === null;
  }

  read({ data, name, piece }: SseEvent): EventKind {
    if (piece) return this.#content();
    if (data === null) return 'other';
    if (data.length > MAX_READ_CHARS) {
      this.written.skip(data.length);
      return this.#content();
    }
    const event = parseJson(data);
    if (isObject(event)) return this.#read(textOf(event.type) ?? name ?? '', event);
    return name === 'error' ? this.#fail(data) : 'other';
  }

  #read(type: string, event: Json): EventKind {
    switch (type) {
      case 'error':
        return this.#fail(errorText(event));
      case 'message_start':
        this.#count(objectOf(event.message).usage);
        return 'opening';
      case 'content_block_start':
        return 'opening';
      case 'content_block_delta':
        return this.#delta(objectOf(event.delta));
      case 'message_delta':
        this.#count(event.usage);
        // Servers that never send message_stop still say why it ended.
        if (objectOf(event.delta).stop_reason) this.#ended = true;
        return this.#content();
      case 'message_stop':
        this.#ended = true;
        return 'done';
      case 'content_block_stop':
        return this.#content();
      default:
        return event.error ? this.#fail(errorText(event)) : 'other';
    }
  }

  #delta({ text, thinking, partial_json }: Json): EventKind {
    for (const each of [text, thinking, partial_json]) if (typeof each === 'string') this.written.add(each);
    return this.#content();
  }

  #count(usage: unknown): void {
    const told = Object.entries(objectOf(usage)).filter(([, value]) => typeof value === 'number');
    if (told.length > 0) this.#counts = { ...this.#counts, ...Object.fromEntries(told) };
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

export const messagesAnswers: AnswerReader = {
  name: 'messages',
  whole,
  stream: () => new MessageStreamReader(),
  usageByOption: false,
  asEvents,
  errorEvent: ({ error }: OpenAiErrorBody) => Buffer.from(sseEvent('error', errorBody(500, error))),
};
