/**
 * Every alert: when it fires, what to do, and the proof that it fires and clears. `npm run docs` writes Prometheus' rules
 * file and promtool's test file from it.
 */
import { CHOSEN, metric as dashboardMetric, labelDrift } from '../../grafana/src/promql.ts';

export type Severity = 'critical' | 'warning';

/** A series of the proof, in promtool's notation: one value a step. */
export interface Series {
  readonly series: string;
  readonly values: string;
}

/** Series over time, and when the alert fires with them. */
export interface Proof {
  readonly series: readonly Series[];
  /** Minutes at which it must be quiet, firing, and quiet again. */
  readonly quiet: number;
  readonly fires: number;
  readonly clears: number;
  /** Alerts that must fire with it. */
  readonly also?: readonly string[];
  /** Minutes between values and evaluations; default 1. */
  readonly step?: number;
}

export interface Alert {
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long it must hold; '0m': at once. */
  readonly for: string;
  /** One sentence with Prometheus' template fields. */
  readonly summary: string;
  /** The first thing to do; the runbook has the rest. */
  readonly todo: string;
  /** The panel that shows it. */
  readonly panel: { readonly board: string; readonly id: number };
  readonly proof: Proof;
  /** One for each further side of an `or`, in the same steps. */
  readonly proofs?: readonly Proof[];
}

type Key = Parameters<typeof dashboardMetric>[0];
/** The same names as in the dashboards, without their choice of a job. */
const series = (key: Key, where = '', suffix = '') =>
  dashboardMetric(key, where, suffix).replace(`${CHOSEN},`, '').replace(`{${CHOSEN}}`, '');

/** A gauge as it was last seen: one scrape that a busy machine loses must not begin an alert's `for` anew. */
const last = (key: Key) => `last_over_time(${series(key)}[2m])`;

// Several installations may share a Prometheus, in namespaces where their jobs have the same name; where series have no
// namespace, it is empty in all of them.
const sum = (by: string, key: Key, window: string, where = '', suffix = '') =>
  `sum by (${by}) (rate(${series(key, where, suffix)}[${window}]))`;

/** 99 of 100 requests are answered without a fault of ours, over thirty days. */
const BUDGET = 0.01;
const errorRatio = (window: string) =>
  `${sum('namespace, job', 'requests', window, 'status=~"5.."')} / ${sum('namespace, job', 'requests', window)}`;
/** Burning the month's budget so many times as fast as it lasts, over both windows: the short one lets it clear soon. */
const burn = (times: number, long: string, short: string) =>
  [long, short].map((window) => `(${errorRatio(window)} > ${times} * ${BUDGET})`).join('\nand\n');

const OK = 'llm_router_requests_total{job="router", policy="p", status="200", code=""}';
const FAILED = 'llm_router_requests_total{job="router", policy="p", status="502", code="upstream_error"}';
const LIMITED =
  'llm_router_requests_total{job="router", policy="p", status="429", code="rate_limit_exceeded"}';
const overview = (id: number) => ({ board: 'llm-router-overview', id });
const routing = (id: number) => ({ board: 'llm-router-routing', id });
const upstreams = (id: number) => ({ board: 'llm-router-upstreams', id });
const limits = (id: number) => ({ board: 'llm-router-limits', id });
const runtime = (id: number) => ({ board: 'llm-router-runtime', id });

/** A gauge that is well, then ill for half an hour, then well. */
const state = (name: string, well: number, ill: number): Series => ({
  series: name,
  values: `${well}x9 ${ill}x29 ${well}x59`,
});
const MIDDLE = { quiet: 9, fires: 30, clears: 60 };

