/** The alerts as Prometheus' rules file and promtool's test file. */
import { ALERTS, type Alert, type Proof } from './alerts.ts';

/** JSON's strings are YAML's. */
const quoted = (text: string) => JSON.stringify(text);
const indented = (text: string, by: number) => text.replaceAll(/^/gm, ' '.repeat(by));
const HEAD = '# Generated from deploy/prometheus/src/alerts.ts by `npm run docs`; edit there.\n';

export const runbookOf = ({ name }: Alert) => `docs/runbooks/${name}.md`;
/** Path under Grafana's address. */
export const panelLink = ({ panel: { board, id } }: Alert) => `/d/${board}?viewPanel=${id}`;

/** Stands for further matchers in each series of the chart's rules; what takes its place ends with a comma or is empty. */
export const SCOPE = '__SCOPE__';
const scoped = (expr: string) =>
  expr.replace(/\bllm_router_\w+(\{)?/g, (name, brace?: string) =>
    brace ? `${name}${SCOPE}` : `${name}{${SCOPE}}`,
  );

function rule(alert: Alert, isScoped: boolean): string {
  const annotations = {
    summary: alert.summary,
    description: alert.todo,
    runbook_url: runbookOf(alert),
    dashboard_url: panelLink(alert),
    // Grafana links its own alert list to the panel by these.
    __dashboardUid__: alert.panel.board,
    __panelId__: String(alert.panel.id),
  };
  return [
    `      - alert: ${alert.name}`,
    '        expr: |-',
    indented(isScoped ? scoped(alert.expr) : alert.expr, 10),
    `        for: ${alert.for}`,
    '        labels:',
    `          severity: ${alert.severity}`,
    '        annotations:',
    ...Object.entries(annotations).map(([key, value]) => `          ${key}: ${quoted(value)}`),
  ].join('\n');
}

/**
 * For Prometheus' `rule_files`; a PrometheusRule's `spec` has the same shape.
 *
 * @param isScoped with SCOPE in each selector, for one release's own copy.
 */
export const rulesFile = (isScoped = false): string =>
  `${HEAD}groups:\n  - name: llm-router\n    rules:\n${ALERTS.map((each) => rule(each, isScoped)).join('\n')}\n`;

/** Asks which alerts fire, so that a proof also shows that its series make no other alert fire. */
function proof(name: string, { series, quiet, fires, clears, also = [], step = 1 }: Proof): string {
  const firing = 'count by (alertname) (ALERTS{alertstate="firing", alertname!="LlmRouterAbsent"})';
  const expr = name === 'LlmRouterAbsent' ? firing.replace(', alertname!="LlmRouterAbsent"', '') : firing;
  const at = (minutes: number, names: readonly string[]) => [
    `      - expr: ${quoted(expr)}`,
    `        eval_time: ${minutes}m`,
    names.length === 0 ? '        exp_samples: []' : '        exp_samples:',
    ...names.map((each) => `          - { labels: '{alertname="${each}"}', value: 1 }`),
  ];
  return [
    `  - name: ${name}`,
    `    interval: ${step}m`,
    '    input_series:',
    ...series.flatMap((each) => [
      `      - series: ${quoted(each.series)}`,
      `        values: ${quoted(each.values)}`,
    ]),
    '    promql_expr_test:',
    ...at(quiet, []),
    ...at(fires, [name, ...also]),
    ...at(clears, []),
  ].join('\n');
}

const stepOf = (alert: Alert) => alert.proof.step ?? 1;

const proofsOf = ({ name, proof: first, proofs = [] }: Alert): string[] =>
  [first, ...proofs].map((each) => proof(name, each));

/** For `promtool test rules`, by file name: each alert is quiet, fires, and clears. Slow ones are evaluated less often. */
export function proofsFiles(alerts: readonly Alert[] = ALERTS): Record<string, string> {
  const steps = [...new Set(alerts.map(stepOf))];
  return Object.fromEntries(
    steps.map((step) => {
      const tests = alerts.filter((alert) => stepOf(alert) === step).flatMap(proofsOf);
      const text = `${HEAD}rule_files: [../rules/llm-router.yaml]\nevaluation_interval: ${step}m\ntests:\n${tests.join('\n')}\n`;
      return [`llm-router-${step}m.yaml`, text];
    }),
  );
}
