/**
 * `npm run check:deploy -- [--only PATTERN] [--json]`: everything under deploy/ that can be checked without a cluster and without
 * Docker. Exits 1 when something is wrong, and says what and where.
 */
import { parseArgs } from 'node:util';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { waiting } from '../services/process/src/progress.ts';
import type { DeployCheck } from './deploy/check.ts';
import { compose } from './deploy/compose.ts';
import { dockerfiles } from './deploy/dockerfiles.ts';
import { helmChecks } from './deploy/helm-checks.ts';
import { promtool } from './deploy/promtool.ts';

const CHECKS: readonly DeployCheck[] = [promtool, compose, dockerfiles, ...helmChecks()];

const HELP = `npm run check:deploy -- [--only PATTERN] [--json]

  --only PATTERN  only checks whose name contains it; they are: ${CHECKS.map(({ name }) => name).join(', ')}
  --json          the last line is {"checks", "problems"}; all else goes to standard error`;

function flags() {
  try {
    return parseArgs({
      options: { only: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

const { only, json, help } = flags();
const end = lastLine(json);
if (help) {
  console.log(HELP);
  process.exit(0);
}
const selected = CHECKS.filter(({ name }) => !only || name.includes(only));
if (selected.length === 0) {
  console.error(`no check's name contains '${only}'\n\n${HELP}`);
  process.exit(2);
}
let wrong = 0;
const told: Record<string, readonly string[]> = {};
for (const { name, run } of selected) {
  const { seen, problems } = await waiting(name, run).catch((error: Error) => ({
    seen: [],
    problems: [error.message],
  }));
  console.log(`${problems.length > 0 ? '✖' : '✔'} ${name}`);
  for (const line of seen) console.log(`    ${line}`);
  for (const problem of problems) console.error(`  ✖ ${problem.replaceAll('\n', '\n    ')}`);
  wrong += problems.length;
  told[name] = problems;
}
const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
console.log(wrong === 0 ? `${counted(selected.length, 'check')}, nothing wrong` : counted(wrong, 'problem'));
end({ checks: selected.length, problems: told });
process.exit(wrong === 0 ? 0 : 1);
