/** What Redis is told after a request: no request waits for it, and none of it is lost while Redis is away for a while. */
import { InFlight } from '../in-flight.ts';
import { NO_SPAN, type Span } from '../observe/index.ts';
import type { RedisClient, Script, SharedRedis } from '../redis/index.ts';
import type { Held } from './held.ts';
import { OWE, SETTLE } from './lua.ts';

const MAX_UNTOLD = 100_000;

interface End {
  readonly id: string;
  readonly held: readonly Held[];
  readonly used: number;
}

/** A request bucket that is charged, or given back to where the interval is negative. */
export interface Owed extends Pick<Held, 'state' | 'interval' | 'burst'> {}

interface Telling {
  /** @param again it was sent before, and may have been done. */
  readonly ask: (redis: RedisClient, again: boolean) => Promise<unknown>;
  /** What must not be done twice is not sent twice. */
  readonly once: boolean;
  /** `performance.now()` after which it is not worth telling any more. */
  readonly until: number;
  sent: boolean;
}

export class Afterwards {
  readonly #redis: SharedRedis;
  readonly #settle: Script<number>;
  readonly #owe: Script<number>;
  readonly #running = new InFlight<Promise<unknown>>();
  /** What Redis has not heard of; it is told when it is back. */
  #untold: Telling[] = [];

  constructor(redis: SharedRedis) {
    this.#redis = redis;
    this.#settle = redis.script(SETTLE);
    this.#owe = redis.script(OWE);
  }

  #run(call: Promise<unknown>): void {
    const place: number = this.#running.add(call.finally(() => this.#running.remove(place)));
  }

  /**
   * A request has ended, and gives back what it held, or is charged.
   *
   * @param lastsMs how long Redis may be away and is still told.
   * @param span of the request.
   */
  end({ id, held, used }: End, span: Span, lastsMs = Number.POSITIVE_INFINITY): void {
    const ask = (redis: RedisClient, again: boolean) => {
      const keys: string[] = [];
      const words = [id, used, Number(again)];
      for (const { state, leases, interval, burst, reserved } of held) {
        keys.push(state, leases);
        words.push(interval, burst, reserved);
      }
      return this.#settle(redis, keys, words);
    };
    this.#tell({ ask, once: false, until: performance.now() + lastsMs, sent: false }, span);
  }

  /** A request is charged that went on without asking, or gets back what it was charged. */
  owe(owed: readonly Owed[], span: Span, lastsMs: number): void {
    const ask = (redis: RedisClient) =>
      this.#owe(
        redis,
        owed.map(({ state }) => state),
        owed.flatMap(({ interval, burst }) => [interval, burst]),
      );
    this.#tell({ ask, once: true, until: performance.now() + lastsMs, sent: false }, span);
  }

  #tell(telling: Telling, span: Span): void {
    const again = telling.sent;
    const ask = (redis: RedisClient) => {
      telling.sent = true;
      return telling.ask(redis, again);
    };
    this.#run(
      this.#redis.background(telling.once ? 'owe' : 'settle', ask, span).catch(() => {
        if (telling.once && telling.sent) return;
        // Places come back of themselves; what is lost past this many is the difference between reserved and used tokens.
        if (this.#untold.length < MAX_UNTOLD) this.#untold.push(telling);
      }),
    );
  }

  /** Tells what Redis has not heard of, if it is there. */
  tellAgain(): void {
    if (!this.#redis.up || this.#untold.length === 0) return;
    const untold = this.#untold;
    this.#untold = [];
    const now = performance.now();
    for (const telling of untold) if (telling.until > now) this.#tell(telling, NO_SPAN);
  }

  /** Resolves when Redis has been told all, or is away. */
  async close(): Promise<void> {
    await Promise.all(this.#running);
    this.tellAgain();
    await Promise.all(this.#running);
  }
}
