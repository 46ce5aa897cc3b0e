/** Manifests against the schemas of Kubernetes' API and of the custom resources in it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { CRDS, setupDeployTools } from '../parts/deploy-tools.ts';
import { ROOT } from '../parts/lib.ts';
import { KUBERNETES, type Manifest } from './chart.ts';

const SCRIPT = join(ROOT, 'scripts/deploy/validate_manifests.py');
/** Definitions in our own words, where the authors' can't be had. */
const OWN = join(ROOT, 'scripts/deploy/definitions');

/**
 * @param manifests by where they come from.
 * @returns a line a problem: where, which object, which field.
 * @throws Error when the tool could not do its work.
 */
export async function schemaProblems(
  manifests: Readonly<Record<string, readonly Manifest[]>>,
): Promise<{ judged: number; problems: string[] }> {
  const python = await setupDeployTools();
  const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] });
  const order = {
    versions: KUBERNETES,
    definitions: [CRDS, OWN],
    manifests: Object.entries(manifests).flatMap(([from, objects]) =>
      objects.map((object) => ({ from, object })),
    ),
  };
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  child.stdin.end(JSON.stringify(order));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`validate_manifests.py failed: ${err.trim()}`);
  return JSON.parse(out);
}
