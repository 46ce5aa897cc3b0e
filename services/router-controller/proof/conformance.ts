/**
 * `npm run conformance [-- --suite NAME] [--json]`: clients that others wrote, against a real router in front of stand-ins
 * that speak chat completions alone, with nothing changed but base URL, key and model.
 *
 * Prints a table; with --json the last line is one JSON object. Exit code 1 when a check failed.
 */
import { parseArgs } from 'node:util';
import { clientSuites } from './conformance/suites.ts';
import { startWorld } from './conformance/world.ts';

const { values } = parseArgs({
  options: { suite: { type: 'string' }, json: { type: 'boolean', default: false } },
});

const suites = clientSuites().filter(({ name }) => values.suite === undefined || name.includes(values.suite));
if (suites.length === 0) {
  console.error(
    `conformance: no suite's name contains '${values.suite}'; there are ${clientSuites()
      .map(({ name }) => name)
      .join(', ')}`,
  );
  process.exit(2);
}
const world = await startWorld();
const result: Record<string, { passed: number; failed: number }> = {};
try {
  for (const { name, run } of suites) {
    const checks = await run(world);
    const failed = checks.filter(({ ok }) => !ok);
    result[name] = { passed: checks.length - failed.length, failed: failed.length };
    console.error(
      `${failed.length === 0 ? '✔' : '✖'} ${name.padEnd(24)} ${checks.length - failed.length} of ${checks.length}`,
    );
    for (const { check, error } of failed) console.error(`    ${check}: ${error ?? ''}`);
  }
} finally {
  await world.stop();
}
console.log(values.json ? JSON.stringify({ suites: result }) : result);
process.exit(Object.values(result).some(({ failed }) => failed > 0) ? 1 : 0);
