/** The admin API, on a port and with a token of its own: keys in Redis, and everybody's usage. */
import { createHash, timingSafeEqual } from 'node:crypto';
import express, { type Express, type Request, type Response } from 'express';
import { FailureLimiter } from '../authenticate/failures.ts';
import { RedisKeys, type StoredKey } from '../authenticate/index.ts';
import { formatPath } from '../config/problems.ts';
import { keyRightsSchema } from '../config/schema-auth.ts';
import type { RouterConfig } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Logger, Metrics } from '../observe/index.ts';
import { RedisUnavailable, type SharedRedis } from '../redis/index.ts';
import { addressOf, trustProxies } from './address.ts';
import { errorHandler } from './errors.ts';
import { protect } from './protect.ts';
import { EVERYTHING, publicConfig } from './public-config.ts';
import { readUsageQuery } from './usage.ts';

export interface AdminDeps {
  readonly config: () => RouterConfig;
  readonly redis: SharedRedis | null;
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly log: Logger;
}

const BODY_BYTES = 64 * 1024;

/** A key as it is told: never its hash. */
const told = ({ hash: _hash, ...key }: StoredKey) => ({ object: 'key', ...key });

const digest = (text: string) => createHash('sha256').update(text).digest();

function checkToken({ config, metrics }: AdminDeps) {
  const failures = new FailureLimiter(config().file.auth.failures_per_minute);
  return (request: Request, _response: Response, next: () => void) => {
    const address = addressOf(request);
    // Before the token is looked at: people choose it, so it must not be guessed at speed.
    const refusal = failures.refusal(address);
    if (refusal) throw refusal;
    const given = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (timingSafeEqual(digest(given), digest(config().file.admin!.token))) return next();
    failures.note(address);
    metrics.authFailures.inc({ reason: given === '' ? 'missing' : 'unknown' });
    throw new RouterError('invalid_api_key', 'The admin API wants its token: `Authorization: Bearer TOKEN`');
  };
}

function keysOf({ redis, config }: AdminDeps): RedisKeys {
  if (redis && config().file.auth.keys_in_redis) return new RedisKeys(redis);
  throw new RouterError(
    'invalid_request',
    'Keys can be managed here only when they are kept in Redis: set auth.keys_in_redis and redis',
  );
}

function readRights(body: unknown, { table }: RouterConfig) {
  const parsed = keyRightsSchema.safeParse(body ?? {});
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new RouterError('invalid_request', `${formatPath(path) || 'body'}: ${message}`, {
      param: formatPath(path),
    });
  }
  for (const [field, known] of [
    ['policies', table.policies],
    ['targets', table.targets],
  ] as const) {
    const wrong = parsed.data[field]?.find((name) => !known.has(name));
    if (wrong !== undefined) {
      throw new RouterError(
        'invalid_request',
        `No ${field} named '${wrong}'; there are: ${[...known.keys()].join(', ')}`,
        {
          param: field,
        },
      );
    }
  }
  return parsed.data;
}

const noSuchKey = (id: string) => new RouterError('not_found', `No key with the id '${id}'`);

export function createAdminApp(deps: AdminDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  protect(app);
  trustProxies(app, () => deps.config().file.server.trusted_proxies);
  app.use(checkToken(deps));

  app.get('/admin/config', (_request, response) => {
    response.json(publicConfig(deps.config(), EVERYTHING, true));
  });
  app.get('/admin/keys', async (_request, response) => {
    response.json({ object: 'list', data: (await keysOf(deps).list()).map(told) });
  });
  app.post(
    '/admin/keys',
    express.json({ limit: BODY_BYTES, type: () => true }),
    async (request, response) => {
      const { key, stored } = await keysOf(deps).create(readRights(request.body, deps.config()));
      deps.log.info('key created', { key_id: stored.id, tenant: stored.tenant });
      response.status(201).json({ ...told(stored), key, note: 'the key is shown this once' });
    },
  );
  app.get('/admin/keys/:id', async (request, response) => {
    const stored = await keysOf(deps).get(request.params.id);
    if (!stored) throw noSuchKey(request.params.id);
    response.json(told(stored));
  });
  app.post('/admin/keys/:id/rotate', async (request, response) => {
    const rotated = await keysOf(deps).rotate(request.params.id);
    if (!rotated) throw noSuchKey(request.params.id);
    deps.log.info('key rotated', { key_id: rotated.stored.id });
    response.json({
      ...told(rotated.stored),
      key: rotated.key,
      note: 'the key is shown this once; the old one ends',
    });
  });
  app.delete('/admin/keys/:id', async (request, response) => {
    if (!(await keysOf(deps).revoke(request.params.id))) throw noSuchKey(request.params.id);
    deps.log.info('key revoked', { key_id: request.params.id });
    response.json({ object: 'key', id: request.params.id, deleted: true });
  });
  app.get('/admin/usage', async (request, response) => {
    const { id, ...query } = request.query;
    if (typeof id !== 'string' || id === '')
      throw new RouterError('invalid_request', 'id is missing: whose usage? A key’s id or a tenant', {
        param: 'id',
      });
    const { days, scope } = readUsageQuery(query);
    const { ledger } = deps;
    response.json({
      object: 'usage',
      scope,
      id,
      store: ledger.store,
      ...(await ledger.usage.report(scope, id, days)),
    });
  });
  app.use((request: Request) => {
    throw new RouterError(
      'not_found',
      `No such path: ${request.method} ${request.path}. There are /admin/keys, /admin/keys/ID, /admin/keys/ID/rotate and /admin/usage`,
    );
  });
  app.use((raised: unknown, _request: Request, _response: Response, next: (error: unknown) => void) => {
    next(
      raised instanceof RedisUnavailable
        ? new RouterError('auth_unavailable', 'Redis is away; try again shortly', {
            headers: { 'retry-after': '1' },
          })
        : raised,
    );
  });
  app.use(errorHandler(deps.log));
  return app;
}
