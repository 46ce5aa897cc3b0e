/** What the chart holds of what stands elsewhere in the repository: Helm reads nothing outside a chart. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { CATALOGUE } from '../../../services/router-controller/src/observe/catalogue.ts';
import { FIXED } from '../../../services/router-controller/src/reload.ts';
import { build } from '../../grafana/src/board.ts';
import { BOARDS } from '../../grafana/src/boards.ts';
import { rulesFile } from '../../prometheus/src/files.ts';
import { valuesPage } from './values-page.ts';
import { valuesJsonSchema } from './values-schema.ts';

/** Of the chart, from the repository's root. */
export const CHART = 'deploy/helm/llm-router';

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** Generated files of the chart by their path from the root. */
export function chartFiles(root: string): Record<string, string> {
  const defaults = load(readFileSync(join(root, CHART, 'values.yaml'), 'utf8'));
  const files: Record<string, string> = {
    'values.schema.json': json(valuesJsonSchema()),
    'VALUES.md': valuesPage(valuesJsonSchema(), defaults),
    'files/restart-keys.json': json(FIXED),
    'files/in-flight-metric': `${CATALOGUE.inFlight.name}\n`,
    'files/rules.yaml': rulesFile(true),
  };
  for (const board of BOARDS) files[`files/dashboards/${board.uid}.json`] = json(build(board));
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`${CHART}/${name}`, content]));
}
