/**
 * `npm run bench -- [--rounds N] [--only NAME,…] [--json] [--against DIR] [--record LABEL] [--profile FOLDER]`: what the router
 * costs, beside a bare proxy in the same run. Upstream, classifier and load are the harness' own and on the loopback only.
 *
 * On a machine with other work believe CPU times and ratios; times on the clock and requests a second only on a quiet one.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startRedis } from '../../../scripts/parts/start-redis.ts';
import { record } from './history.ts';
import { load } from './load.ts';
import type { Answers } from './mock-upstream.ts';
import { profileFolder } from './profile.ts';
import { startClassifier } from './real-classifier.ts';
import { type Row, summary, table } from './report.ts';
import { loadOf, measure, SCENARIOS, type Scenario, type TargetKind } from './scenarios.ts';
import {
  type ControllerOptions,
  direct,
  type Surroundings,
  startController,
  startFloor,
  type Target,
} from './targets.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const HELP = `npm run bench -- [options]
  --rounds N        times that each scenario is measured on each target, interleaved; default 3
  --only A,B        these scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --scale X         so many times the requests; default 1
  --warm N          requests before the first round; default 6000
  --against DIR     measure the controller of another checkout beside this one
  --cpus LIST       CPUs of the targets, as taskset takes them
  --node-args LIST  options for the controller's Node, with spaces between
  --sources         the controller runs from its sources, not as the one file that is shipped; a profile always does
  --record LABEL    add the result to the history (bench/history.jsonl) and draw it
  --profile FOLDER  write a CPU profile and a flame graph of the controller under 64 connections
  --json            one JSON object on the last line`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    scale: { type: 'string', default: '1' },
    warm: { type: 'string', default: '6000' },
    against: { type: 'string' },
    cpus: { type: 'string', default: '' },
    'node-args': { type: 'string', default: '' },
    sources: { type: 'boolean', default: false },
    record: { type: 'string' },
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  console.error(`bench: --${name} wants a number above 0, not '${text}'`);
  process.exit(2);
}
const rounds = Math.round(positive('rounds', values.rounds));
const scale = positive('scale', values.scale);
const names = values.only?.split(',') ?? (values.profile === undefined ? null : ['c64']);
const unknown = names?.find((name) => !SCENARIOS.some((each) => each.name === name));
if (unknown !== undefined) {
  console.error(`bench: no scenario '${unknown}'; one of: ${SCENARIOS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const scenarios = SCENARIOS.filter(({ name }) => names?.includes(name) ?? true);
const say = (line: string) => console.error(line);

const folder = mkdtempSync(join(tmpdir(), 'llm-router-bench-'));
const world = fork(join(import.meta.dirname, 'world.ts'));
const [addresses] = (await once(world, 'message')) as [{ upstream: string; triton: string }];
const password = 'the-password-of-the-bench';
const redis = await startRedis({ folder, password });
const around: Surroundings = { ...addresses, redis: { url: redis.url, password }, folder };
const set = async (answers: Answers) => {
  const done = once(world, 'message');
  world.send(answers);
  await done;
};

const { cpus } = values;
const nodeArgs = values['node-args'].split(' ').filter(Boolean);
const profiling = values.profile === undefined ? null : profileFolder(values.profile);
const sources = values.sources || profiling !== null;
const running: Target[] = [];
const byKind = new Map<TargetKind, Target[]>();
const wanted = (kind: TargetKind) => scenarios.some(({ kinds }) => kinds.includes(kind));
const add = (kind: TargetKind, target: Target) => {
  running.push(target);
  byKind.set(kind, [...(byKind.get(kind) ?? []), target]);
};
const isMany = (target: Target) => byKind.get('many')?.includes(target) ?? false;

async function warm(target: Target, requests: number): Promise<void> {
  const plain: Scenario = { ...SCENARIOS[1]!, requests };
  await load(loadOf(plain, target));
  await load({ ...loadOf({ ...plain, stream: true }, target), requests: Math.ceil(requests / 10) });
}

let exit = 0;
try {
  if (wanted('direct')) add('direct', direct(around));
  if (wanted('floor')) add('floor', await startFloor(around, cpus));
  const args = [...nodeArgs, ...(profiling?.nodeArgs ?? [])];
  const ours = (name: string, over: Partial<ControllerOptions> = {}, by = around) =>
    startController(by, { name, root: ROOT, sources, cpus, nodeArgs, ...over });
  if (wanted('ours')) add('ours', await ours('ours', { nodeArgs: args }));
  if (values.against !== undefined && wanted('ours'))
    add('ours', await ours('before', { root: resolve(values.against) }));
  if (wanted('many')) {
    const many = await ours('ours-many', { shape: { keys: 1_000, policies: 50 } });
    add('many', many);
    // Not another process: two that run the same scenario alike differ by more than what is asked here.
    byKind.set('one', [{ ...many, name: 'ours-one' }]);
  }
  if (wanted('workers')) add('workers', await ours('ours-2-workers', { shape: { server: ', workers: 2' } }));
  if (wanted('real')) {
    const classifier = await startClassifier(cpus);
    running.push(classifier);
    const real = { ...around, triton: classifier.url };
    add('real', await ours('ours-real', {}, real));
    byKind.get('real')!.push({ ...byKind.get('real')![0]!, name: 'its classifier', pid: classifier.pid });
  }
  const each = Number(values.warm);
  for (const target of new Set([...byKind.values()].flat())) {
    if (!running.includes(target) || target.pid === null || target.name === 'its classifier') continue;
    say(`warming ${target.name} …`);
    await warm(target, target.name === 'ours-real' ? 100 : each);
  }

  const rows: Row[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const scenario of scenarios) {
      const targets = scenario.kinds.flatMap((kind) => byKind.get(kind) ?? []);
      // In a new order each time: what is first finds another machine than what is last.
      for (const target of targets.toSorted(() => Math.random() - 0.5)) {
        const cell = await measure(scenario, target, { set, many: isMany(target), scale });
        rows.push({ round, scenario: scenario.name, target: target.name, ...cell });
        if (cell.failed > 0) {
          say(`${target.name}, ${scenario.name}: ${cell.failed} failed`);
          exit = 1;
        }
      }
    }
    say(`round ${round} of ${rounds} done`);
  }
  console.log(table(rows, scenarios));
  const result = summary(rows);
  if (values.record !== undefined) record(values.record, result);
  if (values.json) console.log(JSON.stringify(result));
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  exit = 1;
} finally {
  await Promise.all(running.map((target) => target.stop()));
  world.disconnect();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
}
if (profiling && exit === 0) console.error(profiling.draw());
process.exit(exit);
