/**
 * `npm run soak -- [--minutes N] [--clients N] [--classifier triton|embedded] [--json]`: a controller under load while all
 * around it fails at random: upstreams, classifier, configuration, clients that leave.
 *
 * Ends with figures; with --json the last line is one JSON object. Exit code 1 when a request is unaccounted for, failed
 * although a fallback could answer, or left a socket behind.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseFault, startStandInLlms } from '@llm-router/stand-in-llms';
import { startChaos } from './soak/chaos.ts';
import { type Classifier, embeddedClassifier, tritonClassifier } from './soak/classifier.ts';
import { newTally, startClients } from './soak/clients.ts';
import { type Controller, startController } from './soak/controller.ts';
import { slopePerMinute } from './soak/slope.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    clients: { type: 'string', default: '12' },
    classifier: { type: 'string', default: 'triton' },
    json: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const clientCount = Number(values.clients);
if (!(minutes > 0) || !Number.isInteger(clientCount) || clientCount < 1) {
  console.error('soak: --minutes wants a number above 0, --clients a whole number from 1');
  process.exit(2);
}
if (values.classifier !== 'triton' && values.classifier !== 'embedded') {
  console.error(`soak: --classifier is triton or embedded, not '${values.classifier}'`);
  process.exit(2);
}

const LABELS = [
  'Creativity',
  'Reasoning',
  'Contextual-Knowledge',
  'Few-Shot',
  'Domain-Knowledge',
  'No-Label-Reason',
  'Constraint',
];
const THINK_MS = 60;
const SAMPLE_MS = 2_000;
/** Idle connections to upstreams are closed after 30 s; what is open later has leaked. */
const QUIET_MS = 40_000;
const RECOVERY_PATIENCE_MS = 30_000;
/** Of the first target in the middle of an answer, where nobody else can go on: longer than a busy machine keeps a slow one waiting. */
const IDLE_MS = 2_000;

const log = (text: string) => console.error(`soak: ${text}`);
const folder = mkdtempSync(join(tmpdir(), 'llm-router-soak-'));
const configFile = join(folder, 'router.yaml');

const config = (classifier: Classifier, first: string, second: string) => (version: number) =>
  `
# version ${version}
server: { port: 0, max_in_flight: 64 }
classifier: { startup_wait_ms: 10000, cache_entries: 100 }
upstream: { breaker_open_ms: 500, breaker_open_max_ms: 1000, retry_first_ms: 5, retry_max_ms: 20 }
decision_log: { path: '${join(folder, 'decisions.jsonl')}', max_bytes: 1000000, keep: 1 }
targets:
  - name: first
    api_base: ${first}
    model: first
    timeouts: { first_byte_ms: 400, idle_ms: ${IDLE_MS} }
    price: { input: 1, output: 2 }
  - { name: second, api_base: '${second}', model: second, price: { input: 2, output: 4 } }
policies:
  - name: complexity_router
    url: grpc://${classifier.grpc}/complexity_router_ensemble
    threshold: 0.0${version % 10}
    fallback: Any
    sticky: { enabled: ${version % 2 === 0} }
    llms:
${['Any', ...LABELS].map((name) => `      - { name: ${name}, target: first, fallbacks: [second] }`).join('\n')}
`;

/** Samples memory until stopped. */
function watchMemory(controller: Controller): {
  samples: { minute: number; bytes: number }[];
  stop: () => void;
} {
  const samples: { minute: number; bytes: number }[] = [];
  const started = performance.now();
  const timer = setInterval(() => {
    samples.push({ minute: (performance.now() - started) / 60_000, bytes: controller.rss() });
  }, SAMPLE_MS);
  return { samples, stop: () => clearInterval(timer) };
}

async function quiet(controller: Controller, baseline: number): Promise<number> {
  const until = performance.now() + QUIET_MS;
  while (controller.sockets() > baseline && performance.now() < until) await sleep(500);
  return Math.max(0, controller.sockets() - baseline);
}

