/** What is noted and charged of a request that was passed on without a decision. */
import { BYTES_PER_TOKEN } from '../call/index.ts';
import type { Target } from '../config/types.ts';
import type { Caller, CallOutcome, Usage } from '../request.ts';

/** Everything that is known of it at its end. */
export interface PassedRequest {
  readonly id: string;
  readonly address: string;
  readonly caller: Caller | null;
  readonly target: Target | null;
  /** The rule that took it, as the configuration names it; empty: none did. */
  readonly rule: string;
  readonly method: string;
  readonly status: number;
  readonly code: string;
  readonly usage: Usage | null;
  /** The upstream answered below 400. */
  readonly answered: boolean;
  /** It has gone upstream. */
  readonly sent: boolean;
  /** Bytes of text that were sent. */
  readonly textBytes: number;
  readonly incomplete: boolean;
  readonly elapsedMs: number;
}

/** Tokens of it: as reported, else estimated from the text that was sent; null where nothing was answered. */
export function usageOfPassed({ usage, answered, sent, code, textBytes }: PassedRequest): Usage | null {
  // Who leaves while the upstream is at work has spent the prompt.
  const left = sent && code === 'client_closed_request';
  if (usage || !(answered || left)) return usage;
  return {
    promptTokens: Math.ceil(textBytes / BYTES_PER_TOKEN),
    cachedTokens: 0,
    completionTokens: 0,
    source: 'estimate',
  };
}

/** In the form that limits are settled with. */
export function outcomeOfPassed(passed: PassedRequest, usage: Usage | null): CallOutcome {
  return {
    target: passed.target,
    charged: passed.target,
    attempts: [],
    status: passed.status,
    usage,
    uncounted: null,
    streamed: false,
    incomplete: passed.incomplete,
    firstByteMs: null,
    startedMs: 0,
    upstreamMs: passed.elapsedMs,
    contentEvents: 0,
  };
}
