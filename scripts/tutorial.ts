/**
 * `npm run tutorial -- [--write] [--json]`: runs every command of docs/tutorials/*.md and every cell of notebooks/*.ipynb, and compares what it prints with what the page
 * shows, numbers aside. With --write the pages get the new outputs.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { exitWhenTold } from '../services/process/src/ending.ts';
import { waiting } from '../services/process/src/progress.ts';
import { ROOT } from './parts/lib.ts';
import { differences, runNotebook } from './tutorial/notebook.ts';
import { comparable, stepsOf, withOutputs } from './tutorial/page.ts';
import { walk } from './tutorial/walk.ts';

const MINUTES = 10;

const { values } = parseArgs({ options: { write: { type: 'boolean' }, json: { type: 'boolean' } } });
const end = lastLine(values.json);
let wrong = 0;
let pages = 0;
/** Folders that a reader makes in the checkout. A page or notebook that failed left its own: the next is not to find it. */
const folders = () => globSync('my-*', { cwd: ROOT });
const readersOwn = folders();
function tidy(): void {
  for (const name of folders().filter((each) => !readersOwn.includes(each)))
    rmSync(join(ROOT, name), { recursive: true, force: true });
}
exitWhenTold();
process.once('exit', tidy);
for (const name of globSync('docs/tutorials/*.md', { cwd: ROOT }).sort()) {
  pages++;
  const file = join(ROOT, name);
  const page = readFileSync(file, 'utf8');
  const steps = stepsOf(page);
  console.log(`${name}: ${steps.length} steps`);
  try {
    const outputs = await waiting(name, () => walk(steps, MINUTES));
    if (values.write) {
      writeFileSync(file, withOutputs(page, outputs));
      continue;
    }
    for (const [i, { command, output }] of steps.entries()) {
      if (output === null || comparable(output) === comparable(outputs[i]!)) continue;
      console.error(
        `${name}: step ${i + 1} prints something else than the page shows\n${command}\nshown:\n${output}\nprinted:\n${outputs[i]}`,
      );
      wrong++;
    }
  } catch (error) {
    console.error(`${name}: ${(error as Error).message}`);
    wrong++;
    tidy();
  }
}
for (const name of globSync('notebooks/*.ipynb', { cwd: ROOT }).sort()) {
  pages++;
  const file = join(ROOT, name);
  const begun = Date.now();
  try {
    const printed = await waiting(name, () => runNotebook(file));
    console.log(`${name}: ran in ${Math.round((Date.now() - begun) / 1000)} s`);
    if (values.write) {
      writeFileSync(file, printed);
      continue;
    }
    for (const difference of differences(readFileSync(file, 'utf8'), printed)) {
      console.error(`${name}: prints something else than it shows: ${difference}`);
      wrong++;
    }
  } catch (error) {
    console.error((error as Error).message);
    wrong++;
    tidy();
  }
}
console.log(
  wrong === 0 ? 'every page does what it shows' : `${wrong} wrong (npm run tutorial -- --write shows anew)`,
);
end({ pages, wrong });
process.exit(wrong === 0 ? 0 : 1);
