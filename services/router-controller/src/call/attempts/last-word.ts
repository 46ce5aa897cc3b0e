/** What the client is told when no target gave an answer. */
import { tooLong, windowOf } from '../../decide/index.ts';
import { type OpenAiErrorBody, RouterError } from '../../errors.ts';
import type { Journey, Tried } from '../journey.ts';
import type { ErrorAnswer } from './attempt.ts';

export type LastWord =
  | { readonly kind: 'upstream'; readonly tried: Tried; readonly answer: ErrorAnswer }
  | { readonly kind: 'router'; readonly error: RouterError };

/** Our fallbacks and retries are used up; a client's own would multiply them. */
const NO_RETRY = { 'x-should-retry': 'false' };

/** @param restMs how long a target's breaker stays open at first. */
export function lastWord(journey: Journey, restMs: number): LastWord {
  const answered = journey.tried.filter(
    ({ failure }) => failure.answer && failure.outcome !== 'bad_credentials',
  );
  // "Come back later" helps the client more than "I don't know this model", which is the operator's business.
  const unknown = ({ failure }: Tried) => failure.answer?.status === 404 || failure.answer?.status === 410;
  const tried = answered.findLast((each) => !unknown(each)) ?? answered.at(-1);
  // Told in OpenAI's words whatever the upstream's are: agents look for them to compact the conversation.
  if (tried?.failure.outcome === 'context_overflow' && !saysItself(tried.failure.answer!))
    return { kind: 'router', error: tooLong(windowOf(tried.target), journey.needs) };
  if (tried) return { kind: 'upstream', tried, answer: tried.failure.answer! };
  return { kind: 'router', error: routerError(journey, restMs) };
}

const saysItself = ({ body }: ErrorAnswer) => body?.includes('"context_length_exceeded"') ?? false;

function routerError({ decision, tried, refusal }: Journey, restMs: number): RouterError {
  const told = [...new Set(tried.map(({ target, failure }) => `${target.name} ${failure.message}`))].join(
    '; ',
  );
  const where = `entry '${decision.entry.name}' of policy '${decision.policy.name}'`;
  if (refusal) return refusal;
  const last = tried.findLast(({ failure }) => failure.outcome !== 'breaker_open')?.failure.outcome;
  if (last === undefined && tried.length > 0) {
    return new RouterError('upstream_unavailable', `Every target of ${where} rests after failures: ${told}`, {
      headers: { 'retry-after': String(Math.ceil(restMs / 1000)), ...NO_RETRY },
    });
  }
  const options = { headers: NO_RETRY };
  if (last === 'bad_credentials') {
    const message = `The upstream refused the router’s own key for ${where}: ${told}`;
    return new RouterError('upstream_bad_credentials', message, options);
  }
  if (last?.startsWith('timeout'))
    return new RouterError('upstream_timeout', `No target of ${where} answered in time: ${told}`, options);
  const message = `No target of ${where} could be reached, or each broke its answer: ${told}`;
  return new RouterError('upstream_error', message, options);
}

/** Statuses that SDKs retry of themselves. */
export const isRetried = (status: number) =>
  status === 408 || status === 409 || status === 429 || status >= 500;

/** An upstream's error answer as an OpenAI error object, for where its own bytes can't go. */
export function errorObject({ target }: Tried, { status, body }: ErrorAnswer): OpenAiErrorBody {
  let given: Partial<OpenAiErrorBody['error']> = {};
  try {
    given = (JSON.parse(body?.toString('utf8') ?? '') as Partial<OpenAiErrorBody>).error ?? {};
  } catch {
    // No JSON: the status has to do.
  }
  const text = (value: unknown, other: string) => (typeof value === 'string' ? value : other);
  return {
    error: {
      message: text(given.message, `${target.name} answered ${status}`),
      type: text(given.type, status < 500 ? 'invalid_request_error' : 'server_error'),
      param: typeof given.param === 'string' ? given.param : null,
      code: text(given.code, 'upstream_error'),
    },
  };
}