log(`starting the classifier (${values.classifier}) …`);
const classifier = await (values.classifier === 'triton' ? tritonClassifier() : embeddedClassifier());
const first = await startStandInLlms({
  fault: ({ raw }) => {
    const asked = /FAULT\(([^)]+)\)/.exec(raw.subarray(0, 2_000).toString('latin1'))?.[1];
    return asked ? parseFault(asked) : null;
  },
});
const second = await startStandInLlms();
const make = config(classifier, first.url, second.url);
writeFileSync(configFile, make(0));
const controller = await startController(configFile);
const baseline = controller.sockets();
const tally = newTally();
log(`${clientCount} clients for ${minutes} minutes against ${controller.url} …`);
const memory = watchMemory(controller);
const clients = startClients(controller.url, clientCount, THINK_MS, tally);
const chaos = startChaos({
  classifier,
  tally,
  configFile,
  config: make,
  patienceMs: RECOVERY_PATIENCE_MS,
});
const end = performance.now() + minutes * 60_000;
for (let told = performance.now(); performance.now() < end; ) {
  await sleep(Math.min(1_000, Math.max(0, end - performance.now())));
  if (performance.now() < told + 15_000) continue;
  told = performance.now();
  const left = Math.round((end - told) / 1_000);
  log(
    `${left} s left, ${tally.sent.size} requests, ${tally.failed.length} failed, ${Math.round(controller.rss() / 2 ** 20)} MB`,
  );
}
await chaos.stop();
await clients.stop();
memory.stop();
log('waiting until idle connections are closed …');
const leakedSockets = await quiet(controller, baseline);
const inFlight = await controller.metric('llm_router_in_flight');
const counted = await controller.metric('llm_router_requests_total');
const code = await controller.stop();
await Promise.all([classifier.stop(), first.close(), second.close()]);
rmSync(folder, { recursive: true, force: true });

const { logged } = controller;
const twice = [...logged.values()].filter((times) => times !== 1).length;
const unlogged = [...tally.answered].filter((id) => !logged.has(id)).length;
const unaccounted = twice + unlogged + Math.abs(counted - logged.size);
const result = {
  requests: tally.sent.size,
  unaccounted,
  failed_with_fallback: tally.failed.length,
  leaked_sockets: leakedSockets,
  rss_slope_mb_per_min: +slopePerMinute(memory.samples).toFixed(3),
  recovery_ms_max: Math.round(Math.max(0, ...chaos.recoveriesMs)),
};
const mb = memory.samples.map(({ bytes }) => bytes / 2 ** 20);
console.log(`requests              ${result.requests} (${tally.left} clients left in the middle)`);
console.log(
  `unaccounted           ${unaccounted} (${unlogged} without a log line, ${twice} with several, metric ${counted} for ${logged.size} lines)`,
);
console.log(
  `failed with fallback  ${result.failed_with_fallback}; ${tally.honestErrors} streams broken after content ended with an error event`,
);
console.log(`leaked sockets        ${leakedSockets}; in flight at the end ${inFlight}`);
console.log(
  `memory                ${mb[0]?.toFixed(0)} → ${mb.at(-1)?.toFixed(0)} MB, ${result.rss_slope_mb_per_min} MB a minute over the last two thirds`,
);
console.log(
  `classifier            ${chaos.recoveriesMs.length} times in trouble, labels again after at most ${result.recovery_ms_max} ms (${chaos.recoveriesMs.map(Math.round).join(', ')})`,
);
console.log(`configuration         ${chaos.swaps.good} good and ${chaos.swaps.bad} bad files put in place`);
for (const text of tally.failed.slice(0, 10)) console.log(`  failed: ${text}`);
if (values.json) console.log(JSON.stringify(result));
process.exit(unaccounted + tally.failed.length + leakedSockets + inFlight > 0 || code !== 0 ? 1 : 0);
