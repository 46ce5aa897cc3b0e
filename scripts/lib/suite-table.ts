/** Every suite of `npm test`, and the real parts that each needs. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { PartName } from '../parts/index.ts';
import { CACHE, ROOT } from '../parts/lib.ts';
import type { Suite } from './suites.ts';

const NODE = process.execPath;
const PYTHON_TOOLS = join(CACHE, 'python-tools', 'bin', 'python');
const TRAINER = join(CACHE, 'trainer-venv', 'bin', 'python');
const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name);

/** Parts of the tests in a service's `test/` folder. A test that starts a part sets it up too, so this only does it early. */
const NEEDS: readonly (readonly [folder: string, needs: readonly PartName[]])[] = [
  ['services/triton/test/own-layers', ['triton', 'policy-trainer']],
  ['services/triton/', ['triton', 'python-tools']],
  ['services/router-controller/test/admin-page', ['chromium', 'redis']],
  ['services/router-controller/test/attacks', ['redis']],
  ['services/router-controller/test/conformance', ['clients']],
  ['services/router-controller/test/request-cost', ['redis', 'strace']],
  ['services/router-controller/', ['triton', 'python-tools']],
  ['services/trainer/', ['trainer']],
  ['services/playground/', ['chromium']],
  ['scripts/test/alerts', ['prometheus']],
  ['scripts/test/check-dashboards', ['prometheus', 'triton']],
  ['scripts/test/cluster-live', ['cluster', 'engine', 'compose', 'helm', 'images']],
  ['scripts/test/compose-live', ['engine', 'compose', 'images']],
  ['scripts/test/compose', ['compose', 'prometheus', 'redis']],
  ['scripts/test/examples', ['clients']],
  ['scripts/test/evaluate', ['triton', 'trainer', 'policy-trainer']],
  ['scripts/test/helm', ['helm', 'deploy-tools', 'redis', 'triton']],
  ['scripts/test/images', ['trainer']],
  ['scripts/test/release', ['helm']],
  ['scripts/test/phones-home', ['strace', 'triton', 'trainer', 'python-tools']],
  ['docs/test/site', ['chromium']],
  ['scripts/test/stack', ['prometheus', 'triton', 'redis']],
  ['scripts/test/tutorial', ['trainer', 'policy-trainer', 'notebooks']],
  ['scripts/test/value-log', ['policy-trainer']],
];

/** Whole suites longer than this are cut in two, not given more time. */
const UNIT_MINUTES = 5;
const WHOLE_MINUTES = 15;

const find = (...patterns: readonly string[]) =>
  patterns
    .flatMap((pattern) =>
      globSync(pattern, { cwd: ROOT, exclude: (name) => String(name).includes('node_modules') }),
    )
    .sort();

/** Kubernetes' own programs are Go's: they collect less often here than where memory is dear. */
const ENVIRONMENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'scripts/test/cluster-live.test.ts': { GOGC: '300' },
};

/** Each file runs in a process of its own, without a parent of node's: a file that hangs can be killed and named. */
const nodeTest = (file: string, needs: readonly PartName[], minutes: number): Suite => ({
  name: file,
  command: NODE,
  args: ['--test-reporter=spec', file],
  env: { LLM_ROUTER_PYTHON: PYTHON_TOOLS, ...ENVIRONMENT[file] },
  needs,
  minutes,
  read: 'node',
});

const check = (
  name: string,
  command: string,
  args: readonly string[],
  needs: readonly PartName[] = [],
): Suite => ({
  name,
  command,
  args,
  needs,
  minutes: 10,
  read: 'exit',
});

/**
 * What tsc found is kept, in this checkout: what has not changed since is not looked at again. Two fifths of a first look's CPU is Go's
 * collecting, for a ninth of its memory (18 s where it was 31).
 */
const types = (name: string, project: string): Suite => ({
  ...check(name, bin('tsc'), [
    '--noEmit',
    '--incremental',
    '--tsBuildInfoFile',
    join(
      ROOT,
      'node_modules',
      '.cache',
      'tsc',
      `${project.replace(/^\.$/, 'workspace').replaceAll('/', '-')}.tsbuildinfo`,
    ),
    '-p',
    project,
  ]),
  env: { GOGC: '400' },
});

/** Checks of the code itself. */
const checks = (): Suite[] => [
  check('format and lint (biome)', bin('biome'), ['check', '--error-on-warnings']),
  types('types (tsc)', '.'),
  // Apart, because it has a browser's names and none of Node's.
  types('types of the playground’s page (tsc)', 'services/playground/page'),
  types('types of the admin page (tsc)', 'services/router-controller/admin-page'),
  check('generated docs', NODE, ['scripts/docs.ts', '--check']),
];

/** Beside the code: quick, nothing but Node. */
export const quickSuites = (): Suite[] => [
  ...checks(),
  ...find('protos/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'scripts/*/**/*.test.ts')
    // Those are whole ones.
    .filter((file) => !file.startsWith('scripts/test/'))
    .map((file) => nodeTest(file, [], UNIT_MINUTES)),
];

/** Models' memory stays with a process that takes and frees hundreds of megabytes by turns: to be given it anew took a quarter of the CPU. */
const KEPT_MEMORY = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: '4294967296',
  MALLOC_TOP_PAD_: '67108864',
};

/** With real parts; lanes.ts says which run beside others. */
export const wholeSuites = (): Suite[] => [
  ...find('docs/test/**/*.test.ts', 'services/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts').map((file) =>
    nodeTest(file, NEEDS.find(([folder]) => file.startsWith(folder))?.[1] ?? [], WHOLE_MINUTES),
  ),
  {
    name: 'services/trainer (pytest)',
    command: TRAINER,
    args: ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'services/trainer/tests'],
    env: KEPT_MEMORY,
    needs: ['trainer'],
    minutes: WHOLE_MINUTES,
    read: 'pytest',
  },
];
