/** The package: what `npx llm-router` needs, in one tarball. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CHART } from '../../deploy/helm/src/files.ts';
import { setupHelm } from '../parts/helm.ts';
import { ROOT, run } from '../parts/lib.ts';

/** Not of use to those who run it: pages, what compose and Kubernetes need, training data, other services' tests. */
const LEFT_OUT =
  /^(?:docs|deploy|examples|\.[^/]+|services\/trainer\/(?:data|tests))\/|^\.|^services\/[^/]+\/test\//;

export const isPacked = (path: string): boolean => !LEFT_OUT.test(path);

/**
 * Packs what git tracks.
 *
 * @param into folder for the tarball.
 * @returns its path.
 */
export async function pack(into: string): Promise<string> {
  const tracked = await run('listing files', 'git', ['ls-files', '-z']);
  const files = tracked.split('\0').filter((path) => path !== '' && isPacked(path));
  const stage = mkdtempSync(join(tmpdir(), 'llm-router-pack-'));
  try {
    const digest = createHash('sha256');
    for (const path of files) {
      mkdirSync(dirname(join(stage, path)), { recursive: true });
      cpSync(join(ROOT, path), join(stage, path));
      digest.update(path).update(readFileSync(join(ROOT, path)));
    }
    // npm leaves a lockfile of pnpm's out; services/cli/src/enter.mjs gives it its name back.
    cpSync(join(ROOT, 'pnpm-lock.yaml'), join(stage, 'pnpm-lock.packed.yaml'));
    writeFileSync(join(stage, 'packed.json'), JSON.stringify({ digest: digest.digest('hex') }));
    const manifest = JSON.parse(readFileSync(join(stage, 'package.json'), 'utf8'));
    // What a package's scripts and tools are for stays in the workspace; npm would install or warn of them.
    const { private: _private, ...rest } = manifest;
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(rest, null, 2)}\n`);
    mkdirSync(into, { recursive: true });
    const said = await run(
      'packing',
      'npm',
      ['pack', '--ignore-scripts', '--silent', '--pack-destination', into],
      {
        cwd: stage,
      },
    );
    return join(into, said.trim().split('\n').at(-1)!);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/**
 * Packs the Helm chart, once helm has looked at it.
 *
 * @param into folder for `llm-router-VERSION.tgz`.
 * @returns its path.
 * @throws Error with helm's words.
 */
export async function packChart(into: string): Promise<string> {
  const program = await setupHelm();
  const chart = join(ROOT, CHART);
  await run('looking at the chart', program, [
    'lint',
    chart,
    '--kube-version',
    '1.30.0',
    '--values',
    join(chart, 'values/laptop.yaml'),
  ]);
  mkdirSync(into, { recursive: true });
  const said = await run('packing the chart', program, ['package', chart, '--destination', into]);
  return said.trim().split(': ').at(-1)!;
}
