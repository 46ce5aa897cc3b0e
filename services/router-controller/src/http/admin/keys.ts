/** Keys by HTTP: those in Redis are made and changed here, those of the configuration are told. */
import type { Express, Request } from 'express';
import {
  type AuditEntry,
  type Changed,
  ConfiguredKeys,
  RedisKeys,
  TooManySecrets,
  toldKey,
} from '../../authenticate/index.ts';
import { keyRightsSchema } from '../../config/schema-auth.ts';
import type { RouterConfig } from '../../config/types.ts';
import { RouterError } from '../../errors.ts';
import type { Logger } from '../../observe/index.ts';
import type { SharedRedis } from '../../redis/index.ts';
import { actorOf } from './identity.ts';
import { checkNames, checkQuery, endOf, keyChange, nothing, readBody, rotation } from './read.ts';

export interface KeysDeps {
  readonly config: () => RouterConfig;
  readonly redis: SharedRedis | null;
  readonly log: Logger;
}

const MAX_AUDIT = 1_000;

const noSuchKey = (id: string) => new RouterError('not_found', `No key with the id '${id}'`);

export function addKeyRoutes(app: Express, { config, redis, log }: KeysDeps): void {
  let made: RedisKeys | null = null;
  const isShared = () => redis !== null && config().file.auth.keys_in_redis;
  const configured = () => new ConfiguredKeys(config().file.auth.keys);
  const shared = (): RedisKeys => {
    if (redis && isShared()) {
      made ??= new RedisKeys(redis);
      return made;
    }
    throw new RouterError(
      'invalid_request',
      'Keys can be managed here only when they are kept in Redis: set auth.keys_in_redis and redis',
    );
  };
  /** The id of a key that may be changed here. */
  const idOf = (request: Request): string => {
    const id = String(request.params.id);
    if (!configured().has(id)) return id;
    throw new RouterError(
      'invalid_request',
      `The key '${id}' stands in the configuration file, and is changed there: \`npm run keys -- rotate|update|disable ${id} --config FILE\` prints what to write`,
    );
  };
  const note = (entry: AuditEntry) => log.info(`key ${entry.action}`, { audit: true, ...entry });
  const done = (id: string, changed: Changed | null): Changed => {
    if (!changed) throw noSuchKey(id);
    note(changed.entry);
    return changed;
  };

  app.get('/admin/keys', async (request, response) => {
    checkQuery(request, []);
    const inFile = configured();
    const inRedis = isShared() ? await shared().list() : [];
    response.json({
      object: 'list',
      data: [
        ...inFile.list().map((key) => ({ ...toldKey(key), store: 'file' })),
        ...inRedis.map((key) => ({
          ...toldKey(key),
          store: 'redis',
          ...(inFile.has(key.id) && { refused: 'a key of the configuration file has the same id' }),
        })),
      ],
    });
  });
  app.post('/admin/keys', async (request, response) => {
    checkQuery(request, []);
    const rights = readBody(request, keyRightsSchema);
    checkNames(rights, config());
    const inFile = configured();
    const { key, stored, entry } = await shared().create(rights, actorOf(response), (id) => inFile.has(id));
    note(entry);
    response.status(201).json({ ...toldKey(stored), key, note: 'the key is shown this once' });
  });
  app.get('/admin/keys/:id', async (request, response) => {
    checkQuery(request, []);
    const { id } = request.params;
    const inFile = configured().get(id);
    const stored = inFile ?? (isShared() ? await shared().get(id) : null);
    if (!stored) throw noSuchKey(id);
    response.json({ ...toldKey(stored), store: inFile ? 'file' : 'redis' });
  });
  app.patch('/admin/keys/:id', async (request, response) => {
    checkQuery(request, []);
    const fields = readBody(request, keyChange);
    checkNames(fields, config());
    const id = idOf(request);
    response.json(toldKey(done(id, await shared().change(id, fields, actorOf(response))).stored));
  });
  for (const [path, disabled] of [
    ['disable', true],
    ['enable', null],
  ] as const) {
    app.post(`/admin/keys/:id/${path}`, async (request, response) => {
      checkQuery(request, []);
      readBody(request, nothing);
      const id = idOf(request);
      response.json(toldKey(done(id, await shared().change(id, { disabled }, actorOf(response))).stored));
    });
  }
  app.post('/admin/keys/:id/rotate', async (request, response) => {
    checkQuery(request, []);
    const end = endOf(readBody(request, rotation));
    const id = idOf(request);
    const rotated = await shared()
      .rotate(id, end, actorOf(response))
      .catch((error) => {
        throw error instanceof TooManySecrets ? new RouterError('invalid_request', error.message) : error;
      });
    const { stored } = done(id, rotated);
    response.json({
      ...toldKey(stored),
      key: rotated!.key,
      note: `the key is shown this once; the old one ${end === null ? 'ends now' : `is good until ${end.toISOString()}`}`,
    });
  });
  app.post('/admin/keys/:id/end-overlap', async (request, response) => {
    checkQuery(request, []);
    readBody(request, nothing);
    const id = idOf(request);
    response.json(toldKey(done(id, await shared().endOverlap(id, actorOf(response))).stored));
  });
  app.delete('/admin/keys/:id', async (request, response) => {
    checkQuery(request, []);
    readBody(request, nothing);
    const id = idOf(request);
    done(id, await shared().revoke(id, actorOf(response)));
    response.json({ object: 'key', id, deleted: true });
  });
  app.get('/admin/audit', async (request, response) => {
    checkQuery(request, ['limit', 'key_id']);
    const { limit = '100', key_id } = request.query;
    if (typeof limit !== 'string' || !/^[1-9][0-9]{0,3}$/.test(limit) || Number(limit) > MAX_AUDIT)
      throw new RouterError('invalid_request', `limit must be a whole number from 1 to ${MAX_AUDIT}`, {
        param: 'limit',
      });
    if (key_id !== undefined && typeof key_id !== 'string')
      throw new RouterError('invalid_request', 'key_id must be one id', { param: 'key_id' });
    response.json({ object: 'list', data: await shared().audit(Number(limit), key_id) });
  });
}
