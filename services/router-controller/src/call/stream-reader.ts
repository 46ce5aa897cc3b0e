/** What the router learns from a stream that it relays: content, errors, usage, a natural end. */
import type { Usage } from '../request.ts';
import type { SseEvent } from './sse.ts';
import { usageOf } from './usage.ts';

const DONE = '[DONE]';
/** In JSON text these can't stand inside a string: its quotes would be escaped. */
const HAS_ERROR = /"error"\s*:\s*[{"]/;
const HAS_USAGE = /"usage"\s*:\s*\{/;
const HAS_FINISH = /"finish_reason"\s*:\s*"/;
const NO_CHOICES = /"choices"\s*:\s*\[\s*\]/;
const BARE_ROLE =
  /"delta"\s*:\s*\{\s*(?:"role"\s*:\s*"[a-z]+"\s*,?\s*)?(?:"content"\s*:\s*(?:""|null)\s*,?\s*)?(?:"refusal"\s*:\s*null\s*)?\}/;

export type EventKind = 'content' | 'opening' | 'usage' | 'error' | 'done' | 'other';

export class StreamReader {
  usage: Usage | null = null;
  /** Events that carried something for the user. */
  contentEvents = 0;
  contentChars = 0;
  /** True when the upstream told of a failure itself. */
  sawError = false;
  #finished = false;
  #done = false;

  /** True when the stream told its own end: `[DONE]`, or a finish reason for upstreams that never send it. */
  get complete(): boolean {
    return this.#done || this.#finished;
  }

  /** Takes note of one event and says what it is. */
  read({ data }: SseEvent): EventKind {
    if (data === null) return 'other';
    if (data.trim() === DONE) {
      this.#done = true;
      return 'done';
    }
    if (HAS_ERROR.test(data) && isError(data)) {
      this.sawError = true;
      return 'error';
    }
    if (HAS_FINISH.test(data)) this.#finished = true;
    if (HAS_USAGE.test(data)) {
      this.usage = usageOf(parse(data)) ?? this.usage;
      if (NO_CHOICES.test(data)) return 'usage';
    }
    if (this.contentEvents === 0 && BARE_ROLE.test(data) && !HAS_FINISH.test(data)) return 'opening';
    this.contentEvents++;
    this.contentChars += data.length;
    return 'content';
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

function isError(data: string): boolean {
  const event = parse(data) as { error?: unknown; choices?: unknown } | null;
  return event !== null && typeof event === 'object' && Boolean(event.error) && event.choices === undefined;
}
