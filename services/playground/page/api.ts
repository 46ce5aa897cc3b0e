/** The router's endpoints, as the playground's server relays them. */
import type { Config, Routing } from './config.ts';
import { type FullDecision, type ToldDecision, toldDecision } from './decision.ts';
import type { Asked } from './messages.ts';
import type { ModelFacts } from './prices.ts';

export interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null } | null;
}

/** An error as the router, or the playground's server, said it. */
export class Fault extends Error {
  /** 0: inside a stream, or no answer at all. */
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly requestId: string | null;
  readonly decision: ToldDecision | null;
  /** Seconds that a refusal says to wait. */
  readonly retryAfter: number | null;

  constructor(
    message: string,
    status: number,
    code: string,
    response?: Response,
    param: string | null = null,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.requestId = response?.headers.get('x-request-id') ?? null;
    this.decision = response ? toldDecision(response.headers) : null;
    const wait = Number(response?.headers.get('retry-after') ?? Number.NaN);
    this.retryAfter = Number.isFinite(wait) ? wait : null;
  }
}

export interface ErrorBody {
  readonly error?: { readonly message?: unknown; readonly code?: unknown; readonly param?: unknown };
}

export function faultOf(body: ErrorBody, status: number, response: Response): Fault {
  const { message, code, param } = body.error ?? {};
  const words = typeof message === 'string' ? message : `the answer is a ${status} without a message`;
  const name = typeof code === 'string' || typeof code === 'number' ? String(code) : '';
  return new Fault(words, status, name, response, typeof param === 'string' ? param : null);
}

/** @throws Fault for every answer but a 2xx; AbortError when the signal says so */
async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(path, init).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new Fault('The playground’s own server does not answer. Is it still running?', 0, 'no_answer');
  });
  if (response.ok) return response;
  const body: ErrorBody = await response.json().catch(() => ({}));
  throw faultOf(body, response.status, response);
}

export const post = (path: string, body: object, signal: AbortSignal | null) =>
  call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });

const EXTENSION = 'nim-llm-router';

/** @returns the body of a chat completion, without what is said of its stream. */
export const bodyFor = ({ messages, tools = [] }: Asked, routing: Routing) => ({
  model: '',
  messages,
  ...(tools.length > 0 && { tools }),
  [EXTENSION]: routing,
});

export const getConfig = async (): Promise<Config> => (await call('/config')).json();

/** What is known of each model that the key may name, prices among it. */
export const getModels = async (): Promise<readonly ModelFacts[]> => {
  const { data } = (await (await call('/v1/models')).json()) as { data?: readonly ModelFacts[] };
  return data ?? [];
};

/** The decision on a request body, without a call. @param routing for bodies that don't say it themselves */
export async function routeBody(body: object, routing: Routing, signal: AbortSignal): Promise<FullDecision> {
  const response = await post('/v1/route', { model: '', [EXTENSION]: routing, ...body }, signal);
  return response.json();
}

export const getRoute = (asked: Asked, routing: Routing, signal: AbortSignal): Promise<FullDecision> =>
  routeBody(bodyFor(asked, routing), routing, signal);
