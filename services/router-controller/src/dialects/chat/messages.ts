/** A chat's messages as they are collected, and the rules that chat servers have for their order. */
import { textOf } from '../values.ts';

export type ChatMessage = Record<string, unknown>;

export interface ChatCall {
  readonly id: unknown;
  readonly type: 'function';
  readonly function: { readonly name: unknown; readonly arguments: string };
}

interface Entry {
  readonly message: ChatMessage;
  readonly calls: ChatCall[];
  /** What the tools said to its calls. */
  readonly answers: ChatMessage[];
}

export class ChatHistory {
  readonly #entries: Entry[] = [];
  readonly #byCall = new Map<unknown, Entry>();

  push(message: ChatMessage, calls: readonly ChatCall[] = []): void {
    const entry: Entry = { message, calls: [], answers: [] };
    this.#entries.push(entry);
    for (const call of calls) this.#call(entry, call);
  }

  #call(entry: Entry, call: ChatCall): void {
    if (entry.calls.length === 0) entry.message.tool_calls = entry.calls;
    entry.calls.push(call);
    this.#byCall.set(call.id, entry);
  }

  /** The last message, where it is the assistant's and nobody has answered its calls: more of it may come. */
  get open(): ChatMessage | null {
    const last = this.#entries.at(-1);
    return last?.message.role === 'assistant' && last.answers.length === 0 ? last.message : null;
  }

  /** Adds a call to the open message. */
  callMore(call: ChatCall): void {
    this.#call(this.#entries.at(-1)!, call);
  }

  /** A tool's answer stands right after its call and the answers before it, wherever the client sent it. */
  answer(id: string, content: string): void {
    const answer = { role: 'tool', tool_call_id: id, content };
    const entry = this.#byCall.get(id);
    if (entry) entry.answers.push(answer);
    else this.push(answer);
  }

  /** In order. System messages at the beginning become one: many chat templates take no second. */
  messages(): ChatMessage[] {
    const all = this.#entries.flatMap(({ message, answers }) => [message, ...answers]);
    const count = all.findIndex(({ role }) => role !== 'system');
    const opening = all.slice(0, count < 0 ? all.length : count);
    if (opening.length < 2) return all;
    const content = opening.flatMap((message) => textOf(message.content) ?? []).join('\n\n');
    return [{ role: 'system', content }, ...all.slice(opening.length)];
  }
}
