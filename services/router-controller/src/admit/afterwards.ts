/** What Redis is told after a request: no request waits for it, and none of it is lost while Redis is away for a while. */
import { NO_SPAN, type Span } from '../observe/index.ts';
import type { RedisClient, SharedRedis } from '../redis/index.ts';
import type { Held } from './held.ts';
import { OWE, SETTLE } from './lua.ts';

const MAX_UNTOLD = 100_000;

interface Scripts {
  llmSettle(keys: number, ...rest: (string | number)[]): Promise<number>;
  llmOwe(keys: number, ...rest: (string | number)[]): Promise<number>;
}
const scripts = (redis: RedisClient) => redis as unknown as Scripts;

interface End {
  readonly id: string;
  readonly held: readonly Held[];
  readonly used: number;
}

interface Telling extends End {
  /** It was sent, and may have been done. */
  sent: boolean;
}

export class Afterwards {
  readonly #redis: SharedRedis;
  readonly #running = new Set<Promise<unknown>>();
  /** Ends that Redis has not heard of; it is told when it is back. */
  #untold: Telling[] = [];

  constructor(redis: SharedRedis) {
    this.#redis = redis;
    redis.define('llmSettle', SETTLE);
    redis.define('llmOwe', OWE);
  }

  #run(call: Promise<unknown>): void {
    const running = call.finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** A request has ended, and gives back what it held. @param span of the request. */
  end(end: End, span: Span): void {
    this.#tell({ ...end, sent: false }, span);
  }

  #tell(telling: Telling, span: Span): void {
    const { id, held, used } = telling;
    const again = Number(telling.sent);
    const ask = (redis: RedisClient) => {
      telling.sent = true;
      return scripts(redis).llmSettle(
        held.length * 2,
        ...held.flatMap(({ state, leases }) => [state, leases]),
        id,
        used,
        again,
        ...held.flatMap(({ interval, reserved }) => [interval, reserved]),
      );
    };
    this.#run(
      this.#redis.background('settle', ask, span).catch(() => {
        // Places come back of themselves; what is lost past this many is the difference between reserved and used tokens.
        if (this.#untold.length < MAX_UNTOLD) this.#untold.push(telling);
      }),
    );
  }

  /** A request is charged that went on without asking. One that Redis does not hear of now is let off. */
  owe(owed: readonly { readonly state: string; readonly interval: number }[], span: Span): void {
    const ask = (redis: RedisClient) =>
      scripts(redis).llmOwe(
        owed.length,
        ...owed.map(({ state }) => state),
        ...owed.map(({ interval }) => interval),
      );
    this.#run(this.#redis.background('owe', ask, span).catch(() => {}));
  }

  /** Tells what Redis has not heard of, if it is there. */
  tellAgain(): void {
    if (!this.#redis.up || this.#untold.length === 0) return;
    const untold = this.#untold;
    this.#untold = [];
    for (const telling of untold) this.#tell(telling, NO_SPAN);
  }

  /** Resolves when Redis has been told all, or is away. */
  async close(): Promise<void> {
    await Promise.all(this.#running);
    this.tellAgain();
    await Promise.all(this.#running);
  }
}
