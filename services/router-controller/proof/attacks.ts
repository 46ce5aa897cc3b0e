/**
 * `npm run proof:attacks -- [--only PATTERN] [--json]`: attacks on a running router with a heap of 512 MB, on loopback,
 * bounded. Meanwhile a thread looks at `/livez` and another tenant makes its requests.
 *
 * Prints a table; with --json the last line is one JSON object. Exit code 1 when an attack was not held.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { hashKey } from '../src/authenticate/index.ts';
import { BODIES } from './attacks/bodies.ts';
import { OPERATORS } from './attacks/operators.ts';
import type { Attack, Keys, Scene } from './attacks/scene.ts';
import { TENANTS } from './attacks/tenants.ts';
import { startUpstream } from './attacks/upstream.ts';
import type { Seen, WatchOrder } from './attacks/watcher.ts';
import { startRedis } from './limits/start-redis.ts';
import { embeddedClassifier } from './soak/classifier.ts';
import { startController } from './soak/controller.ts';

const HEAP_MB = 512;
const RSS_EVERY_MS = 50;
/** Between attacks, so that one's end is not the next one's begin. */
const PAUSE_MS = 250;
/** A key without a prefix that anybody could know. */
const SECRET = 'upsecret00112233445566778899aabb';

const { values } = parseArgs({
  options: { only: { type: 'string' }, json: { type: 'boolean', default: false } },
});
const attacks: Attack[] = [...BODIES, ...TENANTS, ...OPERATORS].filter(
  ({ name }) => values.only === undefined || new RegExp(values.only).test(name),
);
if (attacks.length === 0) {
  console.error(`proof:attacks: no attack's name matches '${values.only}'`);
  process.exit(2);
}

const keys: Keys = {
  attacker: 'sk-llmr-attacker-0123456789',
  bystander: 'sk-llmr-bystander-0123456789',
  limited: 'sk-llmr-limited-0123456789',
  narrow: 'sk-llmr-narrow-0123456789',
  otherPolicy: 'sk-llmr-other-0123456789',
};

const LABELS = [
  'Creativity',
  'Reasoning',
  'Contextual-Knowledge',
  'Few-Shot',
  'Domain-Knowledge',
  'No-Label-Reason',
  'Constraint',
];
const entries = (dear: string) =>
  LABELS.map((name) => `      - { name: ${name}, target: ${name === dear ? 'dear' : 'cheap'} }`).join('\n');

const config = (upstream: string, classifier: string, redis: string) => `
default_policy: task_router
classifier: { deadline_ms: 1000 }
server: { port: 0, max_in_flight: 64 }
redis: { url: '${redis}' }
limits: [{ name: everybody, scope: global, tokens_per_minute: 400000000 }]
auth:
  keys:
    - { id: attacker, tenant: acme, hash: '${hashKey(keys.attacker)}' }
    - { id: revoked, tenant: acme, hash: '${hashKey(`${keys.attacker}-revoked`)}' }
    - { id: bystander, tenant: bravo, hash: '${hashKey(keys.bystander)}' }
    - { id: limited, tenant: limited, limits: { requests_per_minute: 5 }, hash: '${hashKey(keys.limited)}' }
    - { id: narrow, tenant: narrow, targets: [cheap], hash: '${hashKey(keys.narrow)}' }
    - { id: bound, tenant: bound, policies: [other], hash: '${hashKey(keys.otherPolicy)}' }
targets:
  - { name: cheap, api_base: '${upstream}', api_key: '${SECRET}', model: cheap-model, price: { input: 1, output: 1 } }
  - { name: dear, api_base: '${upstream}', api_key: '${SECRET}', model: dear-model, price: { input: 100, output: 100 } }
policies:
  - name: task_router
    url: grpc://${classifier}/complexity_router_ensemble
    fallback: Constraint
    llms:
${entries('')}
  - name: other
    url: grpc://${classifier}/complexity_router_ensemble
    fallback: Constraint
    canary: { policy: task_router, share: 1 }
    llms:
${entries('Reasoning')}
`;

