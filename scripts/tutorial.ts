/**
 * `npm run tutorial -- [--write] [--json]`: runs every command of docs/tutorials/*.md and compares what it prints with what the page
 * shows, numbers aside. With --write the pages get the new outputs.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { ROOT } from './parts/lib.ts';
import { comparable, stepsOf, withOutputs } from './tutorial/page.ts';
import { walk } from './tutorial/walk.ts';

const MINUTES = 10;

const { values } = parseArgs({ options: { write: { type: 'boolean' }, json: { type: 'boolean' } } });
const end = lastLine(values.json);
let wrong = 0;
let pages = 0;
for (const name of globSync('docs/tutorials/*.md', { cwd: ROOT }).sort()) {
  pages++;
  const file = join(ROOT, name);
  const page = readFileSync(file, 'utf8');
  const steps = stepsOf(page);
  console.log(`${name}: ${steps.length} steps …`);
  try {
    const outputs = await walk(steps, MINUTES);
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
  }
}
console.log(
  wrong === 0 ? 'every page does what it shows' : `${wrong} wrong (npm run tutorial -- --write shows anew)`,
);
end({ pages, wrong });
process.exit(wrong === 0 ? 0 : 1);
