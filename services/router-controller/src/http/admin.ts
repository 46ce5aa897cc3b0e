/** The admin API, on a port and with tokens of its own: keys in Redis, who changed them, and everybody's usage. */
import express, { type Express, type Request, type Response } from 'express';
import type { RouterConfig } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Logger, Metrics } from '../observe/index.ts';
import { RedisUnavailable, type SharedRedis } from '../redis/index.ts';
import { VERSION } from '../version.ts';
import { trustProxies } from './address.ts';
import { addHolderRoutes } from './admin/holders.ts';
import { checkToken } from './admin/identity.ts';
import { addKeyRoutes } from './admin/keys.ts';
import { addPageRoutes } from './admin/page.ts';
import { errorHandler } from './errors.ts';
import { ADMIN_OPERATIONS, adminApi } from './openapi/admin.ts';
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

const PATHS = ADMIN_OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`).join(', ');

export function createAdminApp(deps: AdminDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  protect(app);
  trustProxies(app, () => deps.config().file.server.trusted_proxies);
  addPageRoutes(app);
  app.get('/admin/openapi.json', (_request, response) => {
    response.json(adminApi(VERSION));
  });
  app.use(checkToken(deps));
  // Bodies of calls that want none are read, too: what is not understood must not be passed over.
  app.use(express.json({ limit: BODY_BYTES, type: () => true }));

  app.get('/admin/config', (_request, response) => {
    response.json(publicConfig(deps.config(), EVERYTHING, true));
  });
  addKeyRoutes(app, deps);
  addHolderRoutes(app, deps);
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
    throw new RouterError('not_found', `No such path: ${request.method} ${request.path}. There are ${PATHS}`);
  });
  app.use((raised: unknown, _request: Request, _response: Response, next: (error: unknown) => void) => {
    next(
      raised instanceof RedisUnavailable
        ? new RouterError('auth_unavailable', `${raised.message.replace(/^\w+: /, '')}; try again shortly`, {
            headers: { 'retry-after': '1' },
          })
        : raised,
    );
  });
  app.use(errorHandler(deps.log));
  return app;
}
