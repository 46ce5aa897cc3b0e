/** The items of a response's output as they grow, each with the events that tell of it. */
import { randomBytes } from 'node:crypto';
import type { Emit } from '../answer-machine.ts';
import type { CallDelta } from '../chat/delta.ts';
import { parseJson } from '../json.ts';
import { type Json, objectOf, textOf } from '../values.ts';
import { BUILTINS } from './builtins.ts';
import type { Called, ToolBox } from './tools.ts';

export interface Item {
  readonly value: () => Json;
  /** The first call counts. @param status incomplete: the answer ran out in the middle of it. */
  readonly end: (status?: Ended) => void;
}

interface Place {
  readonly id: string;
  readonly index: number;
  readonly emit: Emit;
}

type Ended = 'completed' | 'incomplete';

class Growing {
  protected readonly place: Place;
  protected status: Ended | 'in_progress' = 'in_progress';

  constructor(place: Place) {
    this.place = place;
  }

  protected item(type: 'added' | 'done', item: Json): void {
    this.place.emit(`response.output_item.${type}`, { output_index: this.place.index, item });
  }

  /** An event about a place inside the item. */
  protected tell(type: string, members: Json): void {
    this.place.emit(`response.${type}`, {
      item_id: this.place.id,
      output_index: this.place.index,
      ...members,
    });
  }
}

/** Pieces are joined when the text is wanted. */
class Text {
  readonly #pieces: string[] = [];
  add(piece: string): void {
    this.#pieces.push(piece);
  }
  read(): string {
    if (this.#pieces.length > 1) this.#pieces.splice(0, this.#pieces.length, this.#pieces.join(''));
    return this.#pieces[0] ?? '';
  }
}

export class ReasoningItem extends Growing implements Item {
  readonly #text = new Text();
  readonly #asSummary: boolean;

