/** The items of `input` as the messages of a chat. */

import { ChatHistory, type ChatMessage } from '../chat/messages.ts';
import type { ChatOptions } from '../dialect.ts';
import type { Notes } from '../notes.ts';
import { isObject, type Json, listOf, objectOf, rowOf, textOf, wordOf } from '../values.ts';
import { BY_CALL, BY_OUTPUT } from './builtins.ts';
import { chatParts, plainText } from './parts.ts';
import { ITEMS } from './tables.ts';
import { chatName, type ToolBox } from './tools.ts';

/** Collects messages: calls that stand side by side, and text before them, are one assistant message. */
export class Conversation {
  readonly history = new ChatHistory();
  readonly #notes: Notes;
  readonly #tools: ToolBox;
  readonly #options: ChatOptions;
  /** Images that tools returned: chat takes them from the user only, after the last tool message. */
  #pictures: Json[] = [];
  #reasoning = '';

  constructor(notes: Notes, tools: ToolBox, options: ChatOptions) {
    this.#notes = notes;
    this.#tools = tools;
    this.#options = options;
  }

  add(input: unknown): void {
    if (typeof input === 'string') this.history.push({ role: 'user', content: input });
    else for (const [index, item] of listOf(input).entries()) this.#item(item, `input[${index}]`);
    this.#showPictures();
  }

  #item(item: unknown, place: string): void {
    if (typeof item === 'string') {
      this.#push({ role: 'user', content: item });
      return;
    }
    if (!isObject(item)) {
      this.#notes.refuse(place, 'an item must be an object');
      return;
    }
    const type = textOf(item.type) ?? (item.role === undefined ? 'item_reference' : 'message');
    const row = rowOf(ITEMS, type);
    if (!row) {
      this.#notes.refuse(place, `item type '${type}' is not known to chat completions`);
      return;
    }
    if (row.fate === 'refused') {
      this.#notes.refuse(place, row.note!);
      return;
    }
    if (row.fate === 'dropped') {
      if (!row.quiet) this.#notes.drop(`input.${type}`);
      return;
    }
    this.#mapped(type, item, place);
  }

  #mapped(type: string, item: Json, place: string): void {
    const builtinCall = BY_CALL.get(type);
    const builtinOutput = BY_OUTPUT.get(type);
    if (builtinCall) this.#call(item, builtinCall.name, this.#options.nested(builtinCall.fromItem(item)));
    else if (builtinOutput) this.#answer(item, builtinOutput.outputText(item));
    else if (type === 'message') this.#message(item, place);
    else if (type === 'function_call') this.#call(item, this.#name(item), textOf(item.arguments) ?? '{}');
    else if (type === 'custom_tool_call')
      this.#call(item, this.#name(item), this.#options.nested({ input: textOf(item.input) ?? '' }));
    else if (type === 'reasoning') this.#reason(item);
    else if (type === 'additional_tools' || type === 'tool_search_output')
      this.#tools.addAll(item.tools, `${place}.tools`);
    else this.#result(item, place);
  }

  #name(item: Json): string {
    const namespace = textOf(item.namespace) ?? undefined;
    return chatName({ name: textOf(item.name) ?? '', ...(namespace !== undefined && { namespace }) });
  }

  #push(message: ChatMessage): void {
    this.#showPictures();
    this.history.push(message);
  }

  #message(item: Json, place: string): void {
    const { role, content } = item;
    if (role === 'assistant') {
      this.#assistant(content, place);
      return;
    }
    const parts = chatParts(content, `${place}.content`, this.#notes);
    if (role === 'system' || role === 'developer') this.#push({ role: 'system', content: plainText(parts) });
    else if (role === 'user') this.#push({ role, content: parts });
    else
      this.#notes.refuse(`${place}.role`, `'${wordOf(role)}' is none of user, assistant, system, developer`);
    this.#reasoning = '';
  }

  #assistant(content: unknown, place: string): void {
    const refusal = listOf(content)
      .map((part) => textOf(objectOf(part).refusal) ?? '')
      .join('');
    const text = plainText(
      chatParts(
        Array.isArray(content) ? content.filter((part) => objectOf(part).type !== 'refusal') : content,
        `${place}.content`,
        this.#notes,
      ),
    );
    const last = this.history.open;
    // Words beside a call that waits for its answer: chat has both in one message.
    if (last?.tool_calls) {
      last.content = [textOf(last.content), text].filter(Boolean).join('\n');
      return;
    }
    this.#push({
      role: 'assistant',
      content: text === '' && refusal !== '' ? null : text,
      ...(refusal !== '' && { refusal }),
      ...this.#takeReasoning(),
    });
  }

  #call(item: Json, name: string, args: string): void {
    const id = textOf(item.call_id) ?? textOf(item.id) ?? '';
    const call = { id, type: 'function' as const, function: { name, arguments: args } };
    if (this.history.open && this.#reasoning === '') {
      this.history.callMore(call);
      return;
    }
    this.#showPictures();
    this.history.push({ role: 'assistant', content: null, ...this.#takeReasoning() }, [call]);
  }

  #answer(item: Json, content: string): void {
    const id = textOf(item.call_id) ?? textOf(item.id) ?? '';
    this.history.answer(id, content);
  }

  #result(item: Json, place: string): void {
    const parts = chatParts(item.output ?? '', `${place}.output`, this.#notes);
    this.#answer(item, plainText(parts));
    if (Array.isArray(parts)) this.#pictures.push(...parts.filter((part) => part.type !== 'text'));
  }

  #showPictures(): void {
    if (this.#pictures.length === 0) return;
    const content = [{ type: 'text', text: 'What the tool returned:' }, ...this.#pictures];
    this.#pictures = [];
    this.history.push({ role: 'user', content });
  }

  #reason(item: Json): void {
    if (!this.#options.reasoning) return;
    const parts = listOf(item.content).length > 0 ? listOf(item.content) : listOf(item.summary);
    this.#reasoning += parts.map((part) => textOf(objectOf(part).text) ?? '').join('');
  }

  #takeReasoning(): Json {
    const text = this.#reasoning;
    this.#reasoning = '';
    return text === '' ? {} : { reasoning_content: text };
  }
}
