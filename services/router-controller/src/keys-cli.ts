/**
 * `npm run keys -- create|list|rotate|revoke …`: keys of those who call.
 *
 * Without --config, `create` prints a key and the lines of configuration that let it in. With --config FILE, whose
 * `redis` section says where, keys are kept in Redis, and all commands work there. A key is shown once and kept nowhere.
 */
import { parseArgs } from 'node:util';
import { dump } from 'js-yaml';
import { hashKey, newKey, newKeyId, RedisKeys, type StoredKey } from './authenticate/index.ts';
import { ConfigError, loadConfig } from './config/index.ts';
import { formatPath } from './config/problems.ts';
import { type KeyRights, keyRightsSchema } from './config/schema-auth.ts';
import { createLog, createMetrics } from './observe/index.ts';
import { createRedis } from './redis/index.ts';

const HELP = `keys create [--name TEXT] [--tenant NAME] [--policies A,B] [--targets A,B] [--expires TIME]
            [--rpm N] [--tpm N] [--concurrent N] [--budget-usd N | --budget-tokens N] [--budget-period day|month]
            [--config FILE]
keys list            --config FILE
keys rotate ID       --config FILE
keys revoke ID       --config FILE

Without --config, create prints what to put into the configuration file. With it, keys live in the Redis that the file
names (auth.keys_in_redis: true makes the router take them). TIME is a date, or a number of days such as 90d.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: 'string' },
    name: { type: 'string' },
    tenant: { type: 'string' },
    policies: { type: 'string' },
    targets: { type: 'string' },
    expires: { type: 'string' },
    rpm: { type: 'string' },
    tpm: { type: 'string' },
    concurrent: { type: 'string' },
    'budget-usd': { type: 'string' },
    'budget-tokens': { type: 'string' },
    'budget-period': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

const DAY_MS = 86_400_000;

function expiry(text: string): string {
  const days = /^([1-9][0-9]*)d$/.exec(text);
  const time = days ? Date.now() + Number(days[1]) * DAY_MS : Date.parse(text);
  if (Number.isNaN(time))
    fail(`--expires wants a date such as 2027-01-31, or days such as 90d, not '${text}'`);
  if (time <= Date.now()) fail(`--expires ${text} is in the past`);
  return new Date(time).toISOString();
}

const list = (text: string) => text.split(',').map((part) => part.trim());

function rights(): KeyRights {
  const { name, tenant, policies, targets, expires, rpm, tpm, concurrent } = values;
  const { 'budget-usd': usd, 'budget-tokens': tokens, 'budget-period': period = 'month' } = values;
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const defined = (object: object) =>
    Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
  const limits = defined({
    requests_per_minute: number(rpm),
    tokens_per_minute: number(tpm),
    concurrent: number(concurrent),
  });
  const given = defined({
    name,
    tenant,
    policies: policies && list(policies),
    targets: targets && list(targets),
    expires: expires && expiry(expires),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...((usd ?? tokens) !== undefined && {
      budget: defined({ period, usd: number(usd), tokens: number(tokens) }),
    }),
  });
  const parsed = keyRightsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  return fail(parsed.error.issues.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('\n'));
}

function printKey(key: string, id: string): void {
  console.log(`key  ${key}\nid   ${id}\n\nThe key is shown this once; only its hash is kept.`);
}

/** Only what was given: defaults would be noise in the file. */
function stanza(id: string, hash: string, given: KeyRights): string {
  const { tenant, ...rest } = given;
  const entry = JSON.parse(JSON.stringify({ id, hash, ...(tenant !== 'default' && { tenant }), ...rest }));
  return dump({ auth: { keys: [entry] } }, { lineWidth: -1 });
}

async function inRedis<T>(file: string, run: (keys: RedisKeys, names: Names) => Promise<T>): Promise<T> {
  // As the router reads it: with stand-ins, a file needs no keys of upstreams.
  const standInUrl = process.env.LLM_ROUTER_STAND_IN_URL;
  const config = await loadConfig(file, standInUrl ? { overrides: { standInUrl } } : {});
  if (!config.file.redis) fail(`${file} has no \`redis\` section, so there is no place to keep keys`);
  if (!config.file.auth.keys_in_redis)
    console.error(`note: the router takes these keys once ${file} says auth.keys_in_redis: true`);
  const redis = createRedis(config.file.redis, createMetrics(), createLog({ level: 'error' }))!;
  try {
    if (!(await redis.ready(5_000))) fail('Redis does not answer; see the line above');
    return await run(new RedisKeys(redis), config.table);
  } finally {
    await redis.close();
  }
}

interface Names {
  readonly policies: ReadonlyMap<string, unknown>;
  readonly targets: ReadonlyMap<string, unknown>;
}

function checkNames(given: KeyRights, known: Names): void {
  for (const field of ['policies', 'targets'] as const) {
    const wrong = given[field]?.find((name) => !known[field].has(name));
    if (wrong !== undefined)
      fail(`no ${field} named '${wrong}'; there are: ${[...known[field].keys()].join(', ')}`);
  }
}

function table(keys: readonly StoredKey[]): void {
  const rows = [
    ['ID', 'TENANT', 'NAME', 'POLICIES', 'CREATED', 'EXPIRES'],
    ...keys.map(({ id, tenant, name, policies, created, expires }) => [
      id,
      tenant,
      name ?? '',
      policies?.join(',') ?? 'all',
      created?.slice(0, 10) ?? '',
      expires?.slice(0, 10) ?? 'never',
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}

async function main(): Promise<void> {
  const [command, id] = positionals;
  const { config } = values;
  if (values.help || command === undefined) return console.log(HELP);
  if (command === 'create') {
    const given = rights();
    if (config === undefined) {
      const [key, keyId] = [newKey(), newKeyId()];
      printKey(key, keyId);
      console.log(`\nPut this into the configuration file:\n\n${stanza(keyId, hashKey(key), given)}`);
      return;
    }
    const { key, stored } = await inRedis(config, (keys, names) => {
      checkNames(given, names);
      return keys.create(given);
    });
    return printKey(key, stored.id);
  }
  if (!['list', 'rotate', 'revoke'].includes(command)) fail(`no command '${command}'\n\n${HELP}`);
  if (config === undefined)
    fail(
      `keys ${command} needs --config FILE, whose Redis holds the keys; keys of a file are changed in the file`,
    );
  if (command === 'list') return table(await inRedis(config, (keys) => keys.list()));
  if (id === undefined) fail(`keys ${command} needs the id of a key; keys list tells them`);
  if (command === 'rotate') {
    const rotated = await inRedis(config, (keys) => keys.rotate(id));
    if (!rotated) fail(`no key with the id '${id}'`);
    return printKey(rotated.key, rotated.stored.id);
  }
  if (!(await inRedis(config, (keys) => keys.revoke(id)))) fail(`no key with the id '${id}'`);
  console.log(`revoked ${id}; replicas refuse it within five seconds`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  fail(error.message);
}
