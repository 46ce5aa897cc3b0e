/**
 * `npm test [-- --only PATTERN]`: sets up the real parts, runs every suite, prints a table, and closes with
 * `N passed, N failed` alone on the last line. A part that can't be set up is a failure with its message.
 */
import { globSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type Result, runSuite, type Suite } from './lib/suites.ts';
import { ROOT } from './parts/lib.ts';
import { setupPythonTools } from './parts/python-tools.ts';
import { setupTrainer } from './parts/trainer.ts';
import { setupTriton } from './parts/triton.ts';

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const started = Date.now();

const node = process.execPath;
const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name);

const tests = (...patterns: string[]) =>
  patterns
    .flatMap((pattern) =>
      globSync(pattern, { cwd: ROOT, exclude: (name) => String(name).includes('node_modules') }),
    )
    .sort();

/** Beside the code: quick, nothing but Node. In `test/`: real parts. */
const unit = tests('protos/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'scripts/**/*.test.ts');
const whole = tests('services/*/test/**/*.test.ts');

const nodeTest = (
  name: string,
  files: readonly string[],
  minutes: number,
  concurrency: number,
  env: Record<string, string> = {},
): Suite => ({
  name,
  command: node,
  args: [
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-timeout=300000',
    '--test-reporter=spec',
    ...files,
  ],
  env,
  minutes,
  read: 'node',
});

const results: Result[] = [];

async function part(name: string, setup: () => Promise<string>): Promise<string> {
  const begun = Date.now();
  try {
    return await setup();
  } catch (error) {
    const output = (error as Error).message;
    console.error(`${name}: ${output}`);
    results.push({
      name: `set-up of ${name}`,
      passed: 0,
      failed: 1,
      seconds: Math.round((Date.now() - begun) / 1000),
      output,
    });
    return '';
  }
}

console.log('setting up the real parts');
const wanted = (name: string) => !values.only || name.includes(values.only);
const pythonTools = await part('python-tools', setupPythonTools);
const trainer = await part('trainer', setupTrainer);
await part('triton', async () => (await setupTriton()).binary);

const suites: Suite[] = [
  {
    name: 'format and lint (biome)',
    command: bin('biome'),
    args: ['check', '--error-on-warnings'],
    minutes: 3,
    read: 'exit',
  },
  { name: 'types (tsc)', command: bin('tsc'), args: ['--noEmit', '-p', '.'], minutes: 5, read: 'exit' },
  {
    name: 'generated docs',
    command: node,
    args: [join(ROOT, 'scripts', 'docs.ts'), '--check'],
    minutes: 2,
    read: 'exit',
  },
  nodeTest('unit', unit, 15, 2),
  ...whole.map((file) =>
    nodeTest(relative(join(ROOT, 'services'), join(ROOT, file)), [file], 10, 1, {
      LLM_ROUTER_PYTHON: pythonTools,
    }),
  ),
  {
    name: 'trainer (pytest)',
    command: trainer || 'false',
    args: ['-m', 'pytest', '-q', 'services/trainer/tests'],
    minutes: 10,
    read: 'pytest',
  },
];

for (const suite of suites) if (wanted(suite.name)) results.push(await runSuite(suite));

console.log('\n── results');
for (const { name, passed, failed, seconds } of results) {
  console.log(
    `${failed > 0 ? '✖' : '✔'} ${name.padEnd(58)} ${String(passed).padStart(4)} passed ${String(failed).padStart(4)} failed ${String(seconds).padStart(5)} s`,
  );
}
for (const { name, failed, output } of results) {
  if (failed > 0) console.log(`\n✖ ${name}\n${output.trimEnd().split('\n').slice(-40).join('\n')}`);
}
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`\n${Math.round((Date.now() - started) / 1000)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
