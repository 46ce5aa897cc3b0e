/** The first look: how many requests, how many fail, how long they take, who sends them, what they cost. */
import type { Board } from './board.ts';
import { mean, metric, orZero, quantile, rate } from './promql.ts';

const POLICY = 'policy=~"$policy"';
const BAD = 'status=~"5.."';

export const overview: Board = {
  uid: 'llm-router-overview',
  title: 'LLM Router / Overview',
  description:
    'Requests, errors and duration of the router as its clients see it; who calls and what it costs.',
  variables: [{ name: 'policy', label: 'Policy', values: 'label_values(llm_router_requests_total, policy)' }],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          id: 1,
          title: 'Requests',
          description:
            'Chat requests that ended, per second. Zero in working hours means that clients do not reach the router.',
          unit: 'reqps',
          kind: 'stat',
          queries: [{ expr: rate('requests', [], POLICY), legend: 'requests' }],
        },
        {
          id: 2,
          title: 'Errors',
          description:
            'Share of requests answered with 5xx: the router’s or the upstreams’ fault, not the client’s. The error budget is 1 %.',
          unit: 'percentunit',
          kind: 'stat',
          bad: 0.01,
          queries: [
            {
              expr: `(${orZero(rate('requests', [], `${POLICY},${BAD}`))}) / ${rate('requests', [], POLICY)}`,
              legend: 'errors',
            },
          ],
        },
        {
          id: 3,
          title: 'First token, p95',
          description:
            'Nineteen of twenty streams begin within this time, measured from sending upstream to the first content.',
          unit: 's',
          kind: 'stat',
          bad: 5,
          queries: [{ expr: quantile(0.95, 'ttft'), legend: 'p95' }],
        },
        {
          id: 4,
          title: 'In flight',
          description:
            'Requests being worked on over all replicas. The limit of each replica is server.max_in_flight.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: `sum (${metric('inFlight')})`, legend: 'in flight' }],
        },
        {
          id: 5,
          title: 'Classifier',
          description:
            'The worst of the policies: “degraded” means that fallback entries answer for a policy, without classification.',
          unit: 'none',
          kind: 'stat',
          states: { 0: { text: 'degraded', color: 'red' }, 1: { text: 'ready', color: 'green' } },
          queries: [{ expr: `min (${metric('classifierReady', POLICY)})`, legend: 'classifier' }],
        },
        {
          id: 6,
          title: 'Cost per hour',
          description:
            'What the upstream calls of the last minutes cost by the price table, as an hourly rate. Targets without prices count nothing.',
          unit: 'currencyUSD',
          kind: 'stat',
          queries: [{ expr: `${rate('cost', [], POLICY)} * 3600`, legend: 'USD/h' }],
        },
      ],
    },
    {
      title: 'Requests, errors, duration',
      panels: [
        {
          id: 10,
          title: 'Requests by status',
          description:
            'Ended requests by HTTP status. 499 stands for clients that left, in logs and metrics only.',
          unit: 'reqps',
          kind: 'stack',
          queries: [{ expr: rate('requests', ['status'], POLICY), legend: '{{status}}' }],
        },
        {
          id: 11,
          title: 'Errors by code',
          description:
            'Failed requests by the error code that the client got; docs/reference/errors.md says what helps against each.',
          unit: 'reqps',
          queries: [{ expr: rate('requests', ['code'], `${POLICY},code!=""`), legend: '{{code}}' }],
        },
        {
          id: 12,
          title: 'Whole request',
          description:
            'From the request’s head to the last byte of the answer; streams last as long as the model writes.',
          unit: 's',
          queries: [0.5, 0.95, 0.99].map((q) => ({
            expr: quantile(q, 'duration', [], POLICY),
            legend: `p${q * 100}`,
          })),
        },
        {
          id: 13,
          title: 'First token of streams',
          description:
            'From sending upstream to the first content, over all targets. By target: dashboard Upstreams.',
          unit: 's',
          bad: 5,
          queries: [0.5, 0.95].map((q) => ({ expr: quantile(q, 'ttft'), legend: `p${q * 100}` })),
        },
        {
          id: 14,
          title: 'The router’s own time, p95 by phase',
          description:
            'What the router adds to a call: authenticate, admit, decide (with the classifier), send, settle. `receive` holds the client’s upload.',
          unit: 's',
          queries: [{ expr: quantile(0.95, 'phase', ['phase']), legend: '{{phase}}' }],
        },
        {
          id: 15,
          title: 'The router’s own time, mean by phase',
          description: 'The same as means, which add up to the whole overhead.',
          unit: 's',
          kind: 'stack',
          queries: [{ expr: mean('phase', ['phase'], 'phase!="receive"'), legend: '{{phase}}' }],
        },
      ],
    },
    {
      title: 'Who and what',
      panels: [
        {
          id: 20,
          title: 'Requests by policy',
          description:
            'Which policies clients name. Requests that were refused before they had a policy have none.',
          unit: 'reqps',
          kind: 'stack',
          queries: [{ expr: rate('requests', ['policy'], POLICY), legend: '{{policy}}' }],
        },
        {
          id: 21,
          title: 'Requests by tenant',
          description: 'Who calls. The first hundred tenants have their own line; all others are `other`.',
          unit: 'reqps',
          kind: 'stack',
          queries: [{ expr: rate('tenantRequests', ['tenant']), legend: '{{tenant}}' }],
        },
        {
          id: 22,
          title: 'Tokens',
          description:
            'Tokens per second by kind, as upstreams report them; counted by the router where they do not.',
          unit: 'cps',
          queries: [{ expr: rate('tokens', ['type'], POLICY), legend: '{{type}}' }],
        },
        {
          id: 23,
          title: 'Clients that left',
          description:
            'Clients that closed the connection before their answer was whole, by the phase they left in. Many in `decide` or `call` mean that something is too slow for them.',
          unit: 'reqps',
          queries: [{ expr: orZero(rate('disconnects', ['phase'])), legend: '{{phase}}' }],
        },
        {
          id: 24,
          title: 'Incomplete streams',
          description:
            'Streams that an upstream ended without their natural end; the client got an error event instead of a silent cut.',
          unit: 'reqps',
          queries: [{ expr: rate('incomplete', ['target']), legend: '{{target}}' }],
        },
        {
          id: 25,
          title: 'Savings per hour',
          description:
            'What routing saves against sending everything to the policy’s dearest target, by the price table.',
          unit: 'currencyUSD',
          queries: [{ expr: `${rate('savings', ['policy'], POLICY)} * 3600`, legend: '{{policy}}' }],
        },
        {
          id: 26,
          title: 'Versions',
          description:
            'Replicas by version and configuration. Two configurations for longer than a rollout mean that a replica did not take the new one.',
          unit: 'short',
          kind: 'stack',
          queries: [
            { expr: `count by (version, config) (${metric('build')})`, legend: '{{version}} · {{config}}' },
          ],
        },
      ],
    },
  ],
};