const folder = mkdtempSync(join(tmpdir(), 'llm-router-attacks-'));
const configFile = join(folder, 'router.yaml');
console.error('proof:attacks: starting Redis, a classifier, a lying upstream and the router …');
const redis = await startRedis();
const classifier = await embeddedClassifier();
const upstream = await startUpstream();
const yaml = config(upstream.url, classifier.grpc, redis.url);
writeFileSync(configFile, yaml);
const controller = await startController(configFile, [`--max-old-space-size=${HEAP_MB}`]);

const scene: Scene = {
  url: controller.url,
  controller,
  keys,
  upstream,
  secret: SECRET,
  configFile,
  rewrite: (change) => {
    writeFileSync(`${configFile}.new`, change(yaml));
    renameSync(`${configFile}.new`, configFile);
  },
  writeTorn: async (pauseMs) => {
    // The keys are what is missing while the file is half written.
    const [head, auth] = [
      yaml.replace(/^auth:[\s\S]*?(?=^\w)/m, ''),
      /^auth:[\s\S]*?(?=^\w)/m.exec(yaml)![0],
    ];
    writeFileSync(configFile, head);
    await sleep(pauseMs);
    writeFileSync(configFile, head + auth);
    await sleep(300);
  },
};

const watcher = new Worker(new URL('./attacks/watcher.ts', import.meta.url), {
  workerData: { url: controller.url, key: keys.bystander } satisfies WatchOrder,
});
const report = () =>
  new Promise<Seen>((resolve) => {
    watcher.once('message', resolve);
    watcher.postMessage('report');
  });
let rssPeak = 0;
const memory = setInterval(() => {
  try {
    rssPeak = Math.max(rssPeak, controller.rss());
  } catch {
    // The process is gone; the exit is counted below.
  }
}, RSS_EVERY_MS);

const percentile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b);
const failures = ({ bystander }: Seen) =>
  Object.entries(bystander).reduce((sum, [status, count]) => sum + (status === '200' ? 0 : count), 0);

const alive = async () => {
  try {
    return (await fetch(`${controller.url}/livez`, { headers: { connection: 'close' } })).ok;
  } catch {
    return false;
  }
};

const all: number[] = [];
let held = 0;
let otherFailed = 0;
let exits = 0;
await sleep(1_000);
await report();
console.error(`  ${'attack'.padEnd(62)} held  /livez p50 p99 max, ms   others failed`);
for (const { name, finding, run } of attacks) {
  let problem: string | null;
  try {
    problem = await run(scene);
  } catch (error) {
    problem = (error as Error).message;
  }
  await sleep(PAUSE_MS);
  if (!(await alive())) {
    exits++;
    console.error(`✖ ${name}: the router is gone`);
    break;
  }
  const seen = await report();
  all.push(...seen.livez);
  const times = sorted(seen.livez);
  otherFailed += failures(seen);
  if (problem === null) held++;
  const cells = [percentile(times, 0.5), percentile(times, 0.99), times.at(-1) ?? 0]
    .map((ms) => ms.toFixed(1).padStart(7))
    .join('');
  console.error(
    `${problem === null ? '✔' : '✖'} ${`${name} (${finding})`.padEnd(62)}${problem === null ? ' yes' : '  NO'} ${cells}   ${JSON.stringify(seen.bystander)}${problem === null ? '' : `\n    ${problem}`}`,
  );
}
clearInterval(memory);
await watcher.terminate();
await controller.stop();
await classifier.stop();
upstream.close();
await redis.close();
rmSync(folder, { recursive: true, force: true });

const result = {
  attacks: attacks.length,
  held,
  livez_p99_ms: Math.round(percentile(sorted(all), 0.99) * 10) / 10,
  other_tenants_failed: otherFailed,
  exits,
  rss_peak_mb: Math.round(rssPeak / 1024 / 1024),
};
console.log(values.json ? JSON.stringify(result) : result);
process.exit(held === attacks.length && exits === 0 ? 0 : 1);
