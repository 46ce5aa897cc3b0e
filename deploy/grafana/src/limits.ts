/** Who is held back, who spends what, and whether the limits are shared. */
import type { Board } from './board.ts';
import { metric, orZero, quantile, rate } from './promql.ts';

const TENANT = 'tenant=~"$tenant"';

export const limits: Board = {
  uid: 'llm-router-limits',
  title: 'LLM Router / Limits and cost',
  description: 'Limits, budgets, tokens and money by tenant; refused credentials; the limiter’s backend.',
  variables: [
    { name: 'tenant', label: 'Tenant', values: 'label_values(llm_router_tenant_requests_total, tenant)' },
  ],
  rows: [
    {
      title: 'Refusals',
      panels: [
        {
          id: 1,
          title: 'Share answered with 429',
          description:
            'Requests refused by a limit or a budget, of all. Over a tenth for long, limits are too small or a client does not back off.',
          unit: 'percentunit',
          bad: 0.1,
          queries: [
            {
              expr: `(${orZero(rate('requests', [], 'status="429"'))}) / ${rate('requests')}`,
              legend: '429',
            },
          ],
        },
        {
          id: 2,
          title: '429 by tenant',
          description: 'Who is refused by a limit or a budget; “Limit decisions” says by which.',
          unit: 'reqps',
          queries: [
            {
              expr: orZero(rate('tenantRequests', ['tenant'], `${TENANT},result="limited"`)),
              legend: '{{tenant}}',
            },
          ],
        },
        {
          id: 3,
          title: 'Limit decisions',
          description: 'Which limits refuse (or would, in shadow mode). The scope says whom a limit counts.',
          unit: 'reqps',
          queries: [
            {
              expr: orZero(rate('limits', ['limit', 'scope', 'decision'], 'decision!="allowed"')),
              legend: '{{limit}} ({{scope}}) {{decision}}',
            },
          ],
        },
        {
          id: 4,
          title: 'Refused credentials',
          description: 'Requests without a key, or with an unknown or expired one.',
          unit: 'reqps',
          queries: [{ expr: orZero(rate('authFailures', ['reason'])), legend: '{{reason}}' }],
        },
        {
          id: 5,
          title: 'Requests in the queue',
          description:
            'Requests that wait for a place, over all replicas; past server.max_queue they get 503 with Retry-After.',
          unit: 'short',
          queries: [{ expr: `sum (${metric('queued')})`, legend: 'waiting' }],
        },
        {
          id: 6,
          title: 'Wait in the queue, p95',
          description: 'Of the requests that had to wait.',
          unit: 's',
          queries: [{ expr: quantile(0.95, 'queueWait'), legend: 'p95' }],
        },
      ],
    },
    {
      title: 'Tenants',
      panels: [
        {
          id: 10,
          title: 'Requests by tenant and result',
          description: 'ok, limited (429), client_error, error, left.',
          unit: 'reqps',
          queries: [
            { expr: rate('tenantRequests', ['tenant', 'result'], TENANT), legend: '{{tenant}} {{result}}' },
          ],
        },
        {
          id: 11,
          title: 'Tokens by tenant',
          description: 'Input and output tokens per second.',
          unit: 'cps',
          queries: [
            { expr: rate('tenantTokens', ['tenant', 'type'], TENANT), legend: '{{tenant}} {{type}}' },
          ],
        },
        {
          id: 12,
          title: 'Cost per hour by tenant',
          description: 'By the price table, as an hourly rate.',
          unit: 'currencyUSD',
          queries: [{ expr: `${rate('tenantCost', ['tenant'], TENANT)} * 3600`, legend: '{{tenant}}' }],
        },
        {
          id: 13,
          title: 'Spent in the chosen time, by tenant',
          description: 'Sum over the time range of the dashboard.',
          unit: 'currencyUSD',
          kind: 'stat',
          width: 12,
          queries: [
            {
              expr: `sum by (tenant) (increase(${metric('tenantCost', TENANT)}[$__range]))`,
              legend: '{{tenant}}',
            },
          ],
        },
        {
          id: 14,
          title: 'Spent in the chosen time, by target',
          description: 'Sum over the time range of the dashboard.',
          unit: 'currencyUSD',
          kind: 'stat',
          width: 12,
          queries: [
            { expr: `sum by (target) (increase(${metric('cost')}[$__range]))`, legend: '{{target}}' },
          ],
        },
        {
          id: 15,
          title: 'Budgets, used share',
          description:
            'The holder of each budget that has used most of it. From 1 on its requests are refused, or sent to cheaper targets, as the budget says.',
          unit: 'percentunit',
          bad: 0.9,
          queries: [
            { expr: `max by (budget, scope) (${metric('budgetUsed')})`, legend: '{{budget}} ({{scope}})' },
          ],
        },
      ],
    },
    {
      title: 'Where limits are kept',
      panels: [
        {
          id: 20,
          title: 'Limits shared',
          description:
            '1 while replicas count together. 0: Redis does not answer, and each replica goes by its own counts.',
          unit: 'none',
          width: 12,
          states: { 0: { text: 'each for itself', color: 'red' }, 1: { text: 'shared', color: 'green' } },
          max: 1,
          queries: [{ expr: `min (${metric('limiterUp')})`, legend: 'limits' }],
        },
        {
          id: 21,
          title: 'Calls that Redis did not answer',
          description:
            'By reason. A few are timeouts under load; a steady rate means that Redis is away or slow.',
          unit: 'reqps',
          width: 12,
          queries: [{ expr: orZero(rate('limiterErrors', ['reason'])), legend: '{{reason}}' }],
        },
      ],
    },
  ],
};
