/** What the router learns from a stream that it relays: content, errors, usage, a natural end. */
import type { Usage } from '../request.ts';
import type { SseEvent } from './sse.ts';
import { usageOf } from './usage.ts';

const DONE = '[DONE]';
/** Longer data is content without being looked into. */
const MAX_READ_CHARS = 256 * 1024;

/**
 * - content: something for the user, or the reason why it ended
 * - opening: a choice without content yet, as the bare role
 * - usage: usage and no choice, as `include_usage` causes it
 * - error: the upstream tells of a failure
 * - done: `[DONE]`
 * - other: comments, and what is not understood
 */
export type EventKind = 'content' | 'opening' | 'usage' | 'error' | 'done' | 'other';

interface Delta extends Record<string, unknown> {
  tool_calls?: unknown;
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
  /** Characters of content, reasoning and tool arguments. */
  contentChars = 0;
  /** What the upstream itself told of a failure. */
  error: string | null = null;
  #ended = false;

  /** True when the stream told its own end: `[DONE]`, or a finish reason for upstreams that never send it. */
  get complete(): boolean {
    return this.#ended && this.error === null;
  }

  /** Takes note of one event and says what it is. */
  read({ data, name, piece }: SseEvent): EventKind {
    if (piece) return this.#content(0);
    if (data === null) return 'other';
    if (data.length > MAX_READ_CHARS) return this.#content(data.length);
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
    let chars = 0;
    let carries = false;
    for (const choice of choices as { delta?: Delta; text?: unknown; finish_reason?: unknown }[]) {
      if (choice?.finish_reason) {
        this.#ended = true;
        carries = true;
      }
      chars += typeof choice?.text === 'string' ? choice.text.length : 0;
      for (const [key, value] of Object.entries(choice?.delta ?? {})) {
        if (key === 'role' || !value) continue;
        carries ||= !Array.isArray(value) || value.length > 0;
        if (typeof value === 'string') chars += value.length;
        else if (key === 'tool_calls') chars += argumentChars(value);
      }
    }
    return carries || chars > 0 ? this.#content(chars) : 'opening';
  }

  #content(chars: number): EventKind {
    this.contentEvents++;
    this.contentChars += chars;
    return 'content';
  }
}

function argumentChars(calls: unknown): number {
  if (!Array.isArray(calls)) return 0;
  return calls.reduce((sum: number, call: { function?: { arguments?: unknown } }) => {
    const text = call?.function?.arguments;
    return sum + (typeof text === 'string' ? text.length : 0);
  }, 0);
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
