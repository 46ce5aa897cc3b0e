/** The router's endpoints, as the playground's server relays them. */
import { type FullDecision, type ToldDecision, toldDecision } from './decision.ts';
import { chunksOf, sseData } from './sse.ts';

export interface Upstream {
  readonly target: string;
  readonly model: string;
}

export interface Entry extends Upstream {
  readonly name: string;
  readonly targets?: readonly Upstream[];
  readonly fallbacks?: readonly Upstream[];
}

export interface Policy {
  readonly name: string;
  readonly threshold: number;
  readonly fallback: string | null;
  /** Absent: labels. */
  readonly kind?: 'value';
  readonly llms: readonly Entry[];
}

export interface Config {
  readonly version: string;
  readonly default_policy: string | null;
  readonly policies: readonly Policy[];
}

export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

export interface Routing {
  readonly policy: string;
  readonly routing_strategy: 'triton' | 'manual';
  readonly model: string;
  readonly threshold?: number;
}

export interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
}

/** An error as the router, or the playground's server, said it. */
export class Fault extends Error {
  /** 0: inside a stream, or no answer at all. */
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly requestId: string | null;
  readonly decision: ToldDecision | null;

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
  }
}

interface ErrorBody {
  readonly error?: { readonly message?: unknown; readonly code?: unknown; readonly param?: unknown };
}

function faultOf(body: ErrorBody, status: number, response: Response): Fault {
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

const post = (path: string, body: object, signal: AbortSignal | null) =>
  call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });

const asked = (messages: readonly Message[], routing: Routing) => ({
  model: '',
  messages,
  'nim-llm-router': routing,
});

export const getConfig = async (): Promise<Config> => (await call('/config')).json();

/** The decision without a call. */
export const getRoute = async (
  messages: readonly Message[],
  routing: Routing,
  signal: AbortSignal,
): Promise<FullDecision> => (await post('/v1/route', asked(messages, routing), signal)).json();

export interface ChatListener {
  decided(decision: ToldDecision | null): void;
  text(piece: string): void;
  /** What a reasoning model thinks before it answers. */
  thought(piece: string): void;
}

export interface ChatEnd {
  readonly usage: Usage | null;
  readonly finish: string | null;
  /** True when the stream said that it is complete. */
  readonly whole: boolean;
}

interface Chunk extends ErrorBody {
  readonly choices?: readonly {
    readonly delta?: ChunkText;
    readonly message?: ChunkText;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: Usage | null;
}

interface ChunkText {
  readonly content?: string | null;
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
}

/** Streams an answer. @throws Fault also for an error inside the stream; AbortError when stopped */
export async function chat(
  messages: readonly Message[],
  routing: Routing,
  signal: AbortSignal,
  listener: ChatListener,
): Promise<ChatEnd> {
  const body = { ...asked(messages, routing), stream: true, stream_options: { include_usage: true } };
  const response = await post('/v1/chat/completions', body, signal);
  listener.decided(toldDecision(response.headers));
  let usage: Usage | null = null;
  let finish: string | null = null;
  const take = (chunk: Chunk) => {
    if (chunk.error) throw faultOf(chunk, 0, response);
    usage = chunk.usage ?? usage;
    const choice = chunk.choices?.[0];
    const said = choice?.delta ?? choice?.message;
    const thought = said?.reasoning_content ?? said?.reasoning;
    if (thought) listener.thought(thought);
    if (said?.content) listener.text(said.content);
    finish = choice?.finish_reason ?? finish;
  };
  // Some upstreams answer whole though asked for a stream.
  if (!/^text\/event-stream/i.test(response.headers.get('content-type') ?? '')) {
    take(await response.json());
    return { usage, finish, whole: true };
  }
  let whole = false;
  try {
    for await (const data of sseData(chunksOf(response.body!))) {
      if (data === '[DONE]') whole = true;
      else take(JSON.parse(data) as Chunk);
    }
  } catch (error) {
    if (error instanceof Fault || signal.aborted) throw error;
    throw new Fault('The answer broke off.', 0, 'broken_off', response);
  }
  return { usage, finish, whole };
}
