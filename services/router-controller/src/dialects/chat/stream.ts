/** What the router learns from a stream of chat completion chunks: content, errors, usage, a natural end. */
import { secrets } from '../../observe/secrets/index.ts';
import type { ChatBody } from '../../request.ts';
import type { EventKind, StreamReader } from '../answer-reader.ts';
import { parseJson } from '../json.ts';
import type { SseEvent } from '../sse.ts';
import { TextSample } from '../text-sample.ts';
import { withoutUsage } from './hide-usage.ts';
import { writtenTexts } from './message-text.ts';
import { isPlain, type Known, type OneText, Shape } from './shape.ts';
import { errorIn, errorText } from './told-errors.ts';

const DONE = '[DONE]';
/** Longer data is content without being looked into. */
const MAX_READ_CHARS = 256 * 1024;
/** In what is not parsed an end is still seen: quotes inside JSON's strings are escaped, so this is a member. */
const FINISH = /"finish_reason"\s*:\s*"(?!error")/;

/** Choices whose texts, and whose ends, are kept apart. */
const MAX_RUNS = 16;

interface Choice {
  index?: unknown;
  delta?: Record<string, unknown> | null;
  text?: unknown;
  finish_reason?: unknown;
}

interface ChunkBody {
  error?: unknown;
  object?: unknown;
  message?: unknown;
  usage?: unknown;
  x_groq?: { usage?: unknown } | null;
  choices?: unknown;
}

export class ChatStreamReader implements StreamReader {
  usage: unknown = null;
  contentEvents = 0;
  readonly written = new TextSample();
  error: string | null = null;
  #done = false;
  /** Choices that have to end. */
  readonly #wanted: number;
  readonly #seen = new Set<number>();
  readonly #finished = new Set<number>();
  readonly #shapes = new Shapes();

  constructor({ n }: ChatBody) {
    this.#wanted = typeof n === 'number' && n > 1 ? Math.min(MAX_RUNS, Math.floor(n)) : 1;
  }

  /** `[DONE]`, or, for upstreams that never send it, a finish reason for every choice. */
  get complete(): boolean {
    if (this.error !== null) return false;
    return this.#done || (this.#finished.size >= this.#wanted && this.#finished.size === this.#seen.size);
  }

  read({ bytes, data, name, piece }: SseEvent): EventKind {
    if (piece) {
      this.written.skip(bytes.length);
      return this.#unread(bytes.toString('latin1'));
    }
    if (data === null) return 'other';
    if (data.length > MAX_READ_CHARS) {
      this.written.skip(bytes.length);
      return this.#unread(data);
    }
    if (name === null) {
      const known = this.#shapes.read(data);
      if (known !== null) {
        this.written.add(known.text, this.#shapes.run);
        return this.#content();
      }
    }
    if (data.trim() === DONE) {
      this.#done = true;
      return 'done';
    }
    const chunk = chunkOf(data);
    if (chunk === null) {
      if (name !== 'error') return 'other';
      this.error = secrets.excerpt(data, 500);
      return 'error';
    }
    const told = name === 'error' ? errorText(chunk) : errorIn(chunk);
    if (told !== null) {
      this.error = told;
      return 'error';
    }
    // Groq's stands in a room of its own.
    const usage = chunk.usage ?? chunk.x_groq?.usage;
    if (usage) this.usage = usage;
    if (!Array.isArray(chunk.choices)) return 'other';
    if (chunk.choices.length === 0) return chunk.usage ? 'usage' : 'other';
    if (name === null) this.#shapes.learn(data, chunk);
    return this.#choices(chunk.choices);
  }

  withoutUsage(event: SseEvent, kind: EventKind): Buffer | null {
    return withoutUsage(event, kind, this.#shapes.known(event.data));
  }

  /** An event, or a piece of one, that is too long to be parsed. */
  #unread(text: string): EventKind {
    this.#seen.add(0);
    if (FINISH.test(text)) this.#finished.add(0);
    return this.#content();
  }

  #choices(choices: unknown[]): EventKind {
    let carries = false;
    for (const [place, choice] of (choices as (Choice | null)[]).entries()) {
      const run = runOf(choice, place);
      this.#seen.add(run);
      if (choice?.finish_reason) {
        this.#finished.add(run);
        carries = true;
      }
      if (typeof choice?.text === 'string' && choice.text !== '') {
        carries = true;
        this.written.add(choice.text, run);
      }
      const delta = choice?.delta;
      if (delta === null || typeof delta !== 'object') continue;
      for (const [key, value] of Object.entries(delta))
        if (key !== 'role' && value && (!Array.isArray(value) || value.length > 0)) carries = true;
      for (const text of writtenTexts(delta)) this.written.add(text, run);
    }
    return carries ? this.#content() : 'opening';
  }

  #content(): EventKind {
    this.contentEvents++;
    return 'content';
  }
}

const runOf = (choice: Choice | null, place: number) =>
  (typeof choice?.index === 'number' ? choice.index : place) % MAX_RUNS;

/** What a chunk adds where that is one plain text and nothing else; null: it is more, or less. */
function oneTextOf(chunk: ChunkBody): OneText | null {
  const { choices, usage, x_groq } = chunk;
  if (usage || x_groq || !Array.isArray(choices) || choices.length !== 1) return null;
  const choice = choices[0] as Choice | null;
  if (!choice) return null;
  const { delta } = choice;
  const texts = delta !== null && typeof delta === 'object' ? [...writtenTexts(delta)] : [];
  if (typeof choice.text === 'string' && choice.text !== '') texts.push(choice.text);
  return texts.length === 1 && isPlain(texts[0]!) ? { run: runOf(choice, 0), text: texts[0]! } : null;
}

/** How often a shape may be looked for before one was of use, and of how much use one has to be for one more time. */
const TRIES_AHEAD = 3;
const USES_A_TRY = 4;

/** The shape that a stream's events have at present. */
class Shapes {
  #shape: Shape | null = null;
  #tries = 0;
  #used = 0;
  /** The latest event that was known. */
  #data: string | null = null;
  #known: Known | null = null;

  get run(): number {
    return this.#shape?.run ?? 0;
  }

  /** @returns null: the event has to be parsed. */
  read(data: string): Known | null {
    const known = this.#shape?.read(data) ?? null;
    if (known === null) return null;
    this.#used++;
    this.#data = data;
    this.#known = known;
    return known;
  }

  /** What {@link read} said of the latest event, if it is that one. */
  known(data: string | null): Known | null {
    return data === this.#data ? this.#known : null;
  }

  learn(data: string, chunk: ChunkBody): void {
    // It costs as much as some events do; where no two are alike it must not go on.
    if (this.#tries >= TRIES_AHEAD + this.#used / USES_A_TRY) return;
    const told = oneTextOf(chunk);
    if (!told) return;
    this.#tries++;
    this.#shape = Shape.of(data, told, (other) => oneTextOf(chunkOf(other) ?? {})) ?? this.#shape;
  }
}

function chunkOf(data: string): ChunkBody | null {
  const value = parseJson(data);
  return value !== null && typeof value === 'object' ? value : null;
}
