/** Who uses the router: the administrator, tenants with what they used, and where budgets stand. */
import type { Express, Request, Response } from 'express';
import { ConfiguredKeys, RedisKeys, type StoredKey } from '../../authenticate/index.ts';
import type { RouterConfig } from '../../config/types.ts';
import { RouterError } from '../../errors.ts';
import type { BudgetHolder, Ledger } from '../../ledger/index.ts';
import type { SharedRedis } from '../../redis/index.ts';
import { readUsageQuery } from '../usage.ts';
import { mayChange, nameOf } from './identity.ts';
import { checkQuery } from './read.ts';

export interface HoldersDeps {
  readonly config: () => RouterConfig;
  readonly redis: SharedRedis | null;
  readonly ledger: Ledger;
}

/** Tenants that one answer tells of. */
const MOST_TENANTS = 1_000;
/** No key and no tenant has this name: budgets of all callers and of policies are asked for by it. */
const NOBODY = '';

export function addHolderRoutes(app: Express, { config, redis, ledger }: HoldersDeps): void {
  let made: RedisKeys | null = null;
  const keys = async (): Promise<StoredKey[]> => {
    const { auth } = config().file;
    const inFile = new ConfiguredKeys(auth.keys).list();
    if (!redis || !auth.keys_in_redis) return [...inFile];
    made ??= new RedisKeys(redis);
    return [...inFile, ...(await made.list())];
  };

  app.get('/admin/me', (request, response) => {
    checkQuery(request, []);
    response.json({ object: 'admin', name: nameOf(response), read_only: !mayChange(response) });
  });

  app.get('/admin/tenants', async (request: Request, response: Response) => {
    const { days } = readUsageQuery({ days: '31', ...request.query, scope: 'tenant' });
    checkQuery(request, ['days']);
    const counts = new Map<string, number>();
    for (const { tenant } of await keys()) counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
    const names = [...counts.keys()].sort();
    const data = await Promise.all(
      names.slice(0, MOST_TENANTS).map(async (tenant) => ({
        tenant,
        keys: counts.get(tenant)!,
        total: (await ledger.usage.report('tenant', tenant, days)).total,
      })),
    );
    response.json({ object: 'list', store: ledger.store, data, has_more: names.length > MOST_TENANTS });
  });

  app.get('/admin/budgets', async (request: Request, response: Response) => {
    checkQuery(request, ['id', 'scope']);
    const { id, scope = 'tenant' } = request.query;
    if (id === undefined) {
      const policies = [...config().table.policies.keys()];
      const all = await Promise.all(
        policies.map((policy) => ledger.budgets.states({ key: NOBODY, tenant: NOBODY, policy })),
      );
      const shared = all.flatMap((states, index) =>
        states.filter((state) => state.scope === 'policy' || (state.scope === 'global' && index === 0)),
      );
      response.json({ object: 'list', store: ledger.store, data: shared });
      return;
    }
    if (typeof id !== 'string' || id === '')
      throw new RouterError('invalid_request', 'id must be one key’s id or tenant', { param: 'id' });
    if (scope !== 'key' && scope !== 'tenant')
      throw new RouterError('invalid_request', `scope must be key or tenant, not '${String(scope)}'`, {
        param: 'scope',
      });
    let who: BudgetHolder = { key: NOBODY, tenant: id };
    if (scope === 'key') {
      const key = (await keys()).find((each) => each.id === id);
      if (!key) throw new RouterError('not_found', `No key with the id '${id}'`);
      const own = key.budget && { name: 'key:own', scope: 'key' as const, shadow: false, ...key.budget };
      who = { key: key.id, tenant: key.tenant, own };
    }
    const states = await ledger.budgets.states(who);
    response.json({
      object: 'list',
      store: ledger.store,
      data: states.filter((state) => (scope === 'key' ? state.scope !== 'global' : state.scope === 'tenant')),
    });
  });
}
