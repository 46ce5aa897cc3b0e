/** GET /v1/usage: what the caller, or its tenant, has used, and where its budgets stand. */
import type { Request, Response } from 'express';
import { RouterError } from '../errors.ts';
import { holderOf, type Ledger } from '../ledger/index.ts';
import { RedisUnavailable } from '../redis/index.ts';
import type { Caller } from '../request.ts';

export interface UsageDeps {
  readonly ledger: Ledger;
}

const DEFAULT_DAYS = 31;
const KNOWN = ['days', 'scope'];

export function readUsageQuery(query: Request['query']): { days: number; scope: 'key' | 'tenant' } {
  const unknown = Object.keys(query).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) {
    throw new RouterError(
      'invalid_request',
      `No such parameter: '${unknown}'. There are: ${KNOWN.join(', ')}`,
      {
        param: unknown,
      },
    );
  }
  const { days = String(DEFAULT_DAYS), scope = 'key' } = query;
  if (typeof days !== 'string' || !/^[1-9][0-9]{0,3}$/.test(days))
    throw new RouterError('invalid_request', 'days must be a whole number of days, today included', {
      param: 'days',
    });
  if (scope !== 'key' && scope !== 'tenant')
    throw new RouterError('invalid_request', `scope must be key or tenant, not '${String(scope)}'`, {
      param: 'scope',
    });
  return { days: Number(days), scope };
}

export function usageHandler({ ledger }: UsageDeps) {
  return async (request: Request, response: Response): Promise<void> => {
    const caller = response.locals.caller as Caller;
    const { days, scope } = readUsageQuery(request.query);
    const id = scope === 'key' ? caller.id : caller.tenant;
    try {
      const [report, budgets] = await Promise.all([
        ledger.usage.report(scope, id, days),
        ledger.budgets.states(holderOf(caller, '')),
      ]);
      response.json({
        object: 'usage',
        scope,
        id,
        store: ledger.store,
        ...(ledger.store === 'memory' && {
          note: 'of this replica alone, since it started: there is no Redis',
        }),
        ...report,
        budgets: budgets.filter((budget) => budget.scope !== 'policy'),
      });
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      throw new RouterError(
        'limiter_unavailable',
        'Usage can’t be read now: Redis is away; try again shortly',
        {
          headers: { 'retry-after': '1' },
          cause: error,
        },
      );
    }
  };
}
