/**
 * `npm run examples -- [--only NAME] [--write] [--json]`: runs every folder of examples/ as its page shows, against a router with
 * stand-ins, and compares what it prints, numbers aside. With --write the pages get the new outputs; with --json the last line is
 * `{"examples", "passed", "failed"}`. Exit code: 0 when all do what they show.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exitWhenTold } from '../services/process/src/ending.ts';
import { waiting } from '../services/process/src/progress.ts';
import { startExamplesRouter } from './examples/router.ts';
import { EXAMPLES, type Outcome, runExample } from './examples/run.ts';
import { setupClients } from './parts/clients.ts';

/** Clients' imports are most of the time, and two cores are what a small machine has. */
const AT_ONCE = 2;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    write: { type: 'boolean' },
    json: { type: 'boolean' },
  },
});

const all = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();
const unknown = values.only?.filter((name) => !all.includes(name)) ?? [];
if (unknown.length > 0) {
  console.error(`no example '${unknown.join("', '")}'; there are: ${all.join(', ')}`);
  process.exit(2);
}
const names = values.only ?? all;

exitWhenTold();
const clients = await setupClients();
process.once('exit', () =>
  rmSync(join(clients.node, `examples-${process.pid}`), { recursive: true, force: true }),
);
const router = await waiting('starting the router', startExamplesRouter);
const outcomes: Outcome[] = [];
const running = new Set<string>();
async function runAll(): Promise<void> {
  const queue = [...names];
  const worker = async () => {
    for (let name = queue.shift(); name; name = queue.shift()) {
      running.add(name);
      let outcome = await runExample(name, clients, router.url);
      running.delete(name);
      if (values.write && outcome.differs) outcome = { ...outcome, problem: null };
      outcomes.push(outcome);
      if (values.write) writeFileSync(join(EXAMPLES, name, 'README.md'), outcome.page);
      console.log(`${outcome.problem === null ? '✔' : '✖'} ${name}`);
      if (outcome.problem !== null) console.log(outcome.problem.trimEnd().replaceAll(/^/gm, '    '));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
try {
  const detail = () => `${outcomes.length} of ${names.length}  ${[...running].join(', ')}`;
  await waiting('examples', runAll, { detail });
} finally {
  await router.stop();
}
const failed = outcomes.filter(({ problem }) => problem !== null).length;
const result = { examples: outcomes.length, passed: outcomes.length - failed, failed };
console.log(
  values.json ? JSON.stringify(result) : `${result.passed} of ${result.examples} do what their pages show`,
);
process.exit(failed > 0 ? 1 : 0);
