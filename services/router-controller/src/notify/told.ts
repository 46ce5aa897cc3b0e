/** Which replica tells: in Redis the last state told of each thing, so that of many replicas that see it one speaks. */
import { createHash } from 'node:crypto';
import { RedisUnavailable, type SharedRedis } from '../redis/index.ts';

/** KEYS: the thing. ARGV: its state, how long it is remembered in ms. Answer: 1 where nobody has told this state last. */
const TELL = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

interface Scripts {
  llmTell(keys: number, key: string, state: string, ms: number): Promise<number>;
}

/** mine: this replica tells it; others: another has; alone: nobody could be asked. */
export type Claim = 'mine' | 'others' | 'alone';

export class Told {
  readonly #redis: SharedRedis | null;

  constructor(redis: SharedRedis | null) {
    this.#redis = redis;
    redis?.define('llmTell', TELL);
  }

  /** @param rememberMs how long the state counts as told. Never rejects, and waits for Redis two seconds at most. */
  async claim(subject: string, state: string, rememberMs: number): Promise<Claim> {
    if (!this.#redis?.up) return 'alone';
    const key = `${this.#redis.prefix}:notice:${createHash('sha256').update(subject).digest('base64url')}`;
    try {
      const mine = await this.#redis.background('tell', (redis) =>
        (redis as unknown as Scripts).llmTell(1, key, state, rememberMs),
      );
      return mine === 1 ? 'mine' : 'others';
    } catch (error) {
      if (error instanceof RedisUnavailable) return 'alone';
      throw error;
    }
  }
}
