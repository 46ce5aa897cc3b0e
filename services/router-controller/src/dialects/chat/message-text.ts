/** The text that a model reads and writes: prompts, deltas and messages, as tokens are counted from it. */
import type { ChatBody, Uncounted } from '../../request.ts';
import { TextSample } from '../text-sample.ts';

interface Message {
  readonly content?: unknown;
  readonly name?: unknown;
  readonly tool_calls?: unknown;
}

const listed = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

function* textsOf(content: unknown): Generator<string> {
  if (typeof content === 'string') yield content;
  if (!Array.isArray(content)) return;
  for (const part of content) {
    const text = typeof part === 'string' ? part : (part as { text?: unknown } | null)?.text;
    if (typeof text === 'string') yield text;
  }
}

/** Every text of a request that becomes prompt tokens. Inline images and audio are none; tool descriptions are. */
export function* promptTexts(body: ChatBody): Generator<string> {
  for (const message of Array.isArray(body.messages) ? (body.messages as Message[]) : []) {
    yield* textsOf(message?.content);
    if (typeof message?.name === 'string') yield message.name;
    if (listed(message?.tool_calls)) yield JSON.stringify(message.tool_calls);
  }
  yield* textsOf(body.prompt);
  const tools = listed(body.tools) ? body.tools : body.functions;
  if (listed(tools)) yield JSON.stringify(tools);
}

/** Tokens around a message (its role among them), around a name, and before the answer, as OpenAI's chat format has them. */
const PER_MESSAGE = 4;
const PER_NAME = 1;
const BEFORE_ANSWER = 3;

/** A prompt to be counted, and the tokens of the chat format around its texts. */
export function promptSample(body: ChatBody): Uncounted & { readonly around: number } {
  const sample = new TextSample();
  let run = 0;
  for (const text of promptTexts(body)) sample.add(text, run++);
  const messages = Array.isArray(body.messages) ? (body.messages as Message[]) : [];
  const names = messages.filter((message) => typeof message?.name === 'string').length;
  const around = messages.length === 0 ? 0 : messages.length * PER_MESSAGE + names * PER_NAME + BEFORE_ANSWER;
  return { ...sample.read(), around };
}

interface ToolCall {
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown };
}

/** Every text in a message or in the delta of one: content, reasoning, refusal, names and arguments of tool calls. */
export function* writtenTexts(message: Readonly<Record<string, unknown>>): Generator<string> {
  for (const [key, value] of Object.entries(message)) {
    if (key === 'role' || !value) continue;
    // Some servers spell the same reasoning twice.
    if (key === 'reasoning' && value === message.reasoning_content) continue;
    if (typeof value === 'string') yield value;
    else if (key === 'content') yield* textsOf(value);
    else if (key === 'tool_calls' && Array.isArray(value)) for (const call of value) yield* callTexts(call);
    else if (key === 'function_call') yield* callTexts({ function: value });
  }
}

function* callTexts(call: ToolCall | null): Generator<string> {
  const { name, arguments: given } = call?.function ?? {};
  if (typeof name === 'string') yield name;
  if (typeof given === 'string') yield given;
}
