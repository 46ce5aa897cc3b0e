/** A chat answer as a response. */
import { type AnswerMachine, answersBy, type Emit } from '../answer-machine.ts';
import { beginsAnother, deltaOf } from '../chat/delta.ts';
import { type ChatUsage, chatUsage } from '../chat/usage.ts';
import type { AnswerTranslator, ToldError } from '../dialect.ts';
import { countOf, given, isObject, type Json, objectOf, textOf } from '../values.ts';
import { CallItem, type Item, MessageItem, ReasoningItem } from './output.ts';
import { frame, responseObject, type Told } from './response.ts';
import type { ToolBox } from './tools.ts';

export const createAnswers = (request: Json, tools: ToolBox): AnswerTranslator =>
  answersBy((emit) => new ResponseMachine(request, tools, emit), true);

/** Of one chunk. */
const MOST_ANNOTATIONS = 500;

/** A source of a chat's answer as a response names it; null: it is none. */
function citationOf(annotation: unknown): Json | null {
  const { type, url_citation } = objectOf(annotation);
  if (type !== 'url_citation' || !isObject(url_citation)) return null;
  const { url, title, start_index, end_index } = url_citation;
  if (typeof url !== 'string') return null;
  return {
    type,
    url,
    title: textOf(title) ?? '',
    start_index: countOf(start_index),
    end_index: countOf(end_index),
  };
}

class ResponseMachine implements AnswerMachine {
  readonly #common: Json;
  readonly #tools: ToolBox;
  readonly #emit: Emit;
  readonly #asSummary: boolean;
  readonly #items: Item[] = [];
  readonly #calls = new Map<number, CallItem>();
  /** The item that text or reasoning goes on in. */
  #open: MessageItem | ReasoningItem | null = null;
  #begun = false;
  #model: unknown;
  #usage: ChatUsage | null = null;
  #finish: string | null = null;

  constructor(request: Json, tools: ToolBox, emit: Emit) {
    const summary = objectOf(request.reasoning).summary ?? objectOf(request.reasoning).generate_summary;
    this.#common = frame(request);
    this.#model = request.model;
    this.#tools = tools;
    this.#emit = emit;
    this.#asSummary = given(summary);
  }

  /** One chunk, or a whole completion. */
  take(chunk: Json): void {
    if (given(chunk.model)) this.#model = chunk.model;
    this.#begin();
    this.#usage = chatUsage(chunk.usage) ?? this.#usage;
    const delta = deltaOf(chunk);
    if (!delta) return;
    if (delta.reasoning !== '') this.#reasoning().add(delta.reasoning);
    if (delta.content !== '' || delta.logprobs.length > 0)
      this.#message('output_text').add(delta.content, delta.logprobs);
    for (const annotation of delta.annotations.slice(0, MOST_ANNOTATIONS)) {
      const source = citationOf(annotation);
      if (source) this.#message('output_text').annotate(source);
    }
    if (delta.refusal !== '') this.#message('refusal').add(delta.refusal, []);
    for (const call of delta.calls) {
      this.#close();
      let item = this.#calls.get(call.index);
      if (item && beginsAnother(call, item)) item = undefined;
      if (!item) {
        item = this.#add(new CallItem(this.#place('fc'), this.#tools));
        this.#calls.set(call.index, item);
      }
      item.add(call);
    }
    this.#finish = delta.finish ?? this.#finish;
  }

  /** @returns the response as it is at its end. */
  finish(): Json {
    this.#begin();
    const reason =
      this.#finish === 'length'
        ? ('max_output_tokens' as const)
        : this.#finish === 'content_filter'
          ? ('content_filter' as const)
          : undefined;
    const status = reason ? 'incomplete' : 'completed';
    for (const item of this.#items.slice(0, -1)) item.end();
    this.#items.at(-1)?.end(status);
    const response = this.#response({ status, ...(reason && { reason }) });
    this.#emit(`response.${status}`, { response });
    return response;
  }

  fail(error: ToldError): void {
    this.#begin();
    this.#emit('response.failed', { response: this.#response({ status: 'failed', error }) });
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const response = this.#response({ status: 'in_progress' });
    this.#emit('response.created', { response });
    this.#emit('response.in_progress', { response });
  }

  #response(told: Pick<Told, 'status' | 'error' | 'reason'>): Json {
    const output = this.#items.map((item) => item.value());
    return responseObject(this.#common, { model: this.#model, output, usage: this.#usage, ...told });
  }

  #place(prefix: string) {
    const index = this.#items.length;
    const id = `${prefix}_${String(this.#common.id).slice('resp_'.length)}${index.toString(16).padStart(4, '0')}`;
    return { id, index, emit: this.#emit };
  }

  #add<T extends Item>(item: T): T {
    this.#items.push(item);
    return item;
  }

  #reasoning(): ReasoningItem {
    if (this.#open instanceof ReasoningItem) return this.#open;
    this.#close();
    const item = this.#add(new ReasoningItem(this.#place('rs'), this.#asSummary));
    this.#open = item;
    return item;
  }

  #message(kind: 'output_text' | 'refusal'): MessageItem {
    if (this.#open instanceof MessageItem) {
      this.#open.part(kind);
      return this.#open;
    }
    this.#close();
    const item = this.#add(new MessageItem(this.#place('msg'), kind));
    this.#open = item;
    return item;
  }

  #close(): void {
    this.#open?.end();
    this.#open = null;
  }
}
