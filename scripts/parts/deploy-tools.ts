/** What checks Kubernetes manifests: the schemas of Kubernetes' API, and those of the custom resources that the chart makes. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { goProgram } from './helm.ts';
import { CACHE, ensure, findPython, hashHere, hashOf, ROOT, readText, run, venv } from './lib.ts';

const REQUIREMENTS = 'scripts/parts/requirements-deploy.txt';

/** Go modules that carry the definitions of custom resources as their authors publish them; only these files are kept. */
const DEFINITIONS: Readonly<Record<string, readonly string[]>> = {
  'sigs.k8s.io/gateway-api@v1.3.0': ['config/crd/standard/gateway.networking.k8s.io_httproutes.yaml'],
  'github.com/prometheus-operator/prometheus-operator@v0.85.0': [
    'example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml',
    'example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml',
  ],
};

/** Where the definitions of custom resources are kept. */
export const CRDS = join(CACHE, 'crds');

/** @returns the interpreter that has kubernetes-validate. */
export async function setupDeployTools(): Promise<string> {
  const { command, version } = await findPython('The check of Kubernetes manifests', { from: 10, to: 14 });
  const python = join(CACHE, 'deploy-tools', 'bin', 'python');
  await ensure('deploy-tools', hashHere(readText(REQUIREMENTS), version), python, async () => {
    await venv('deploy-tools', command, ['-r', join(ROOT, REQUIREMENTS)]);
  });
  const files = Object.values(DEFINITIONS).flat();
  const kept = (file: string) => join(CRDS, file.split('/').at(-1)!);
  await ensure('crds', hashOf(JSON.stringify(DEFINITIONS)), kept(files.at(-1)!), async () => {
    const go = goProgram('The schemas of custom resources come');
    rmSync(CRDS, { recursive: true, force: true });
    mkdirSync(CRDS);
    for (const [module, wanted] of Object.entries(DEFINITIONS)) {
      const told = await run(`reading ${module}`, go, ['mod', 'download', '-json', module], { cwd: CRDS });
      const { Dir: folder } = JSON.parse(told.slice(told.indexOf('{'))) as { Dir: string };
      for (const file of wanted) copyFileSync(join(folder, file), kept(file));
    }
  });
  return python;
}
