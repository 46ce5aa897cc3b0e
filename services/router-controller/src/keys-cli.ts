/**
 * `npm run keys -- create|list|update|rotate|disable|enable|revoke|audit …`: keys of those who call.
 *
 * Without --config, `create` prints a key and the lines of configuration that let it in. With --config FILE, whose
 * `redis` section says where, keys are kept in Redis, and all commands work there; for a key of the file itself they print
 * what to write. A key is shown once and kept nowhere.
 */
import {
  type Changed,
  hashKey,
  livingSecrets,
  newKey,
  newKeyId,
  type RedisKeys,
  type StoredKey,
  TooManySecrets,
} from './authenticate/index.ts';
import { ConfigError } from './config/index.ts';
import { keyRightsSchema } from './config/schema-auth.ts';
import {
  changedRights,
  checkOptions,
  fail,
  graceEnd,
  HELP,
  newRights,
  positionals,
  unable,
  values,
} from './keys-cli/options.ts';
import { actor, checkNames, inRedis, type Places, placesOf } from './keys-cli/places.ts';
import { entryOf, printAudit, printJson, printKey, printKeys, stanza } from './keys-cli/print.ts';

const WITH_ID = ['update', 'rotate', 'end-overlap', 'disable', 'enable', 'revoke'];
const COMMANDS = ['create', 'list', 'audit', ...WITH_ID];

/** The changed key of the file, for the file. */
function changedInFile(
  command: string,
  key: StoredKey,
  { config }: Places,
): { key: StoredKey; secret?: string } {
  const { previous: _previous, ...rest } = key;
  switch (command) {
    case 'update': {
      const fields = changedRights(key);
      checkNames(fields, config);
      const left = Object.fromEntries(
        Object.entries({ ...key, ...fields }).filter(([, value]) => value !== null),
      );
      return { key: left as unknown as StoredKey };
    }
    case 'rotate': {
      const secret = newKey();
      const until = graceEnd();
      const previous =
        until === null ? [] : [{ hash: key.hash, until: until.toISOString() }, ...livingSecrets(key)];
      return { key: { ...rest, hash: hashKey(secret), ...(previous.length > 0 && { previous }) }, secret };
    }
    case 'end-overlap':
      return { key: rest };
    case 'enable': {
      const { disabled: _disabled, ...enabled } = key;
      return { key: enabled };
    }
    default:
      return { key: { ...key, disabled: true } };
  }
}

function inFile(command: string, id: string, places: Places): void {
  const { path } = places.config;
  if (command === 'revoke') {
    if (printJson({ id, file: path, take_out: true })) return;
    console.log(
      `The key '${id}' stands in ${path}: take its entry out of auth.keys there; the router reads it by itself.`,
    );
    return;
  }
  const { key, secret } = changedInFile(command, places.inFile.get(id)!, places);
  if (printJson({ ...(secret !== undefined && { key: secret }), id, file: path, put: entryOf(key) })) return;
  if (secret !== undefined) printKey(secret, id);
  console.log(`\nIn ${path}, put this in place of the entry '${id}':\n\n${stanza(key)}`);
}

async function changed(
  command: string,
  id: string,
  keys: RedisKeys,
  places: Places,
): Promise<Changed | null> {
  switch (command) {
    case 'update': {
      const before = await keys.get(id);
      if (!before) return null;
      const fields = changedRights(before);
      checkNames(
        keyRightsSchema
          .partial()
          .parse(Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== null))),
        places.config,
      );
      return keys.change(id, fields, actor());
    }
    case 'disable':
      return keys.change(id, { disabled: true }, actor());
    case 'enable':
      return keys.change(id, { disabled: null }, actor());
    case 'end-overlap':
      return keys.endOverlap(id, actor());
    case 'revoke':
      return keys.revoke(id, actor());
    default: {
      const rotated = await keys.rotate(id, graceEnd(), actor());
      if (rotated && !values.json) printKey(rotated.key, id);
      return rotated;
    }
  }
}

async function create(): Promise<void> {
  const rights = newRights();
  if (values.config === undefined) {
    const [key, id] = [newKey(), newKeyId()];
    const stored = { ...rights, id, hash: hashKey(key) };
    if (printJson({ key, id, put: entryOf(stored) })) return;
    printKey(key, id);
    console.log(`\nPut this into the configuration file:\n\n${stanza(stored)}`);
    return;
  }
  const places = await placesOf(values.config);
  checkNames(rights, places.config);
  const { key, stored } = await inRedis(places, (keys) =>
    keys.create(rights, actor(), (id) => places.inFile.has(id)),
  );
  printKey(key, stored.id);
}

async function main(): Promise<void> {
  const [command, id, ...more] = positionals;
  if (values.help || command === undefined) return console.log(HELP);
  if (!COMMANDS.includes(command)) fail(`no command '${command}'\n\n${HELP}`);
  checkOptions(command);
  const takesId = WITH_ID.includes(command) || command === 'audit';
  const extra = takesId ? more[0] : id;
  if (extra !== undefined) fail(`keys ${command}: what is '${extra}'?\n\n${HELP}`);
  if (command === 'create') return create();
  if (values.config === undefined) fail(`keys ${command} needs --config FILE, which says where the keys are`);
  const places = await placesOf(values.config);
  if (command === 'list') {
    const { redis, auth } = places.config.file;
    const shared =
      redis && (auth.keys_in_redis || auth.keys.length === 0)
        ? await inRedis(places, (keys) => keys.list())
        : [];
    return printKeys(places.inFile.list(), shared);
  }
  if (command === 'audit') {
    const limit = Number(values.limit ?? 50);
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
      fail('--limit wants a whole number from 1 to 10000');
    return printAudit(await inRedis(places, (keys) => keys.audit(limit, id)));
  }
  if (id === undefined) fail(`keys ${command} needs the id of a key; keys list tells them`);
  if (places.inFile.has(id)) return inFile(command, id, places);
  const done = await inRedis(places, (keys) => changed(command, id, keys, places));
  if (!done) fail(`no key with the id '${id}'`);
  if (
    printJson({
      ...('key' in done && { key: done.key }),
      id,
      action: done.entry.action,
      old_secrets_until: livingSecrets(done.stored).map(({ until }) => until),
      in_force_within_ms: places.config.file.auth.keys_fresh_ms,
    })
  )
    return;
  const old = livingSecrets(done.stored).map(({ until }) => until);
  const grace = command === 'rotate' && old.length > 0 ? `; the old secret is good until ${old[0]}` : '';
  console.log(
    `${done.entry.action} ${id}${grace}; replicas go by it within ${places.config.file.auth.keys_fresh_ms / 1_000} s`,
  );
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof TooManySecrets)) throw error;
  unable(error.message);
}
