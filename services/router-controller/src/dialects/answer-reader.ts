/**
 * What the call step has to know of a dialect's answers, and nothing more: is this an answer at all, where does its
 * content begin, has it ended, what did it use. Readers look at copies; the bytes that pass are never theirs.
 *
 * Each dialect (chat completions, Responses, Messages) has one `AnswerReader`.
 */
import type { OpenAiErrorBody } from '../errors.ts';
import type { ChatBody, Uncounted } from '../request.ts';
import type { SseEvent } from './sse.ts';
import type { TextSample } from './text-sample.ts';

/**
 * - answer: it may go to the client
 * - error: the upstream tells of a failure under a status that says success
 * - none: it is no answer of this dialect (no JSON, a web page, JSON without what an answer has)
 */
export type Verdict =
  | {
      readonly kind: 'answer';
      /** The `usage` object in chat's spelling (`prompt_tokens` …); null: none told. */
      readonly usage: unknown;
      /** What was written, to be counted where there is no usage. */
      readonly written: () => Uncounted;
    }
  | { readonly kind: 'error' | 'none'; readonly message: string };

/**
 * - content: something for the user, or the reason why it ended
 * - opening: the answer has begun, without content yet, as the bare role
 * - usage: usage and nothing else, as `include_usage` causes it
 * - error: the upstream tells of a failure
 * - done: the stream's last event
 * - other: comments, pings, and what is not understood
 */
export type EventKind = 'content' | 'opening' | 'usage' | 'error' | 'done' | 'other';

/** Reads one event stream, event by event. */
export interface StreamReader {
  /** Latest usage, in chat's spelling; null: none told so far. */
  readonly usage: unknown;
  /** Events that carried something for the user. */
  readonly contentEvents: number;
  /** What was written: content, reasoning, tool calls. */
  readonly written: TextSample;
  /** What the upstream itself told of a failure; no longer than 500 characters. */
  readonly error: string | null;
  /** True once the stream has told its own end, and no failure. */
  readonly complete: boolean;
  /** Takes note of one event and says what it is. */
  read(event: SseEvent): EventKind;
  /**
   * The event as it would be, had the router not asked for usage; null: nothing of it is left. Called only where it did ask;
   * absent where usage needs no asking. Cheapest for the event that was read last.
   */
  withoutUsage?(event: SseEvent, kind: EventKind): Buffer | null;
}

export interface AnswerReader {
  /** For logs and tests. */
  readonly name: string;
  /**
   * Judges a plain answer that was held whole.
   *
   * @param json undefined: the body is not JSON
   */
  whole(json: unknown, request: ChatBody): Verdict;
  stream(request: ChatBody): StreamReader;
  /** Usage of a stream comes only where `stream_options.include_usage` asks for it; the router may ask, and hides it then. */
  readonly usageByOption: boolean;
  /** A plain answer as a stream, for a client whose stream has begun when the upstream sends one. */
  asEvents(body: Buffer, hideUsage: boolean): Buffer;
  /** The event that ends a broken stream honestly; nothing that looks like a natural end follows it. */
  errorEvent(error: OpenAiErrorBody): Buffer;
}
