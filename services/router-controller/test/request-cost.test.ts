/**
 * What a request costs, in counts that no busy machine changes: the writes that it causes, one request after the other, seen by
 * strace. The stored figures (request-cost.json) are most that there may be; who comes to fewer writes them down there.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setupStrace } from '../../../scripts/parts/strace.ts';
import { load } from '../bench/load.ts';
import { ANSWERS } from '../bench/mock-upstream.ts';
import { loadOf, type Scenario } from '../bench/scenarios.ts';
import { type Surroundings, startController, type Target } from '../bench/targets.ts';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { ROOT } from './harness.ts';

const REQUESTS = 20;
/** A probe or a beat of the background may fall in between. */
const SLACK = 0.3;
const BASELINE = JSON.parse(readFileSync(join(import.meta.dirname, 'request-cost.json'), 'utf8')) as Record<
  'plain' | 'stream',
  Record<'client' | 'others' | 'log', number>
>;

const folder = mkdtempSync(join(tmpdir(), 'llm-router-cost-'));
const trace = join(folder, 'trace');
const world = fork(join(ROOT, 'services/router-controller/bench/world.ts'));
let redis: RedisServer;
let target: Target;

before(async () => {
  const [addresses] = (await once(world, 'message')) as [{ upstream: string; triton: string }];
  redis = await startRedis();
  const around: Surroundings = { ...addresses, redis: { url: redis.url, password: '' }, folder };
  // Other system calls run at full speed; each descriptor is told with what it is.
  const under = [
    await setupStrace(),
    '-f',
    '--seccomp-bpf',
    '-yy',
    '-s',
    '200',
    '-e',
    'trace=write,writev',
    '-o',
    trace,
  ];
  target = await startController(around, { name: 'traced', root: ROOT, cpus: '', under });
});

after(async () => {
  await target?.stop();
  world.disconnect();
  await redis?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function writesOf(stream: boolean) {
  const scenario: Scenario = {
    name: 'cost',
    what: '',
    kinds: [],
    connections: 1,
    requests: REQUESTS,
    stream,
  };
  const ask = async () => {
    const { ok, failed } = await load(loadOf(scenario, target));
    assert.deepEqual([ok, failed], [REQUESTS, 0]);
    // What is told afterwards belongs to the request.
    await sleep(500);
  };
  // What is done once, such as connections, is not the request's.
  await ask();
  const at = readFileSync(trace, 'utf8').length;
  await ask();
  const port = new URL(target.url).port;
  // What goes by time: looks at Redis, replicas that count one another, usage that is written now and then.
  const background = /:probe|:replicas|:written:/;
  const lines = readFileSync(trace, 'utf8')
    .slice(at)
    .split('\n')
    .filter((line) => !background.test(line));
  const count = (what: RegExp) => lines.filter((line) => what.test(line)).length / REQUESTS;
  const all = count(/^\d+ +writev?\(\d+<TCP/);
  const client = count(new RegExp(`^\\d+ +writev?\\(\\d+<TCP(?:v6)?:\\[[^\\]>]*:${port}->`));
  return { client, others: all - client, log: count(/^\d+ +writev?\(2</) };
}

for (const kind of ['plain', 'stream'] as const)
  test(`a ${kind} request causes no more writes than it did`, async () => {
    const seen = await writesOf(kind === 'stream');
    const most = BASELINE[kind];
    assert.ok(seen.client > 0 && seen.others > 0 && seen.log > 0, JSON.stringify(seen));
    // Twenty contents, the role, the reason, usage and the end: no event takes two.
    if (kind === 'stream') assert.ok(seen.client <= ANSWERS.chunks + 6, JSON.stringify(seen));
    for (const where of ['client', 'others', 'log'] as const)
      assert.ok(
        seen[where] <= most[where] + SLACK,
        `${where}: ${seen[where]} writes a request, ${most[where]} stored`,
      );
  });
