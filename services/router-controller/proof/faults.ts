/**
 * Runs the fault table through a whole controller: `npm run proof:faults [-- --json]`.
 *
 * With --json one line a cell on standard output: {"fault","stream","fallback","expected","got"}. Exit status 1 when a
 * cell is not as expected.
 */
import { parseArgs } from 'node:util';
import { CELLS, type Cell, runFaultTable } from '../test/fault-table.ts';

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

const wrong: Cell[] = [];
let done = 0;
await runFaultTable((cell) => {
  done++;
  const right = cell.got === cell.expected;
  if (!right) wrong.push(cell);
  const { fault, stream, fallback, expected, got } = cell;
  if (values.json) console.log(JSON.stringify({ fault, stream, fallback, expected, got }));
  else {
    const where = `${fault.padEnd(22)} ${stream ? 'stream' : 'plain '} ${fallback ? 'fallback' : 'alone   '}`;
    console.log(`${right ? 'ok  ' : 'FAIL'} ${where} ${got}${right ? '' : ` (expected: ${expected})`}`);
  }
});
console.error(`${done} of ${CELLS.length} cells run, ${wrong.length} not as expected`);
process.exitCode = wrong.length > 0 || done !== CELLS.length ? 1 : 0;
