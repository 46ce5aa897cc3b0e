/** `npm run setup [-- PART …]`: installs the real parts that tests use. Safe to repeat. */
import { PART_NAMES, PARTS, type PartName } from './parts/index.ts';

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`no part '${unknown.join("', '")}'; one of: ${PART_NAMES.join(', ')}`);
  process.exit(2);
}
for (const name of names.length > 0 ? (names as PartName[]) : PART_NAMES) {
  try {
    console.log(`${name}: ready, ${await PARTS[name]()}`);
  } catch (error) {
    // The others are worth having all the same.
    console.error(`${name}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
