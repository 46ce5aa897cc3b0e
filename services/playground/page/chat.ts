/** A chat completion, streamed. */
import { bodyFor, type ErrorBody, Fault, faultOf, post, type Usage } from './api.ts';
import type { Routing } from './config.ts';
import { type ToldDecision, toldDecision } from './decision.ts';
import type { Asked, ToolCall } from './messages.ts';
import { chunksOf, sseData } from './sse.ts';

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
  /** What the model wants to have called. */
  readonly calls: readonly ToolCall[];
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
  readonly tool_calls?: readonly CallPiece[] | null;
}

/** A part of a call to a tool: in streams its arguments come in pieces. */
interface CallPiece {
  readonly index?: number;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null };
}

/** Puts pieces of calls together, by their index. */
function addPieces(calls: ToolCall[], pieces: readonly CallPiece[]): void {
  for (const [at, { index = at, id, function: said }] of pieces.entries()) {
    const before = calls[index];
    calls[index] = {
      id: id ?? before?.id ?? `call_${index}`,
      type: 'function',
      function: {
        name: said?.name || (before?.function.name ?? ''),
        arguments: (before?.function.arguments ?? '') + (said?.arguments ?? ''),
      },
    };
  }
}

/** Streams an answer. @throws Fault also for an error inside the stream; AbortError when stopped */
export async function chat(
  asked: Asked,
  routing: Routing,
  signal: AbortSignal,
  listener: ChatListener,
): Promise<ChatEnd> {
  const body = { ...bodyFor(asked, routing), stream: true, stream_options: { include_usage: true } };
  const response = await post('/v1/chat/completions', body, signal);
  listener.decided(toldDecision(response.headers));
  let usage: Usage | null = null;
  let finish: string | null = null;
  const calls: ToolCall[] = [];
  const take = (chunk: Chunk) => {
    if (chunk.error) throw faultOf(chunk, 0, response);
    usage = chunk.usage ?? usage;
    const choice = chunk.choices?.[0];
    const said = choice?.delta ?? choice?.message;
    const thought = said?.reasoning_content ?? said?.reasoning;
    if (thought) listener.thought(thought);
    if (said?.content) listener.text(said.content);
    if (said?.tool_calls) addPieces(calls, said.tool_calls);
    finish = choice?.finish_reason ?? finish;
  };
  // Some upstreams answer whole though asked for a stream.
  if (!/^text\/event-stream/i.test(response.headers.get('content-type') ?? '')) {
    take(await response.json());
    return { usage, finish, whole: true, calls: calls.filter(Boolean) };
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
  return { usage, finish, whole, calls: calls.filter(Boolean) };
}
