/**
 * Whether a Redis is of use, found out by doing what requests do: a script that writes a key of each kind that limits and
 * usage need. A PING is answered by a full Redis, by a replica and to a user who may do nothing.
 */
import { once } from 'node:events';
import { type RedisClient, reasonOf } from './clients.ts';
import { TimeLimit, within } from './within.ts';

/** `up`: takes what requests write. `reads`: answers, but takes no writes. `away`: of no use. */
export type State = 'up' | 'reads' | 'away';

export interface Verdict {
  readonly state: State;
  /** What it failed with; empty when it is up. */
  readonly problem: string;
  /** It is connected, so waiting for the library to connect changes nothing. */
  readonly connected: boolean;
}

/** A probe may take longer than a request's call: nobody waits for it. */
const PROBE_WAIT_MS = 1_000;
const KEEP_MS = 10_000;

/** Every command that the router's scripts use: a right that is missing must show here, not when a request needs it. */
export const PROBE = `
local key, value, ttl = KEYS[1], ARGV[1], ARGV[2]
local hash, set, list = key .. ':h', key .. ':z', key .. ':l'
redis.call('TIME')
redis.call('SET', key, value, 'PX', ttl)
redis.call('HSET', hash, 'at', value)
redis.call('HINCRBY', hash, 'count', 1)
redis.call('HGET', hash, 'at')
redis.call('HMGET', hash, 'at', 'count')
redis.call('HDEL', hash, 'at')
redis.call('EXPIRE', hash, 10)
redis.call('PEXPIRE', hash, ttl)
redis.call('ZADD', set, 1, value)
redis.call('ZREMRANGEBYSCORE', set, '-inf', '(1')
redis.call('ZRANGEBYSCORE', set, 1, 1, 'LIMIT', 0, 1)
redis.call('ZCARD', set)
redis.call('ZSCORE', set, value)
redis.call('ZREM', set, value)
redis.call('LPUSH', list, value)
redis.call('LTRIM', list, 0, 0)
redis.call('PEXPIRE', list, ttl)
redis.call('PTTL', hash)
return redis.call('GET', key)
`;

interface Probing {
  llmProbe(keys: 1, key: string, value: string, ttlMs: number): Promise<string>;
}

/** Answers with which a server says that it takes no writes now, though it could be read. */
const NO_WRITES = /\b(OOM|MISCONF|NOREPLICAS)\b/;
/** Answers that tell a state of the server or of the user, not of one command: the next call would get the same. */
const NO_USE =
  /\b(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|NOPERM|NOAUTH|WRONGPASS)\b|The user executing the script can't/;
/** What new credentials might mend. */
export const CREDENTIALS =
  /\b(NOPERM|NOAUTH|WRONGPASS|invalid password)\b|executing the script|certificate|self-signed|tls|ssl/i;

/** What an error says about the server; null: nothing beyond the call that met it. */
export function stateOf(error: unknown): Exclude<State, 'up'> | null {
  if (error instanceof TimeLimit) return null;
  const { message } = error as Error;
  if (NO_WRITES.test(message)) return 'reads';
  return NO_USE.test(message) ? 'away' : null;
}

/** The problem, and what the operator can do about it where that is known. */
export function explain(problem: string): string {
  // Redis 7.0 says a missing right without that word where a script meets it.
  if (/\bNOPERM\b|The user executing the script can't/.test(problem))
    return `${problem} (docs/security.md lists the rights that the user needs)`;
  if (/\bOOM\b/.test(problem)) return `${problem} (Redis is full: give it memory)`;
  if (/\bREADONLY\b/.test(problem)) return `${problem} (it is a replica)`;
  return problem;
}

async function connected(client: RedisClient): Promise<void> {
  if (client.status === 'ready') return;
  const enough = new AbortController();
  try {
    await within(PROBE_WAIT_MS, once(client, 'ready', { signal: enough.signal }));
  } finally {
    enough.abort();
  }
}

/**
 * @param key what it may write under.
 * @param lastError what the client met last, which says more than that it does not connect.
 */
export async function probe(
  client: RedisClient,
  key: string,
  lastError: () => Error | undefined,
): Promise<Verdict> {
  try {
    await connected(client);
  } catch (error) {
    const why = error instanceof TimeLimit ? (lastError() ?? error) : error;
    return { state: 'away', problem: explain(reasonOf(why)), connected: false };
  }
  // Twice: a machine that was busy for a second is no Redis that is away.
  for (const last of [false, true]) {
    try {
      const value = `${Math.random()}`;
      await within(PROBE_WAIT_MS, (client as unknown as Probing).llmProbe(1, key, value, KEEP_MS));
      return { state: 'up', problem: '', connected: true };
    } catch (error) {
      if (error instanceof TimeLimit && !last) continue;
      const problem = explain(reasonOf(error));
      const state = stateOf(error) ?? 'away';
      return { state, problem, connected: client.status === 'ready' };
    }
  }
  throw new Error('not reached');
}
