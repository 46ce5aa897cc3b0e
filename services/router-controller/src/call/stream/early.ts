/**
 * What a client hears of a stream before its first content, so that nothing on the way takes it for dead: headers, the
 * upstream's own comments, and comments of the router's. All of it fits before any target's answer, so falling back goes
 * on behind it until the first content; only a failure can be told no more than as an error event.
 */

import type { Time, Timer } from '../time.ts';
import type { HeaderBag } from '../transport/headers.ts';
import { responseHeaders, STREAM_HEADERS } from '../transport/headers.ts';
import type { ClientResponse } from './client-response.ts';
import type { HeldEvent } from './opening.ts';

const PING = Buffer.from(': ping\n\n');

export interface EarlyOptions {
  readonly client: ClientResponse;
  readonly time: Time;
  /** A comment so often, milliseconds; 0: none, but where the upstream sends its own. */
  readonly everyMs: number;
  /** Headers wait so long, milliseconds, for content that shows who answers. */
  readonly holdMs: number;
  /** The router's own headers, when nobody knows who will answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The target that is at work, where no other can take over, and what it answered with. */
export interface Sure {
  readonly upstream: HeaderBag;
  /** The router's own headers, which name it. */
  readonly headers: Readonly<Record<string, string>>;
}

export class EarlyStream {
  readonly #options: EarlyOptions;
  readonly #beat: Timer | null;
  #hold: Timer | null = null;
  #open = false;
  #stopped = false;
  /** What attempts hold back at present. */
  readonly #held = new Set<HeldEvent[]>();

  constructor(options: EarlyOptions) {
    this.#options = options;
    const { time, everyMs } = options;
    this.#beat = everyMs > 0 ? time.every(everyMs, () => this.#ping()) : null;
  }

  /**
   * An upstream is at work. Its comments go out as soon as the headers are; what else it holds waits for content.
   *
   * @param held comments that are sent are taken out of it.
   * @param sure null: another target may still take over.
   */
  life(held: HeldEvent[], sure: Sure | null): void {
    if (this.#stopped) return;
    this.#held.add(held);
    if (this.#open) {
      this.#comments();
      return;
    }
    const headers = sure
      ? { ...responseHeaders(sure.upstream, false), ...sure.headers }
      : this.#options.headers;
    this.#hold ??= this.#options.time.after(this.#options.holdMs, () => this.#begin(headers));
  }

  /** Its attempt is over: what it held is nobody's any more, and nothing shows that another one is at work. */
  forget(held: HeldEvent[]): void {
    this.#held.delete(held);
    if (this.#held.size > 0) return;
    this.#hold?.stop();
    this.#hold = null;
  }

  #ping(): void {
    if (this.#gone()) return;
    if (!this.#open) this.#begin(this.#options.headers);
    else this.#options.client.write(PING);
  }

  #gone(): boolean {
    const { client } = this.#options;
    return this.#stopped || client.destroyed || client.writableEnded;
  }

  #begin(headers: Record<string, string | string[]>): void {
    this.#hold?.stop();
    if (this.#gone() || this.#open) return;
    this.#open = true;
    const { client } = this.#options;
    if (!client.headersSent) {
      client.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        ...STREAM_HEADERS,
      });
    }
    // Headers alone may wait in buffers on the way.
    if (!this.#comments()) client.write(PING);
  }

  /** @returns false when there was none. */
  #comments(): boolean {
    let any = false;
    for (const held of this.#held) {
      for (let at = 0; at < held.length; ) {
        const { event } = held[at]!;
        if (event.data !== null || event.name !== null || event.piece) at++;
        else {
          held.splice(at, 1);
          if (this.#gone()) continue;
          this.#options.client.write(event.bytes);
          any = true;
        }
      }
    }
    return any;
  }

  /** The answer is here, or none will come. */
  stop(): void {
    this.#stopped = true;
    this.#beat?.stop();
    this.#hold?.stop();
  }
}
