import { CATALOGUE, type MetricSpec } from '../../services/router-controller/src/observe/catalogue.ts';
import { cell, code, head, table } from './markdown.ts';

/** Every metric, in the catalogue's order. */
export function metricsPage(): string {
  const words =
    '`GET /metrics` on the controller’s port, in Prometheus’ text format. Seconds and bytes are base units. Labels are bounded by the\n' +
    'configuration or closed sets: no user, key, session or prompt is ever a label.';
  const specs: readonly MetricSpec[] = Object.values(CATALOGUE);
  const rows = specs.map(({ name, kind, labels, help, buckets }) => [
    code(name),
    kind,
    labels.map(code).join(', '),
    cell(help) + (buckets ? `; buckets ${buckets[0]} … ${buckets.at(-1)}` : ''),
  ]);
  return `${head('Metrics', 'services/router-controller/src/observe/catalogue.ts', words)}\n${table(['name', 'kind', 'labels', 'meaning'], rows)}\n`;
}
