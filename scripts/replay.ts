/**
 * `npm run replay -- --log FILE [--log FILE …] --config NEW.yaml [--json]`: yesterday's decisions against another table.
 *
 * Says how many requests would go elsewhere and what they would cost. Labels are those that the log has; a table with
 * another classifier needs its own evaluation (`npm run evaluate`). Exit code: 0, or 1 with the reason.
 */
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { anyEnv, ConfigError, loadConfig } from '../services/router-controller/src/config/index.ts';
import { Replay, type ReplaySummary } from '../services/router-controller/src/replay/index.ts';
import type { DecisionRecord } from '../services/router-controller/src/settle/index.ts';

const HELP = 'npm run replay -- --log DECISIONS.jsonl [--log …] --config NEW.yaml [--json]';

function fail(message: string): never {
  console.error(`replay: ${message}`);
  process.exit(1);
}

function flags() {
  try {
    return parseArgs({
      options: {
        log: { type: 'string', multiple: true },
        config: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    fail(`${(error as Error).message}\n${HELP}`);
  }
}

/** @throws Error that says what the line lacks. */
function parse(line: string): DecisionRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error('not JSON');
  }
  const record = value as Partial<DecisionRecord> | null;
  for (const key of ['policy', 'strategy', 'reason', 'entry', 'needs'] as const)
    if (record?.[key] === undefined) throw new Error(`no '${key}': not a line of the decision log`);
  return record as DecisionRecord;
}

const usd = (value: number) => `$${value.toFixed(value !== 0 && Math.abs(value) < 1 ? 6 : 2)}`;
const share = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;

function print(summary: ReplaySummary, torn: number): void {
  const { requests, moved_entry, moved_target, unroutable, priced, cost_before_usd, cost_after_usd, moves } =
    summary;
  console.log(`${requests} requests`);
  if (torn > 0) console.log(`${torn} torn line${torn === 1 ? '' : 's'} at a file's end left out`);
  console.log(`another entry   ${moved_entry} (${share(moved_entry, requests)})`);
  console.log(`another target  ${+moved_target.toFixed(1)} (${share(moved_target, requests)})`);
  for (const [why, count] of Object.entries(unroutable)) console.log(`unroutable      ${count}: ${why}`);
  for (const { policy, from, to, requests: count } of moves)
    console.log(`  ${policy}: ${from} → ${to}  ${+count.toFixed(1)}`);
  if (priced === 0) console.log('cost            unknown: no request has a price in both tables');
  else {
    const change =
      cost_before_usd > 0 ? ` (${(100 * (cost_after_usd / cost_before_usd - 1)).toFixed(1)} %)` : '';
    console.log(
      `cost            ${usd(cost_before_usd)} → ${usd(cost_after_usd)}${change}, for the ${priced} requests priced in both`,
    );
  }
}

const { log: logs, config: file, json } = flags();
if (!logs || !file) fail(HELP);
// Keys are not needed to tell where a request would go.
const config = await loadConfig(file, { env: anyEnv }).catch((error) =>
  fail(error instanceof ConfigError ? error.message : String(error)),
);
const replay = new Replay(config);
let torn = 0;
for (const log of logs) {
  if (!existsSync(log)) fail(`${log}: no such file; decision_log.path of the configuration says where it is`);
  const lines = createInterface({ input: createReadStream(log), crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  let broken: string | null = null;
  for await (const line of lines) {
    number++;
    if (broken) fail(broken);
    if (line.trim() === '') continue;
    try {
      replay.add(parse(line));
    } catch (error) {
      // The last line may be half written by a controller that runs or was killed.
      broken = `${log}:${number}: ${(error as Error).message}`;
    }
  }
  if (broken && !broken.endsWith('not JSON')) fail(broken);
  if (broken) torn++;
}
const summary = replay.summary();
print(summary, torn);
if (json) console.log(JSON.stringify(summary));
