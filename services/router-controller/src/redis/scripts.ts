/**
 * Lua scripts that requests call. All calls of one turn of the event loop are one command: what the Redis client does for a
 * command costs the controller several times what a call's words do, and under load a turn holds the calls of many requests.
 */
import type { RedisClient } from './clients.ts';
import { atTurnsEnd } from './gather.ts';

/**
 * Calls a script.
 *
 * @param keys all with the hash tag of the others, as calls share a command: `KEYS` of the script.
 * @param args `ARGV` of the script; default: none.
 * @throws ReplyError where Redis or the script refuses it; other calls of the same command are not touched by that.
 */
export type Script<T> = (
  redis: RedisClient,
  keys: readonly string[],
  args?: readonly (string | number)[],
) => Promise<T>;

/** Most calls of a command: Redis does nothing else meanwhile. */
const MOST = 32;

interface Call {
  readonly script: number;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

interface Together {
  llmTogether(keys: number, ...words: (string | number)[]): Promise<unknown[]>;
}

export class Scripts {
  readonly #sources: string[] = [];
  /** By client, how many of the scripts its command knows. */
  readonly #known = new WeakMap<RedisClient, number>();
  #waiting: Call[] = [];
  /** Whom the waiting calls go to. */
  #client: RedisClient | null = null;

  /** @param source in Lua, with `KEYS` and `ARGV` of its own; what it answers is not nil. */
  add<T>(source: string): Script<T> {
    const script = this.#sources.push(source);
    return (redis, keys, args = []) =>
      new Promise<T>((resolve, reject) => this.#put(redis, { script, keys, args, resolve, reject }));
  }

  #put(client: RedisClient, call: Call): void {
    if (client !== this.#client || this.#waiting.length === MOST) this.#send();
    if (this.#waiting.length === 0) atTurnsEnd(this.#send);
    this.#client = client;
    this.#waiting.push(call);
  }

  readonly #send = (): void => {
    const calls = this.#waiting;
    if (calls.length === 0) return;
    this.#waiting = [];
    const client = this.#client!;
    this.#client = null;
    if (this.#known.get(client) !== this.#sources.length) {
      client.defineCommand('llmTogether', { lua: together(this.#sources) });
      this.#known.set(client, this.#sources.length);
    }
    const keys: string[] = [];
    const words: (string | number)[] = [calls.length];
    for (const { script, keys: own, args } of calls) {
      for (const key of own) keys.push(key);
      words.push(script, own.length, args.length);
      for (const arg of args) words.push(arg);
    }
    (client as unknown as Together).llmTogether(keys.length, ...keys, ...words).then(
      (answers) => {
        for (const [index, { resolve, reject }] of calls.entries()) {
          const answer = answers[index];
          if (answer instanceof Error) reject(answer);
          else resolve(answer as never);
        }
      },
      (error: Error) => {
        for (const { reject } of calls) reject(error);
      },
    );
  };
}

/**
 * KEYS: of all calls, one after the other. ARGV: how many calls, then of each: which script, how many keys, how many
 * arguments, and its arguments. Answer: that of each call, or its error.
 */
const together = (sources: readonly string[]): string => `
local all_keys, all_args = KEYS, ARGV
local scripts = {
${sources.map((source) => `function(KEYS, ARGV)\n${source}\nend`).join(',\n')}
}
local answers, key, arg = {}, 0, 1
for call = 1, tonumber(all_args[1]) do
  local script, keys, args = scripts[tonumber(all_args[arg + 1])], tonumber(all_args[arg + 2]), tonumber(all_args[arg + 3])
  arg = arg + 3
  local done, answer = pcall(script, {unpack(all_keys, key + 1, key + keys)}, {unpack(all_args, arg + 1, arg + args)})
  key, arg = key + keys, arg + args
  -- A table since Redis 7, a text before.
  if not done then answer = {err = type(answer) == 'table' and answer.err or tostring(answer)} end
  answers[call] = answer
end
return answers
`;