  /** @param asSummary as a client that asks for summaries shows it; else as the reasoning itself. */
  constructor(place: Place, asSummary: boolean) {
    super(place);
    this.#asSummary = asSummary;
    this.item('added', this.#item([]));
    if (asSummary) this.tell('reasoning_summary_part.added', { summary_index: 0, part: this.#part('') });
    else this.tell('content_part.added', { content_index: 0, part: this.#part('') });
  }

  add(text: string): void {
    this.#text.add(text);
    if (this.#asSummary) this.tell('reasoning_summary_text.delta', { summary_index: 0, delta: text });
    else this.tell('reasoning_text.delta', { content_index: 0, delta: text });
  }

  end(status: Ended = 'completed'): void {
    if (this.status !== 'in_progress') return;
    this.status = status;
    const text = this.#text.read();
    if (this.#asSummary) {
      this.tell('reasoning_summary_text.done', { summary_index: 0, text });
      this.tell('reasoning_summary_part.done', { summary_index: 0, part: this.#part(text) });
    } else {
      this.tell('reasoning_text.done', { content_index: 0, text });
      this.tell('content_part.done', { content_index: 0, part: this.#part(text) });
    }
    this.item('done', this.value());
  }

  value(): Json {
    return this.#item([this.#part(this.#text.read())]);
  }

  #part(text: string): Json {
    return { type: this.#asSummary ? 'summary_text' : 'reasoning_text', text };
  }

  #item(parts: readonly Json[]): Json {
    const { id } = this.place;
    return {
      id,
      type: 'reasoning',
      summary: this.#asSummary ? parts : [],
      ...(!this.#asSummary && { content: parts }),
      status: this.status,
    };
  }
}

interface Part {
  readonly kind: 'output_text' | 'refusal';
  readonly text: Text;
  readonly logprobs: unknown[];
  readonly annotations: Json[];
  ended: boolean;
}

export class MessageItem extends Growing implements Item {
  readonly #parts: Part[] = [];

  constructor(place: Place, kind: Part['kind']) {
    super(place);
    this.item('added', this.value());
    this.part(kind);
  }

  /** What comes now is of this kind. */
  part(kind: Part['kind']): void {
    if (this.#parts.at(-1)?.kind === kind) return;
    this.#endPart();
    const part = { kind, text: new Text(), logprobs: [], annotations: [], ended: false };
    this.#parts.push(part);
    this.tell('content_part.added', { content_index: this.#parts.length - 1, part: this.#partValue(part) });
  }

  add(text: string, logprobs: readonly unknown[]): void {
    const part = this.#parts.at(-1)!;
    part.text.add(text);
    part.logprobs.push(...logprobs);
    const content_index = this.#parts.length - 1;
    if (part.kind === 'refusal') this.tell('refusal.delta', { content_index, delta: text });
    else this.tell('output_text.delta', { content_index, delta: text, logprobs });
  }

  /** A source of the text so far. */
  annotate(annotation: Json): void {
    const { annotations } = this.#parts.at(-1)!;
    annotations.push(annotation);
    this.tell('output_text.annotation.added', {
      content_index: this.#parts.length - 1,
      annotation_index: annotations.length - 1,
      annotation,
    });
  }

  #endPart(): void {
    const part = this.#parts.at(-1);
    if (!part || part.ended) return;
    part.ended = true;
    const content_index = this.#parts.length - 1;
    const text = part.text.read();
    if (part.kind === 'refusal') this.tell('refusal.done', { content_index, refusal: text });
    else this.tell('output_text.done', { content_index, text, logprobs: part.logprobs });
    this.tell('content_part.done', { content_index, part: this.#partValue(part) });
  }

  end(status: Ended = 'completed'): void {
    if (this.status !== 'in_progress') return;
    this.#endPart();
    this.status = status;
    this.item('done', this.value());
  }

  value(): Json {
    const content = this.#parts.map((part) => this.#partValue(part));
    return { id: this.place.id, type: 'message', status: this.status, role: 'assistant', content };
  }

  #partValue({ kind, text, logprobs, annotations }: Part): Json {
    if (kind === 'refusal') return { type: kind, refusal: text.read() };
    return { type: kind, annotations: [...annotations], logprobs: [...logprobs], text: text.read() };
  }
}

/** A call of whatever tool the function stands for. */
export class CallItem extends Growing implements Item {
  readonly #tools: ToolBox;
  readonly #args = new Text();
  #callId = '';
  #called: Called | null = null;

  constructor(place: Place, tools: ToolBox) {
    super(place);
    this.#tools = tools;
  }

  /** As the upstream named the call; '' before it did. */
  get id(): string {
    return this.#callId;
  }

  /** What it is called with, so far. */
  get args(): string {
    return this.#args.read();
  }

  add({ id, name, args }: CallDelta): void {
    if (this.#callId === '') this.#callId = id;
    const before = this.#called ? '' : this.#args.read();
    if (args !== '') this.#args.add(args);
    if (!this.#called && name !== '') this.#begin(name);
    if (this.#called?.kind === 'function' && before + args !== '')
      this.tell('function_call_arguments.delta', { delta: before + args });
  }

  #begin(name: string): void {
    if (this.#callId === '') this.#callId = `call_${randomBytes(12).toString('hex')}`;
    this.#called = this.#tools.called(name);
    this.item('added', this.#value(''));
  }

  end(status: Ended = 'completed'): void {
    if (this.status !== 'in_progress') return;
    if (!this.#called) this.#begin('');
    this.status = status;
    const args = this.#args.read();
    if (this.#called!.kind === 'function') this.tell('function_call_arguments.done', { arguments: args });
    if (this.#called!.kind === 'custom') {
      const input = inputOf(args);
      if (input !== '') this.tell('custom_tool_call_input.delta', { delta: input });
      this.tell('custom_tool_call_input.done', { input });
    }
    this.item('done', this.value());
  }

  value(): Json {
    return this.#value(this.#args.read());
  }

  #value(args: string): Json {
    const { kind, name, namespace } = this.#called ?? { kind: 'function' as const, name: '' };
    const common = { id: this.place.id, call_id: this.#callId };
    const named = { name, ...(namespace !== undefined && { namespace }) };
    if (kind === 'custom') return { ...common, type: 'custom_tool_call', ...named, input: inputOf(args) };
    if (kind === 'function')
      return { ...common, type: 'function_call', ...named, arguments: args, status: this.status };
    const { call, toItem } = BUILTINS[name]!;
    return { ...common, type: call, status: this.status, ...toItem(objectOf(parseJson(args))) };
  }
}

/** The free text of a custom tool; a model that answers without the wrapping meant the text itself. */
function inputOf(args: string): string {
  if (args === '') return '';
  const parsed = parseJson(args);
  return textOf(objectOf(parsed).input) ?? textOf(parsed) ?? args;
}
