/** One question to one target, through the router as any client asks. */

import { errorText, noRouter } from '../../../process/src/refused.ts';
import type { Target } from '../../../router-controller/src/config/index.ts';
import { costOf } from '../../../router-controller/src/settle/index.ts';
import { CommandError } from '../lib/errors.ts';
import { call } from '../lib/router-client.ts';
import type { Spending } from './spending.ts';

export interface Answer {
  readonly text: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly usd: number;
}

/** A target, and a policy that leads to it. */
export interface Asked {
  readonly target: Target;
  readonly policy: string;
}

/** No answer that can be used came of it; `usd` is what it did cost. */
export class NoAnswer extends Error {
  readonly usd: number;

  constructor(message: string, usd = 0) {
    super(message);
    this.usd = usd;
  }
}

interface Completion {
  readonly choices?: readonly { readonly message?: { readonly content?: unknown } }[];
  readonly usage?: {
    readonly prompt_tokens?: unknown;
    readonly completion_tokens?: unknown;
    readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null;
  } | null;
}

/** No tokenizer makes more than a token of two bytes of ordinary text; beside it some for the template of the chat. */
const mostTokens = (text: string) => Buffer.byteLength(text) / 2 + 100;

const number = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;

export interface Asking {
  readonly url: string;
  readonly spending: Spending;
  readonly signal: AbortSignal;
}

/**
 * @param maxTokens of the answer
 * @throws NoAnswer, BudgetReached; CommandError where no router is there
 */
export async function ask(
  { url, spending, signal }: Asking,
  { target, policy }: Asked,
  messages: readonly { readonly role: 'system' | 'user'; readonly content: string }[],
  maxTokens: number,
): Promise<Answer> {
  const input = mostTokens(messages.map(({ content }) => content).join('\n'));
  const most = costOf(target, {
    promptTokens: input,
    cachedTokens: 0,
    completionTokens: maxTokens,
    source: 'estimate',
  })!;
  const answer = await spending.pay(most, async () => {
    const response = await call(
      url,
      '/v1/chat/completions',
      {
        messages,
        max_tokens: maxTokens,
        // The one target, and nobody in its place when it fails.
        'nim-llm-router': {
          policy,
          routing_strategy: 'manual',
          model: target.name,
          targets: [target.name],
        },
      },
      signal,
    );
    const text = await response.text().catch((error: Error) => {
      if (signal.aborted) throw error;
      throw new NoAnswer(`${target.name}: the answer broke off (${error.message})`);
    });
    // A router says on every answer what it decided.
    if (response.ok && !response.headers.has('x-llm-router-model'))
      throw new CommandError(noRouter(url, response.headers.get('content-type'), text));
    if (!response.ok) {
      const message = errorText(response.status, text);
      // What is wrong with every call is no matter of this one.
      if ([401, 403, 404].includes(response.status)) throw new CommandError(`${target.name}: ${message}`);
      throw new NoAnswer(`${target.name}: ${message}`);
    }
    let body: Completion;
    try {
      body = JSON.parse(text) as Completion;
    } catch {
      throw new NoAnswer(`${target.name}: an answer that is not JSON`);
    }
    const inputTokens = number(body.usage?.prompt_tokens);
    const outputTokens = number(body.usage?.completion_tokens);
    const known = inputTokens !== null && outputTokens !== null;
    const usd = known
      ? costOf(target, {
          promptTokens: inputTokens,
          cachedTokens: number(body.usage?.prompt_tokens_details?.cached_tokens) ?? 0,
          completionTokens: outputTokens,
          source: 'upstream',
        })!
      : most;
    const content = body.choices?.[0]?.message?.content;
    return {
      value: {
        text: typeof content === 'string' ? content : '',
        input_tokens: inputTokens ?? Math.round(input),
        output_tokens: outputTokens ?? maxTokens,
        usd,
      },
      usd,
    };
  });
  return answer;
}
