/**
 * What a dialect of the API is to the router. Chat completions are the middle: every other dialect is read as a chat
 * body, which the steps before the call understand, and which goes to targets that speak nothing else.
 */
import type { ChatBody } from '../request.ts';

/** Something that a body asks for and a chat completion can't give. */
export interface Refusal {
  /** Where it stands: `tools[2]`, `previous_response_id`. */
  readonly param: string;
  readonly message: string;
}

/** What of a request a target that speaks chat completions only takes beyond the plainest. */
export interface ChatOptions {
  /** Reasoning of earlier turns goes along as `reasoning_content`. */
  readonly reasoning: boolean;
  /** `reasoning_effort` goes along. */
  readonly effort: boolean;
  /** The name that the target has for the limit of an answer's tokens. */
  readonly maxTokens: 'max_tokens' | 'max_completion_tokens';
  /** JSON that stands inside a string, as the arguments of a call do. Long strings of a big body need more than stringify. */
  readonly nested: (value: unknown) => string;
}

export const PLAIN_CHAT: ChatOptions = {
  reasoning: false,
  effort: true,
  maxTokens: 'max_tokens',
  nested: (value) => JSON.stringify(value),
};

/** A request in chat's words, and what makes its answer the client's again. */
export interface Translation {
  readonly body: ChatBody;
  /** Why a target that speaks only chat can't have it; empty: it can. */
  readonly refusals: readonly Refusal[];
  /** Names of what was left out because chat has no place for it and the request holds without it. */
  readonly dropped: readonly string[];
  readonly answers: AnswerTranslator;
}

/** An error as OpenAI's object has it, whoever told it. */
export interface ToldError {
  readonly message: string;
  readonly type?: string | null | undefined;
  readonly param?: string | null | undefined;
  readonly code?: string | number | null | undefined;
}

export interface AnswerTranslator {
  /**
   * A whole chat completion.
   *
   * @throws Error when it is none.
   */
  readonly whole: (completion: unknown) => object;
  readonly stream: () => StreamTranslator;
}

/** A chat stream on its way to the client. Each call gives the SSE text that is to go out, or ''. */
export interface StreamTranslator {
  /** The data of one event. Errors in it are for the caller to see first. */
  readonly push: (data: string) => string;
  /** The upstream has ended, by its own word. */
  readonly end: () => string;
  /** It has not: what ends the client's stream honestly. */
  readonly fail: (error: ToldError) => string;
}
