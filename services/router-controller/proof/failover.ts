/**
 * `node services/router-controller/proof/failover.ts [--call-timeout-ms N] [--json]`: four controllers, a Redis master with
 * its replica and three Sentinels; under load the master is killed. Shows that requests go on, what was let through
 * meanwhile, what it cost in time, and that limits are exact again afterwards. About a minute.
 *
 * Exit code 1 when a request failed, more was let through than the local shares allow, or the limit was not exact again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSentinels } from './limits/backends.ts';
import { CALM_PAUSE_MS, PAUSE_MS, percentile, run } from './limits/clients.ts';
import { mostGranted, shortfallPct } from './limits/granted.ts';
import { CONTROLLERS, RATE, startWorld } from './limits/world.ts';

const { values } = parseArgs({
  options: {
    'call-timeout-ms': { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
  },
});
const callTimeoutMs = Number(values['call-timeout-ms']);
if (!Number.isInteger(callTimeoutMs) || callTimeoutMs < 1) {
  console.error('proof:failover: --call-timeout-ms wants a whole number from 1');
  process.exit(2);
}

const CLIENTS = 64;
/** Controllers tell each other every five seconds that they are there. */
const BEATS_MS = 6_000;
const CALM_MS = 5_000;
const WARM_MS = 3_000;
const BEFORE_MS = 2_000;
const AFTER_MS = 2_000;
const EXACT_MS = 10_000;
/** What a master granted so shortly before its death its replica may not know. */
const UNREPLICATED_MS = 500;
const say = (text: string) => console.error(`proof:failover: ${text}`);

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 30_000; !(await holds()); await sleep(50))
    if (performance.now() > end) throw new Error(`it never came true: ${what}`);
}

const after = (ms: number) => {
  const end = performance.now() + ms;
  return () => performance.now() >= end;
};

say('starting a master, a replica, three Sentinels, stand-ins and four controllers …');
const backend = await startSentinels();
const world = await startWorld(callTimeoutMs, backend);
const shared = async () => {
  const up = await Promise.all(world.controllers.map((one) => one.metric('llm_router_limiter_backend_up')));
  return up.every((value) => value === 1);
};
/** The proof's load: demand far over the limit, half of it streams, some clients leave. */
const load = (tenant: string, ends: () => boolean) =>
  run(world.urls, { key: tenant, clients: CLIENTS, until: ends, pauseMs: PAUSE_MS, leave: 0.1 });
/** Somebody who is far from any limit. */
const calm = (ends: () => boolean) =>
  run(world.urls, { key: 'calm', clients: 16, until: ends, pauseMs: CALM_PAUSE_MS });

let code = 1;
try {
  await until('all share the limits', shared);
  await until('a failover can begin', backend.ready);
  // The shares of an outage go by how many see each other.
  await sleep(BEATS_MS);
  let over = false;
  const flood = load('exact', () => over);
  await sleep(WARM_MS);
  say('calm …');
  const base = await calm(after(CALM_MS));
  say('the master is killed …');
  let others = true;
  const served = calm(() => !others);
  await sleep(BEFORE_MS);
  const promotedMs = await backend.failOver();
  await until('all share the limits again', shared);
  await sleep(AFTER_MS);
  others = false;
  over = true;
  const [result, during] = await Promise.all([flood, served]);
  const elapsed = performance.now() - result.firstAt;
  const granted = await world.granted('exact');
  const limit = mostGranted(elapsed);

  say('exact again …');
  const again = await load('again', after(EXACT_MS));
  const limitAgain = mostGranted(performance.now() - again.firstAt);
  const grantedAgain = await world.granted('again');

  const failed = [...base.failed, ...result.failed, ...during.failed, ...again.failed];
  const addedP99 = percentile(during.ms, 0.99) - percentile(base.ms, 0.99);
  const told = {
    controllers: CONTROLLERS,
    promoted_ms: Math.round(promotedMs),
    requests: result.begun + during.begun,
    failed_requests: failed.length,
    limit,
    granted,
    /** The controllers' shares go on from where Redis was; its bucket fills up meanwhile, and has lost the master's last. */
    most: limit + RATE.burst + Math.ceil((RATE.perMinute * UNREPLICATED_MS) / 60_000),
    added_p99_ms: Math.round(addedP99),
    limit_after: limitAgain,
    granted_after: grantedAgain,
    over_after: Math.max(0, grantedAgain - limitAgain),
    shortfall_after_pct: +shortfallPct(grantedAgain, again).toFixed(2),
  };
  for (const text of failed.slice(0, 10)) console.log(`  failed: ${text}`);
  console.log(
    `failover in ${told.promoted_ms} ms: ${told.requests} requests, ${told.failed_requests} failed, ` +
      `${granted} let through of ${limit} (at most ${told.most}), p99 ${told.added_p99_ms} ms above calm`,
  );
  console.log(
    `afterwards: limit ${limitAgain}, granted ${grantedAgain}, over ${told.over_after}, short ${told.shortfall_after_pct} %`,
  );
  if (values.json) console.log(JSON.stringify(told));
  const right =
    told.failed_requests === 0 &&
    told.granted <= told.most &&
    told.over_after === 0 &&
    told.shortfall_after_pct <= 5;
  code = right ? 0 : 1;
} finally {
  await world.stop();
}
process.exit(code);
