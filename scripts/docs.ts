/**
 * `npm run docs [-- --json --check | --site [--serve] [--base /PATH/]]`: writes the reference pages, the JSON Schema of the configuration, Grafana's dashboards,
 * Prometheus' rules, and the Helm chart's copies and values schema, from the code that they describe. `--check` writes nothing and fails when a file is not what the code would give.
 * `--site` (`npm run docs:site`) builds all pages as a site into docs/.site, and fails on a link that leads nowhere.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../deploy/grafana/src/board.ts';
import { BOARDS } from '../deploy/grafana/src/boards.ts';
import { chartFiles } from '../deploy/helm/src/files.ts';
import { proofsFiles, rulesFile } from '../deploy/prometheus/src/files.ts';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { isLive } from '../services/process/src/live-line.ts';
import { inPlain, waiting } from '../services/process/src/progress.ts';
import { configurationSchema } from '../services/router-controller/src/config/json-schema.ts';
import { adminApi } from '../services/router-controller/src/http/openapi/admin.ts';
import { openApi } from '../services/router-controller/src/http/openapi/document.ts';
import { VERSION } from '../services/router-controller/src/version.ts';
import { arrows } from './docs/architecture/imports.ts';
import { picture } from './docs/architecture/picture.ts';
import { cliPage } from './docs/cli.ts';
import { configurationPage } from './docs/configuration.ts';
import { dialectsPage } from './docs/dialects.ts';
import { errorsPage } from './docs/errors.ts';
import { ADMIN_WORDS, httpApiPage, ROUTER_WORDS } from './docs/http-api.ts';
import { imageConfig } from './docs/image-config.ts';
import { metricsPage } from './docs/metrics.ts';
import { ROOT } from './parts/lib.ts';
import { listFiles } from './sbom/files.ts';

const { values } = parseArgs({
  options: {
    check: { type: 'boolean' },
    site: { type: 'boolean' },
    serve: { type: 'boolean' },
    base: { type: 'string' },
    json: { type: 'boolean' },
  },
});
const end = lastLine(values.json);

if (values.site) {
  const { buildSite, serveSite } = await import('./site/build.ts');
  try {
    const build = () => buildSite(values.base === undefined ? {} : { base: values.base });
    // VitePress has a line of its own on a terminal, and its colours everywhere.
    const count = isLive(process.stderr)
      ? await build()
      : await waiting('building the site', () => inPlain(build));
    console.log(`docs/.site: ${count} pages`);
    end({ pages: count });
    if (values.serve) await serveSite();
    else process.exit(0);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const pages: Record<string, string> = {
  'config/image.generated.yaml': imageConfig(readFileSync(join(ROOT, 'config/router.yaml'), 'utf8')),
  'config/schema.generated.json': `${JSON.stringify(configurationSchema(), null, 2)}\n`,
  'docs/explanation/architecture.generated.svg': picture(arrows()),
  'docs/reference/cli.md': await cliPage(),
  'docs/reference/configuration.md': configurationPage(configurationSchema()),
  'docs/reference/dialects.md': dialectsPage(),
  'docs/reference/errors.md': errorsPage(),
  'docs/reference/admin-api.generated.json': json(adminApi(VERSION)),
  'docs/reference/admin-api.md': httpApiPage('Admin API', ADMIN_WORDS, adminApi(VERSION)),
  'docs/reference/http-api.md': httpApiPage('HTTP API', ROUTER_WORDS, openApi(VERSION)),
  'docs/reference/metrics.md': metricsPage(),
  'docs/reference/openapi.generated.json': json(openApi(VERSION)),
  ...Object.fromEntries(
    BOARDS.map((board) => [`deploy/grafana/dashboards/${board.uid}.json`, json(build(board))]),
  ),
  'deploy/prometheus/rules/llm-router.yaml': rulesFile(),
  ...Object.fromEntries(
    Object.entries(proofsFiles()).map(([name, text]) => [`deploy/prometheus/tests/${name}`, text]),
  ),
  ...chartFiles(ROOT),
  ...listFiles(),
};

const stale: string[] = [];
for (const [path, text] of Object.entries(pages)) {
  const file = join(ROOT, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  stale.push(path);
  if (values.check) {
    console.error(`${path} is not what the code says; run \`npm run docs\` and commit the result`);
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`wrote ${path}`);
  }
}
console.log(
  `${Object.keys(pages).length} generated files, ${stale.length} ${values.check ? 'stale' : 'written'}`,
);
end({ files: Object.keys(pages).length, [values.check ? 'stale' : 'written']: stale });
if (values.check && stale.length > 0) process.exit(1);