export const ALERTS: readonly Alert[] = [
  {
    name: 'LlmRouterAbsent',
    severity: 'critical',
    // One of several that is gone is told for an hour; where none is left, until one is back.
    expr: `(\n  group by (namespace, job) (present_over_time(${series('build')}[1h]))\n  unless\n  group by (namespace, job) (${series('build')})\n)\nor on ()\nabsent(${series('build')})`,
    for: '5m',
    summary: 'No replica of the router {{ $labels.job }} is scraped',
    todo: 'Look whether pods run and are ready, then whether Prometheus finds them.',
    panel: overview(26),
    proof: {
      series: [{ series: 'llm_router_build_info{job="router"}', values: '1x9 _x29 1x59' }],
      quiet: 9,
      fires: 30,
      clears: 60,
    },
    // Another release lives on in the same Prometheus.
    proofs: [
      {
        series: [
          { series: 'llm_router_build_info{namespace="a", job="router"}', values: '1x9 _x29 1x59' },
          { series: 'llm_router_build_info{namespace="b", job="router"}', values: '1x97' },
        ],
        ...MIDDLE,
      },
      // For longer than the look back.
      {
        series: [{ series: 'llm_router_build_info{job="router"}', values: '1x9 _x120 1x59' }],
        quiet: 9,
        fires: 110,
        clears: 150,
      },
    ],
  },
  {
    name: 'LlmRouterErrorBudgetBurnFast',
    severity: 'critical',
    expr: burn(14.4, '1h', '5m'),
    for: '2m',
    summary:
      '{{ $value | humanizePercentage }} of the requests of {{ $labels.job }} fail: a month’s error budget is gone in two days',
    todo: 'Look which error code it is, then which target: a fallback for the entry, or another key, helps at once.',
    panel: overview(2),
    proof: {
      series: [
        { series: OK, values: '0+60x200' },
        { series: FAILED, values: '0x60 0+30x30 900x110' },
      ],
      quiet: 55,
      fires: 90,
      clears: 125,
      also: ['LlmRouterErrorBudgetBurnSlow'],
    },
    // A busy release of the same name in another namespace hides nothing.
    proofs: [
      {
        series: [
          { series: OK.replace('{', '{namespace="staging", '), values: '0+6000x200' },
          { series: OK.replace('{', '{namespace="prod", '), values: '0+60x200' },
          { series: FAILED.replace('{', '{namespace="prod", '), values: '0x60 0+30x30 900x110' },
        ],
        quiet: 55,
        fires: 90,
        clears: 125,
        also: ['LlmRouterErrorBudgetBurnSlow'],
      },
    ],
  },
  {
    name: 'LlmRouterErrorBudgetBurnSlow',
    severity: 'warning',
    expr: burn(6, '6h', '30m'),
    for: '15m',
    summary:
      '{{ $value | humanizePercentage }} of the requests of {{ $labels.job }} fail: a month’s error budget is gone in five days',
    todo: 'Look which target fails in “Failed attempts”, and whether its entry has a fallback.',
    panel: overview(2),
    proof: {
      series: [
        { series: OK, values: '0+300x180' },
        { series: FAILED, values: '0x72 0+30x60 1800x48' },
      ],
      quiet: 350,
      fires: 650,
      clears: 720,
      step: 5,
    },
  },
  {
    name: 'LlmRouterFirstTokenSlow',
    severity: 'warning',
    expr: `histogram_quantile(0.95, ${sum('namespace, job, target, le', 'ttft', '10m', '', '_bucket')}) > 5\nand on (namespace, job, target)\n${sum('namespace, job, target', 'ttft', '10m', '', '_count')} > 0.01`,
    for: '10m',
    summary:
      'One stream in twenty of {{ $labels.target }} waits over {{ $value | humanizeDuration }} for its first token',
    todo: 'Compare with other targets: one alone is its provider’s or GPU’s trouble, so lower its weight; all together point at the network or the router.',
    panel: upstreams(11),
    proof: {
      series: [
        {
          series: 'llm_router_ttft_seconds_bucket{job="router", target="t", le="5"}',
          values: '0+60x20 1200x40 1200+60x90',
        },
        { series: 'llm_router_ttft_seconds_bucket{job="router", target="t", le="10"}', values: '0+60x150' },
        { series: 'llm_router_ttft_seconds_bucket{job="router", target="t", le="+Inf"}', values: '0+60x150' },
        { series: 'llm_router_ttft_seconds_count{job="router", target="t"}', values: '0+60x150' },
      ],
      quiet: 20,
      fires: 55,
      clears: 90,
    },
  },
  {
    name: 'LlmRouterClassifierDegraded',
    severity: 'critical',
    expr: `min by (namespace, job, policy) (${last('classifierReady')}) == 0\nor\n${sum('namespace, job, policy', 'classifications', '5m', 'outcome=~"timeout|error"')} / ${sum('namespace, job, policy', 'classifications', '5m')} > 0.2`,
    for: '5m',
    summary: 'Policy {{ $labels.policy }} decides without its classifier',
    todo: 'Look at Triton: is it up, is its queue long, did a model change its labels? Until then fallback entries answer.',
    panel: routing(22),
    proof: {
      series: [state('llm_router_classifier_ready{job="router", policy="p"}', 1, 0)],
      ...MIDDLE,
    },
    // Ready, and a third of its answers too late.
    proofs: [
      {
        series: [
          { series: 'llm_router_classifier_ready{job="router", policy="p"}', values: '1x97' },
          {
            series:
              'llm_router_classifications_total{job="router", policy="p", label="a", outcome="applied"}',
            values: '0+60x97',
          },
          {
            series: 'llm_router_classifications_total{job="router", policy="p", label="", outcome="timeout"}',
            values: '0x9 0+30x29 870x59',
          },
        ],
        ...MIDDLE,
      },
    ],
  },
  {
    name: 'LlmRouterBreakerOpen',
    severity: 'warning',
    expr: `max by (namespace, job, target) (max_over_time(${series('breaker')}[2m])) == 2`,
    for: '5m',
    summary: 'Target {{ $labels.target }} fails and rests; its requests go to fallbacks, or fail',
    todo: 'Look at its outcomes: status_5xx and timeouts are the provider’s, connect_error and tls_error lie on the way there.',
    panel: upstreams(4),
    proof: { series: [state('llm_router_breaker_state{job="router", target="t"}', 0, 2)], ...MIDDLE },
  },
  {
    name: 'LlmRouterLimitsNotShared',
    severity: 'warning',
    expr: `min by (namespace, job) (${last('limiterUp')}) == 0`,
    for: '2m',
    summary: 'Redis does not answer; each replica of {{ $labels.job }} counts limits for itself',
    todo: 'Look whether Redis is up and reachable from the pods. Requests go on meanwhile.',
    panel: limits(20),
    proof: { series: [state('llm_router_limiter_backend_up{job="router"}', 1, 0)], ...MIDDLE },
  },
  {
    name: 'LlmRouterManyRefused',
    severity: 'warning',
    expr: `${sum('namespace, job', 'requests', '15m', 'status="429"')} / ${sum('namespace, job', 'requests', '15m')} > 0.1`,
    for: '15m',
    summary: '{{ $value | humanizePercentage }} of the requests of {{ $labels.job }} are refused by limits',
    todo: 'Look which tenant and which limit: a client that does not back off, or a limit that has become too small.',
    panel: limits(1),
    proof: {
      series: [
        { series: OK, values: '0+60x200' },
        { series: LIMITED, values: '0x20 0+30x50 1500x130' },
      ],
      quiet: 15,
      fires: 65,
      clears: 110,
    },
  },
  {
    name: 'LlmRouterBudgetNearEnd',
    severity: 'warning',
    expr: `max by (namespace, job, budget, scope) (${series('budgetUsed')}) > 0.9`,
    for: '5m',
    summary: 'Budget {{ $labels.budget }} ({{ $labels.scope }}) is used to {{ $value | humanizePercentage }}',
    todo: 'Find who spends it, and raise the budget or tell them before they are refused.',
    panel: limits(15),
    proof: {
      series: [
        state('llm_router_budget_used_ratio{job="router", budget="month", scope="tenant"}', 0.5, 0.95),
      ],
      ...MIDDLE,
    },
  },
  {
    name: 'LlmRouterReloadFailed',
    severity: 'warning',
    expr: `min by (namespace, job, instance) (${last('reloadOk')}) == 0`,
    for: '5m',
    summary: '{{ $labels.instance }} refuses the newest configuration file and goes on with the one before',
    todo: 'Read its log line “configuration refused”: it names the path and what would be right. Then `npm run check-config`.',
    panel: runtime(7),
    proof: {
      series: [state('llm_router_config_last_reload_successful{job="router", instance="i"}', 1, 0)],
      ...MIDDLE,
    },
  },
  {
    name: 'LlmRouterLabelDrift',
    severity: 'warning',
    expr: `${labelDrift('1d', '1w', (key) => series(key))
      .replaceAll('(policy)', '(namespace, job, policy)')
      .replaceAll(
        '(policy, label)',
        '(namespace, job, policy, label)',
      )} > 0.25\nand on (namespace, job, policy)\nsum by (namespace, job, policy) (increase(${series('classifications')}[1d] offset 1w)) > 1000`,
    for: '1h',
    summary:
      'The labels of policy {{ $labels.policy }} have shifted by {{ $value | humanizePercentage }} against last week',
    todo: 'Look which labels grew. New traffic: check the entries’ targets. The same traffic: try the classifier on fresh prompts with `npm run evaluate`.',
    panel: routing(2),
    proof: {
      // Eleven days: half and half; then one label alone for two days; half and half again.
      series: ['a', 'b'].map((label) => ({
        series: `llm_router_classifications_total{job="router", policy="p", label="${label}", outcome="applied"}`,
        values: label === 'a' ? '0+600x383' : '0+600x263 158400x47 158400+600x71',
      })),
      quiet: 15_780,
      fires: 17_820,
      clears: 20_820,
      step: 60,
    },
  },
  {
    name: 'LlmRouterEventLoopLag',
    severity: 'warning',
    expr: `histogram_quantile(0.99, ${sum('namespace, job, instance, le', 'eventLoopLag', '5m', '', '_bucket')}) > 0.1`,
    for: '10m',
    summary:
      'The event loop of {{ $labels.instance }} is {{ $value | humanizeDuration }} late: every request waits as long',
    todo: 'Add replicas, or give it a whole core: look whether its CPU is throttled.',
    panel: runtime(1),
    proof: {
      series: [
        {
          series: 'llm_router_event_loop_lag_seconds_bucket{job="router", instance="i", le="0.1"}',
          values: '0+1200x20 24000+600x30 42000+1200x60',
        },
        {
          series: 'llm_router_event_loop_lag_seconds_bucket{job="router", instance="i", le="0.2"}',
          values: '0+1200x112',
        },
        {
          series: 'llm_router_event_loop_lag_seconds_bucket{job="router", instance="i", le="+Inf"}',
          values: '0+1200x112',
        },
      ],
      quiet: 18,
      fires: 45,
      clears: 65,
    },
  },
  {
    name: 'LlmRouterUpstreamKeyRefused',
    severity: 'critical',
    expr: `max by (namespace, job, target) (${last('badCredentials')}) == 1`,
    for: '2m',
    summary: 'Target {{ $labels.target }} refuses our key',
    todo: 'Is the key expired, revoked, or out of credit? Put a new one where the configuration takes it from; it is read again without a restart.',
    panel: upstreams(5),
    proof: {
      series: [state('llm_router_target_credentials_bad{job="router", target="t"}', 0, 1)],
      ...MIDDLE,
    },
  },
  {
    name: 'LlmRouterUpstreamCertificate',
    severity: 'critical',
    expr: `sum by (namespace, job, target) (increase(${series('attempts', 'outcome="tls_error"')}[10m])) > 0`,
    for: '0m',
    summary: 'No trusted TLS connection to target {{ $labels.target }}',
    todo: 'Look at the certificate: expired, for another name, or of an authority that NODE_EXTRA_CA_CERTS does not hold.',
    panel: upstreams(3),
    proof: {
      series: [
        {
          series: 'llm_router_upstream_attempts_total{job="router", target="t", outcome="tls_error"}',
          values: '0x10 0+1x20 20x60',
        },
      ],
      quiet: 10,
      fires: 25,
      clears: 50,
    },
  },
  {
    name: 'LlmRouterModelRetired',
    severity: 'warning',
    expr: `sum by (namespace, job, target) (increase(${series('retired')}[15m])) > 0`,
    for: '0m',
    summary: 'Target {{ $labels.target }} does not know its model (any more)',
    todo: 'Ask the provider’s /v1/models for the id, and change the target’s model.',
    panel: upstreams(6),
    proof: {
      series: [
        { series: 'llm_router_target_retired_total{job="router", target="t"}', values: '0x10 0+1x20 20x60' },
      ],
      quiet: 10,
      fires: 25,
      clears: 60,
    },
  },
  {
    name: 'LlmRouterIncompleteStreams',
    severity: 'warning',
    expr: `${sum('namespace, job, target', 'incomplete', '15m')} / ${sum('namespace, job, target', 'attempts', '15m', 'outcome="ok"')} > 0.05`,
    for: '10m',
    summary: '{{ $value | humanizePercentage }} of the answers of {{ $labels.target }} break off',
    todo: 'Look for a proxy with an idle timeout between router and target, then for the target’s own restarts.',
    panel: upstreams(8),
    proof: {
      series: [
        {
          series: 'llm_router_upstream_attempts_total{job="router", target="t", outcome="ok"}',
          values: '0+60x120',
        },
        {
          series: 'llm_router_incomplete_streams_total{job="router", target="t"}',
          values: '0x10 0+6x40 240x70',
        },
      ],
      quiet: 10,
      fires: 45,
      clears: 80,
    },
  },
  {
    name: 'LlmRouterLogLinesDropped',
    severity: 'warning',
    expr: `sum by (namespace, job, instance) (increase(${series('logDropped')}[15m])) > 0`,
    for: '0m',
    summary: '{{ $labels.instance }} drops log lines: whatever reads its log is too slow',
    todo: 'Look at the node’s log collector and its disk.',
    panel: runtime(9),
    proof: {
      series: [
        {
          series: 'llm_router_log_lines_dropped_total{job="router", instance="i"}',
          values: '0x10 0+5x20 100x60',
        },
      ],
      quiet: 10,
      fires: 25,
      clears: 60,
    },
  },
  {
    name: 'LlmRouterNoticesNotDelivered',
    severity: 'warning',
    expr: `sum by (namespace, job, webhook) (increase(${series('notices', 'result="given_up"')}[15m])) > 0`,
    for: '0m',
    summary:
      'Webhook {{ $labels.webhook }} of {{ $labels.job }} takes no notices: whoever reads them knows nothing',
    todo: 'Look in the router’s log for “notice could not be delivered”: it says what the receiver answered.',
    panel: runtime(11),
    proof: {
      series: [
        {
          series: 'llm_router_notices_total{job="router", webhook="ops", result="given_up"}',
          values: '0x10 0+1x20 20x60',
        },
        { series: 'llm_router_notices_total{job="router", webhook="ops", result="sent"}', values: '0+1x100' },
      ],
      quiet: 10,
      fires: 25,
      clears: 60,
    },
  },
];
