/**
 * Runs the fault table through a whole controller: `npm run proof:faults [-- --json]`.
 *
 * With --json one line a cell on standard output: {"fault","stream","fallback","expected","got"}. Exit status 1 when a
 * cell is not as expected. Then the silent upstreams once more, at the shipped limits, on a clock that the proof moves: these
 * lines have {"shipped":true,…,"seconds","within"} too.
 */
import { parseArgs } from 'node:util';
import { CELLS, type Cell, runFaultTable } from '../test/fault-table.ts';
import { runShippedFaults, SHIPPED_CELLS, type ShippedResult } from '../test/shipped-faults.ts';

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
const late: ShippedResult[] = [];
await runShippedFaults((cell) => {
  done++;
  const right = cell.got === cell.expected && cell.seconds <= cell.within;
  if (!right) late.push(cell);
  const { name: _name, ...told } = cell;
  if (values.json) console.log(JSON.stringify({ shipped: true, ...told }));
  else
    console.log(
      `${right ? 'ok  ' : 'FAIL'} at shipped limits: ${cell.name}: ${cell.got} after ${cell.seconds} s`,
    );
});
const all = CELLS.length + SHIPPED_CELLS.length;
const failed = wrong.length + late.length;
console.error(`${done} of ${all} cells run, ${failed} not as expected`);
process.exitCode = failed > 0 || done !== all ? 1 : 0;
