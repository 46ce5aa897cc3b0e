/** Where keys are: in the configuration file, and in the Redis that it names. */
import { userInfo } from 'node:os';
import { type Actor, ConfiguredKeys, RedisKeys } from '../authenticate/index.ts';
import { loadConfig, type RouterConfig } from '../config/index.ts';
import type { KeyRights } from '../config/schema-auth.ts';
import { createMetrics, type Logger, secrets } from '../observe/index.ts';
import { createRedis } from '../redis/index.ts';
import { fail, unable, values } from './options.ts';

export interface Places {
  readonly config: RouterConfig;
  readonly inFile: ConfiguredKeys;
}

export async function placesOf(file: string): Promise<Places> {
  // As the router reads it: with stand-ins, a file needs no keys of upstreams.
  const standInUrl = process.env.LLM_ROUTER_STAND_IN_URL;
  const config = await loadConfig(file, standInUrl ? { overrides: { standInUrl } } : {});
  return { config, inFile: new ConfiguredKeys(config.file.auth.keys) };
}

export async function inRedis<T>({ config }: Places, run: (keys: RedisKeys) => Promise<T>): Promise<T> {
  const { path, file } = config;
  if (!file.redis) fail(`${path} has no \`redis\` section, so there is no place to keep keys`);
  if (!file.auth.keys_in_redis)
    console.error(`note: the router takes these keys once ${path} says auth.keys_in_redis: true`);
  let problem = 'no answer';
  const heard = (_message: string, fields?: { problem?: string }) => {
    problem = fields?.problem ?? problem;
  };
  const log = { info: () => {}, debug: () => {}, warn: heard, error: heard } as unknown as Logger;
  // What Redis says of a failed call may hold what was sent.
  secrets.know(
    config,
    config.secrets.map(({ value }) => value.reveal()),
  );
  const redis = createRedis(file.redis, createMetrics(), log)!;
  try {
    if (!(await redis.ready(5_000)))
      unable(
        `the Redis of ${path} can’t be used: ${secrets.text(problem)}; look at its redis section: address, user, password, TLS, rights`,
      );
    return await run(new RedisKeys(redis));
  } finally {
    await redis.close();
  }
}

/** Who is at the keyboard, as far as the machine knows. */
export function actor(): Actor {
  const { by } = values;
  if (by !== undefined && !/^[A-Za-z0-9_.@-]{1,64}$/.test(by))
    fail(`--by wants a name of letters, digits and _.@-, not '${by}'`);
  try {
    return { by: `cli:${by ?? userInfo().username}` };
  } catch {
    // A user id without a name, as in a container.
    return { by: `cli:${by ?? process.getuid?.() ?? 'unknown'}` };
  }
}

type Names = Partial<Pick<KeyRights, 'policies' | 'targets'>>;

export function checkNames(given: Names, { table }: RouterConfig): void {
  for (const field of ['policies', 'targets'] as const) {
    const wrong = given[field]?.find((name) => !table[field].has(name));
    if (wrong !== undefined)
      fail(`no ${field} named '${wrong}'; there are: ${[...table[field].keys()].join(', ')}`);
  }
}
