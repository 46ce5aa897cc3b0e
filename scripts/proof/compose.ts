/**
 * `npm run proof:compose -- [--json] [--quick] [--only light|cpu]`: every profile of compose that needs no GPU, with images
 * built from our Dockerfiles, on an engine of its own. Ends with one line of JSON: `{"profiles","healthy","requests","failed"}`.
 * Exits 1 when a profile was not healthy, a check failed, or a request was not answered as it should be.
 */
import { parseArgs } from 'node:util';
import { setupEngine, setupTritonBase } from '../engine/bases.ts';
import { buildImages } from './compose/images.ts';
import { type Proof, prove } from './compose/prove.ts';
import type { CheckLine } from './compose/report.ts';

const HELP = `npm run proof:compose -- [--json] [--quick] [--only light|cpu]

  --json         progress on standard error; standard output has the last line alone
  --quick        the checks of npm test: up, requests, reload, the classifier killed, down
  --only NAME    one classifier's profile`;

/** One classifier each, with all that needs no GPU beside it. */
const CHOICES = [
  ['light', 'demo', 'loadtest'],
  ['cpu', 'demo', 'loadtest'],
] as const;

function flags() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const chosen = CHOICES.filter(([classifier]) => !values.only || classifier === values.only);
    if (chosen.length === 0) throw new Error(`--only must be light or cpu, not '${values.only}'`);
    return { ...values, chosen };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

const { json, quick, help, chosen } = flags();
if (help) {
  console.log(HELP);
  process.exit(0);
}
// What sets parts up tells its progress by console.log.
if (json) console.log = console.error;
const mega = (bytes: number) => `${Math.round(bytes / 1_000_000)} MB`;
const tell = ({ check, seconds, found, error }: CheckLine) =>
  console.log(
    `${error ? '✖' : '✔'} ${check}  ${seconds} s${found ? `  ${found}` : ''}${error ? `\n    ${error}` : ''}`,
  );

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

try {
  await setupEngine();
  if (chosen.some(([classifier]) => classifier === 'cpu')) await setupTritonBase();
  const began = Date.now();
  const images = await buildImages([...new Set(chosen.flat())]);
  console.log(`\nimages, built in ${Math.round((Date.now() - began) / 1000)} s:`);
  for (const { name, size } of images) console.log(`  ${name.padEnd(36)} ${mega(size).padStart(8)}`);
  const proofs: Proof[] = [];
  for (const profiles of chosen) {
    console.log(`\nprofiles ${profiles.join(', ')}`);
    proofs.push(await prove(profiles, quick, tell));
  }
  const proven = new Set(proofs.filter(({ healthy }) => healthy).flatMap(({ profiles }) => profiles));
  const sum = (key: 'requests' | 'failed') => proofs.reduce((all, proof) => all + proof[key], 0);
  const wanted = new Set<string>(chosen.flat());
  const isGood = proofs.every(({ healthy, checks }) => healthy && checks.every(({ error }) => !error));
  const result = {
    profiles: wanted.size,
    healthy: [...wanted].filter((name) => proven.has(name)).length,
    requests: sum('requests'),
    failed: sum('failed'),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = isGood ? 0 : 1;
} catch (error) {
  console.error(`proof:compose failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
