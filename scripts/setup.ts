/** `npm run setup [-- PART …] [--json]`: installs the real parts that tests use. Safe to repeat. */
import { parseArgs } from 'node:util';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { PART_NAMES, PARTS, type PartName } from './parts/index.ts';
import { setUpUnderWay } from './parts/lib.ts';

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' } },
});
const end = lastLine(values.json);
const told: Record<string, { ready: boolean; path?: string; problem?: string }> = {};
const unknown = names.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`no part '${unknown.join("', '")}'; one of: ${PART_NAMES.join(', ')}`);
  process.exit(2);
}
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => {
    const underWay = setUpUnderWay();
    if (underWay !== null) console.error(`\n${underWay}`);
    process.exit(code);
  });
for (const name of names.length > 0 ? (names as PartName[]) : PART_NAMES) {
  try {
    const path = await PARTS[name]();
    told[name] = { ready: true, path };
    console.log(`${name}: ready, ${path}`);
  } catch (error) {
    // The others are worth having all the same.
    const problem = (error as Error).message;
    told[name] = { ready: false, problem };
    console.error(`${name}: ${problem}`);
    process.exitCode = 1;
  }
}
end(told);
