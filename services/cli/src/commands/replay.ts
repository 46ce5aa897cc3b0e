/**
 * `llm-router replay`: yesterday's decisions against another table.
 *
 * Says how many requests would go elsewhere and what they would cost. Labels, and P of targets, are those that the log has; a
 * table with another classifier needs its own evaluation (`llm-router evaluate`).
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { progress } from '../../../process/src/progress.ts';
import { whyUnread } from '../../../process/src/unread.ts';
import type { ReplaySummary } from '../../../router-controller/src/replay/index.ts';
import type { DecisionRecord } from '../../../router-controller/src/settle/index.ts';
import { gathered, newCommand } from '../lib/command.ts';
import { CommandError } from '../lib/errors.ts';

interface Options {
  readonly log: readonly string[];
  readonly config: string;
  readonly json?: boolean;
}

export const replay = (): Command =>
  newCommand('replay', 'where logged requests would go under another configuration, and at what cost', {
    group: 'better',
    examples: [
      {
        line: 'llm-router replay --log decisions.jsonl --config new.yaml',
        what: 'decision_log.path of the running configuration says where the log is',
      },
    ],
  })
    .requiredOption('--log <FILE>', 'decision log; more than one may be given', gathered)
    .requiredOption('--config <FILE>', 'the other configuration')
    .option('--json', 'the last line is one JSON object')
    .action(run);

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
  const { valued, quality_before, quality_after } = summary;
  if (quality_before !== null && quality_after !== null)
    console.log(
      `predicted P     ${quality_before.toFixed(3)} → ${quality_after.toFixed(3)}, mean over ${valued} requests of policies of kind value`,
    );
  if (priced === 0) console.log('cost            unknown: no request has a price in both tables');
  else {
    const change =
      cost_before_usd > 0 ? ` (${(100 * (cost_after_usd / cost_before_usd - 1)).toFixed(1)} %)` : '';
    console.log(
      `cost            ${usd(cost_before_usd)} → ${usd(cost_after_usd)}${change}, for the ${priced} requests priced in both`,
    );
  }
}

async function run({ log: logs, config: file, json }: Options): Promise<void> {
  const { anyEnv, loadConfig } = await import('../../../router-controller/src/config/index.ts');
  const { Replay, readLogLine } = await import('../../../router-controller/src/replay/index.ts');
  // Keys are not needed to tell where a request would go.
  const replayed = new Replay(await loadConfig(file, { env: anyEnv }));
  let torn = 0;
  const of = logs.reduce((sum, log) => sum + (statSync(log, { throwIfNoEntry: false })?.size ?? 0), 0);
  let before = 0;
  const bar = progress('kB of the log');
  try {
    for (const log of logs) {
      let read = 0;
      const onBytes = (bytes: number) => {
        read = bytes;
        bar.update(Math.ceil((before + read) / 1000), Math.ceil(of / 1000));
      };
      if (await readLog(log, onBytes, readLogLine<DecisionRecord>, (record) => replayed.add(record))) torn++;
      before += read;
    }
  } finally {
    bar.end();
  }
  const summary = replayed.summary();
  print(summary, torn);
  if (json) console.log(JSON.stringify(summary));
}

/** @returns true when its last line is torn: half written by a controller that runs or was killed. */
async function readLog(
  log: string,
  onBytes: (read: number) => void,
  parse: (line: string) => DecisionRecord | null,
  add: (record: DecisionRecord) => void,
): Promise<boolean> {
  if (!existsSync(log))
    throw new CommandError(
      `replay: ${log}: no such file; decision_log.path of the configuration says where it is`,
    );
  const input = createReadStream(log);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  let records = 0;
  let broken: string | null = null;
  try {
    for await (const line of lines) {
      number++;
      onBytes(input.bytesRead);
      if (broken) break;
      if (line.trim() === '') continue;
      try {
        const record = parse(line);
        if (record) add(record);
        records++;
      } catch (error) {
        broken = `${log}:${number}: ${(error as Error).message}`;
        // Only the last line may be torn, and what is torn is not JSON.
        if (!broken.endsWith('not JSON')) break;
      }
    }
  } catch (error) {
    throw new CommandError(`replay: ${log} can’t be read: ${whyUnread(error)}`);
  }
  if (broken && records === 0)
    throw new CommandError(`replay: ${broken}; a decision log has one JSON object a line`);
  if (broken && (!broken.endsWith('not JSON') || !broken.startsWith(`${log}:${number}:`)))
    throw new CommandError(`replay: ${broken}`);
  return broken !== null;
}
