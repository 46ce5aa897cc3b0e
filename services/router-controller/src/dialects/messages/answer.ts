/** A chat answer as a message. */
import { randomBytes } from 'node:crypto';
import { type AnswerMachine, answersBy, type Emit } from '../answer-machine.ts';
import { beginsAnother, type CallDelta, type ChatDelta, deltaOf } from '../chat/delta.ts';
import { type ChatUsage, chatUsage } from '../chat/usage.ts';
import type { AnswerTranslator, ToldError } from '../dialect.ts';
import { parseJson } from '../json.ts';
import { given, isObject, type Json, objectOf } from '../values.ts';
import { errorBody } from './errors.ts';

/** @param names the client's own names of tools by those that chat has, where they differ. */
export const createAnswers = (request: Json, names: ReadonlyMap<string, string>): AnswerTranslator =>
  answersBy((emit) => new MessageMachine(request, names, emit), false);

interface Call {
  readonly index: number;
  id: string;
  name: string;
  /** All of it, and what of it the client has not had yet. */
  args: string;
  unsent: string;
}

class MessageMachine implements AnswerMachine {
  readonly #emit: Emit;
  readonly #names: ReadonlyMap<string, string>;
  readonly #id = `msg_${randomBytes(12).toString('hex')}`;
  readonly #shows: boolean;
  readonly #content: Record<string, unknown>[] = [];
  /** Calls that are not finished, in the order in which they began: a block is sent whole before the next begins. */
  #calls: Call[] = [];
  #pieces: string[] = [];
  #open: 'text' | 'thinking' | 'tool_use' | null = null;
  #model: unknown;
  #begun = false;
  #usage: ChatUsage | null = null;
  #finish: string | null = null;
  #stop: string | null = null;
  #refused = false;

  constructor(request: Json, names: ReadonlyMap<string, string>, emit: Emit) {
    this.#names = names;
    this.#emit = emit;
    this.#model = request.model;
    const { type } = objectOf(request.thinking);
    this.#shows = type === 'enabled' || type === 'adaptive';
  }

  take(chunk: Json): void {
    if (given(chunk.model)) this.#model = chunk.model;
    this.#begin();
    this.#usage = chatUsage(chunk.usage) ?? this.#usage;
    const delta = deltaOf(chunk);
    if (delta) this.#add(delta);
  }

  #add(delta: ChatDelta): void {
    if (delta.reasoning !== '' && this.#shows) this.#write('thinking', delta.reasoning);
    if (delta.content !== '') this.#write('text', delta.content);
    if (delta.refusal !== '') {
      this.#refused = true;
      this.#write('text', delta.refusal);
    }
    for (const call of delta.calls) this.#call(call);
    this.#finish = delta.finish ?? this.#finish;
    this.#stop = delta.stop ?? this.#stop;
  }

  /** @returns the message as it is at its end. */
  finish(): Json {
    this.#begin();
    this.#endCalls();
    this.#close();
    const usage = usageObject(this.#usage);
    const ending = {
      stop_reason: this.#reason(),
      stop_sequence: this.#stop,
      stop_details: null,
      container: null,
    };
    this.#emit('message_delta', { delta: ending, usage });
    this.#emit('message_stop', {});
    return { ...this.#message(usage), ...ending };
  }

  fail(error: ToldError): void {
    this.#emit('error', errorBody(500, error));
  }

  #reason(): string {
    if (this.#refused || this.#finish === 'content_filter') return 'refusal';
    if (this.#finish === 'length') return 'max_tokens';
    if (this.#content.some(({ type }) => type === 'tool_use')) return 'tool_use';
    return this.#stop === null ? 'end_turn' : 'stop_sequence';
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    // How many tokens went in is told at the end, when the upstream has told it.
    this.#emit('message_start', { message: { ...this.#message(usageObject(null)), stop_reason: null } });
  }

  #message(usage: Json): Json {
    return {
      id: this.#id,
      type: 'message',
      role: 'assistant',
      model: this.#model ?? '',
      content: this.#content.slice(),
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      container: null,
      usage,
    };
  }

  #write(kind: 'text' | 'thinking', text: string): void {
    this.#endCalls();
    if (this.#open !== kind)
      this.#start(kind, kind === 'text' ? { text: '' } : { thinking: '', signature: '' });
    this.#pieces.push(text);
    this.#delta(kind === 'text' ? { type: 'text_delta', text } : { type: 'thinking_delta', thinking: text });
  }

  #call(delta: CallDelta): void {
    const { index, id, name, args } = delta;
    let call = this.#calls.findLast((each) => each.index === index);
    if (call && beginsAnother(delta, call)) call = undefined;
    if (!call) {
      // Arguments that are whole JSON get no more: the block ends, and the next call can be told as it comes.
      const running = this.#calls[0];
      if (running && parseJson(running.args) !== undefined) this.#endCalls();
      call = {
        index,
        id: id === '' ? `call_${randomBytes(12).toString('hex')}` : id,
        name,
        args: '',
        unsent: '',
      };
      this.#calls.push(call);
    }
    if (call.name === '') call.name = name;
    call.args += args;
    call.unsent += args;
    if (call === this.#calls[0]) this.#tell(call);
  }

  /** Sends what of the call the client has not had. */
  #tell(call: Call): void {
    if (call.name === '') return;
    if (this.#open !== 'tool_use')
      this.#start('tool_use', {
        id: call.id,
        name: this.#names.get(call.name) ?? call.name,
        input: {},
        caller: { type: 'direct' },
      });
    if (call.unsent !== '') this.#delta({ type: 'input_json_delta', partial_json: call.unsent });
    call.unsent = '';
  }

  #endCalls(): void {
    for (const call of this.#calls) {
      if (call.name === '') call.name = 'unnamed';
      this.#tell(call);
      this.#content.at(-1)!.input = inputOf(call.args);
      this.#close();
    }
    this.#calls = [];
  }

  #start(type: 'text' | 'thinking' | 'tool_use', members: Json): void {
    this.#close();
    this.#open = type;
    const block = { type, ...members };
    this.#content.push(block);
    this.#emit('content_block_start', { index: this.#content.length - 1, content_block: block });
  }

  #delta(delta: Json): void {
    this.#emit('content_block_delta', { index: this.#content.length - 1, delta });
  }

  #close(): void {
    if (this.#open === null) return;
    const block = this.#content.at(-1)!;
    if (this.#open === 'text') block.text = this.#pieces.join('');
    if (this.#open === 'thinking') block.thinking = this.#pieces.join('');
    this.#pieces = [];
    this.#open = null;
    this.#emit('content_block_stop', { index: this.#content.length - 1 });
  }
}

/** Arguments that are no object: the client gets them as they are, under a name that says so. */
function inputOf(args: string): unknown {
  if (args.trim() === '') return {};
  const parsed = parseJson(args);
  return isObject(parsed) ? parsed : { invalid_arguments: args };
}

function usageObject(usage: ChatUsage | null): Json {
  const { prompt = 0, cached = 0, completion = 0, reasoning = 0 } = usage ?? {};
  return {
    input_tokens: prompt - cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    cache_creation: null,
    output_tokens: completion,
    output_tokens_details: reasoning > 0 ? { thinking_tokens: reasoning } : null,
    server_tool_use: null,
    service_tier: 'standard',
    inference_geo: null,
    speed: null,
  };
}
