/** What the router learns from a stream that it relays: content, errors, usage, a natural end. */
import type { Usage } from '../../request.ts';
import { usageOf } from '../usage.ts';
import { writtenTexts } from './message-text.ts';
import type { SseEvent } from './sse.ts';
import { TextSample } from './text-sample.ts';

const DONE = '[DONE]';
/** Longer data is content without being looked into. */
const MAX_READ_CHARS = 256 * 1024;

/** Choices whose texts are kept apart. */
const MAX_RUNS = 16;

/**
 * - content: something for the user, or the reason why it ended
 * - opening: a choice without content yet, as the bare role
 * - usage: usage and no choice, as `include_usage` causes it
 * - error: the upstream tells of a failure
 * - done: `[DONE]`
 * - other: comments, and what is not understood
 */
export type EventKind = 'content' | 'opening' | 'usage' | 'error' | 'done' | 'other';

interface Choice {
  index?: unknown;
  delta?: Record<string, unknown> | null;
  text?: unknown;
  finish_reason?: unknown;
}

interface ChunkBody {
  error?: unknown;
  object?: unknown;
  message?: unknown;
  usage?: unknown;
  choices?: unknown;
}

export class StreamReader {
  usage: Usage | null = null;
  /** Events that carried something for the user. */
  contentEvents = 0;
  /** What was written: content, reasoning, tool calls. */
  readonly written = new TextSample();
  /** What the upstream itself told of a failure. */
  error: string | null = null;
  #ended = false;

  /** True when the stream told its own end: `[DONE]`, or a finish reason for upstreams that never send it. */
  get complete(): boolean {
    return this.#ended && this.error === null;
  }

  /** Takes note of one event and says what it is. */
  read({ data, name, piece }: SseEvent): EventKind {
    if (piece) return this.#content();
    if (data === null) return 'other';
    if (data.length > MAX_READ_CHARS) {
      this.written.skip(data.length);
      return this.#content();
    }
    if (data.trim() === DONE) {
      this.#ended = true;
      return 'done';
    }
    const chunk = parse(data);
    if (chunk === null) {
      if (name !== 'error') return 'other';
      this.error = data.slice(0, 500);
      return 'error';
    }
    if (chunk.error || name === 'error' || chunk.object === 'error') {
      this.error = errorText(chunk);
      return 'error';
    }
    if (chunk.usage) this.usage = usageOf(chunk) ?? this.usage;
    if (!Array.isArray(chunk.choices)) return 'other';
    if (chunk.choices.length === 0) return chunk.usage ? 'usage' : 'other';
    return this.#choices(chunk.choices);
  }

  #choices(choices: unknown[]): EventKind {
    let carries = false;
    for (const [index, choice] of (choices as (Choice | null)[]).entries()) {
      if (choice?.finish_reason) {
        this.#ended = true;
        carries = true;
      }
      const run = typeof choice?.index === 'number' ? choice.index % MAX_RUNS : index;
      if (typeof choice?.text === 'string' && choice.text !== '') {
        carries = true;
        this.written.add(choice.text, run);
      }
      const delta = choice?.delta;
      if (delta === null || typeof delta !== 'object') continue;
      for (const [key, value] of Object.entries(delta))
        if (key !== 'role' && value && (!Array.isArray(value) || value.length > 0)) carries = true;
      for (const text of writtenTexts(delta)) this.written.add(text, run);
    }
    return carries ? this.#content() : 'opening';
  }

  #content(): EventKind {
    this.contentEvents++;
    return 'content';
  }
}

function parse(data: string): ChunkBody | null {
  try {
    const value: unknown = JSON.parse(data);
    return value !== null && typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** The message of an error object in any of the spellings upstreams use. */
export function errorText({ error, message }: ChunkBody): string {
  const told = (error as { message?: unknown } | undefined)?.message ?? message ?? error;
  return (typeof told === 'string' ? told : JSON.stringify(told ?? 'no message')).slice(0, 500);
}
