/** What one chunk of a chat stream, or one whole completion, adds to the answer. */
import { parseJson } from '../json.ts';
import { isObject, type Json, listOf, objectOf, textOf } from '../values.ts';

export interface CallDelta {
  /** Which of the calls made side by side. */
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly args: string;
}

export interface ChatDelta {
  readonly reasoning: string;
  readonly content: string;
  readonly refusal: string;
  readonly logprobs: readonly unknown[];
  /** What models that search tell of their sources: `{"type": "url_citation", "url_citation": {"url", "title", …}}`. */
  readonly annotations: readonly unknown[];
  readonly calls: readonly CallDelta[];
  /** `finish_reason`; null while it goes on. */
  readonly finish: string | null;
  /** The stop sequence that ended it, where the server tells (vLLM's `stop_reason`). */
  readonly stop: string | null;
}

/**
 * Whether a piece of a call begins another one, though it has the index of one that is known: some servers give every call the
 * index 0, and tell them apart by id, or not at all where each comes whole.
 */
export function beginsAnother({ id, name, args }: CallDelta, known: Pick<CallDelta, 'id' | 'args'>): boolean {
  if (name === '') return false;
  if (id !== '') return id !== known.id;
  // Arguments that are whole get no more.
  return args !== '' && isObject(parseJson(known.args));
}

/** @returns null where there is no first choice, as in a chunk of usage alone. */
export function deltaOf(chunk: Json): ChatDelta | null {
  const choice = listOf(chunk.choices).find((each) => (objectOf(each).index ?? 0) === 0);
  if (!isObject(choice)) return null;
  const message = objectOf(choice.delta ?? choice.message);
  const { text, thinking } = contentOf(message.content);
  return {
    reasoning: thinking + (textOf(message.reasoning_content) ?? textOf(message.reasoning) ?? ''),
    content: text,
    refusal: textOf(message.refusal) ?? '',
    logprobs: listOf(objectOf(choice.logprobs).content),
    annotations: listOf(message.annotations),
    calls: callsOf(message),
    finish: textOf(choice.finish_reason),
    stop: textOf(choice.stop_reason) ?? textOf(choice.matched_stop),
  };
}

/** Some servers answer in parts, reasoning among them. */
function contentOf(content: unknown): { text: string; thinking: string } {
  if (typeof content === 'string') return { text: content, thinking: '' };
  let text = '';
  let thinking = '';
  for (const part of listOf(content)) {
    const { text: said, thinking: thought } = objectOf(part);
    text += textOf(part) ?? textOf(said) ?? '';
    thinking +=
      textOf(thought) ??
      listOf(thought)
        .map((each) => textOf(objectOf(each).text) ?? '')
        .join('');
  }
  return { text, thinking };
}

function callsOf(message: Json): CallDelta[] {
  if (isObject(message.function_call)) return [callOf({ function: message.function_call }, 0)];
  return listOf(message.tool_calls).map((call, at) => callOf(objectOf(call), at));
}

function callOf(call: Json, at: number): CallDelta {
  const { name, arguments: args } = objectOf(call.function);
  return {
    index: typeof call.index === 'number' ? call.index : at,
    id: textOf(call.id) ?? '',
    name: textOf(name) ?? '',
    // Some servers give the object itself.
    args: textOf(args) ?? (isObject(args) ? JSON.stringify(args) : ''),
  };
}
