/** The Helm chart's part of `npm run check:deploy`. */
import { CHART } from '../../deploy/helm/src/files.ts';
import { helm, type Manifest, render, valueArgs, valuesFiles } from './chart.ts';
import type { DeployCheck } from './check.ts';
import { readRouterConfig } from './router-config.ts';
import { RULES, ruleProblems } from './rules.ts';
import { schemaProblems } from './schemas.ts';

/** Objects by values file; a file that can't be rendered is a problem. */
async function renderAll(chart: string): Promise<{ all: Record<string, Manifest[]>; problems: string[] }> {
  const all: Record<string, Manifest[]> = {};
  const problems: string[] = [];
  for (const [name, file] of valuesFiles(chart)) {
    try {
      all[name] = await render({ chart, values: [file] });
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
    }
  }
  return { all, problems };
}

/** @param chart its folder; tests give a broken one. */
export function helmChecks(chart: string = CHART): DeployCheck[] {
  let rendered: ReturnType<typeof renderAll> | undefined;
  /** Once for all checks. */
  const manifestsOf = () => (rendered ??= renderAll(chart));
  const lint: DeployCheck = {
    name: 'helm lint',
    run: async () => {
      const problems: string[] = [];
      for (const [name, file] of valuesFiles(chart)) {
        const { code, out, err } = await helm([
          'lint',
          '--strict',
          '--quiet',
          chart,
          ...valueArgs({ values: [file] }),
        ]);
        if (code !== 0) problems.push(`${name}: ${out}${err}`.trim());
      }
      return { seen: [`${chart} with ${[...valuesFiles(chart).keys()].join(', ')}`], problems };
    },
  };
  const manifests: DeployCheck = {
    name: 'helm manifests',
    run: async () => {
      const { all, problems } = await manifestsOf();
      const { judged, problems: wrong } = await schemaProblems(all);
      const seen = [`${judged} objects by the schemas of Kubernetes and of custom resources`];
      return { seen, problems: [...problems, ...wrong] };
    },
  };
  const rules: DeployCheck = {
    name: 'helm rules',
    run: async () => {
      const { all, problems } = await manifestsOf();
      for (const [name, objects] of Object.entries(all))
        problems.push(...ruleProblems(objects).map((problem) => `${name}: ${problem}`));
      return { seen: [`rules: ${Object.keys(RULES).join(', ')}`], problems };
    },
  };
  const config: DeployCheck = {
    name: 'helm router configuration',
    run: async () => {
      const { all, problems } = await manifestsOf();
      for (const [name, objects] of Object.entries(all)) {
        await readRouterConfig(objects).catch((error: Error) => problems.push(`${name}: ${error.message}`));
      }
      return { seen: ['router.yaml of each values file, with the secrets that its pod has'], problems };
    },
  };
  return [lint, manifests, rules, config];
}
