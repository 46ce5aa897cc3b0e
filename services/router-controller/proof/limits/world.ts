/** Four controllers, what they share, and stand-ins that count how many requests they have at once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFault, startStandInLlms } from '@llm-router/stand-in-llms';
import { hashKey } from '../../src/authenticate/index.ts';
import { type Controller, startController } from '../soak/controller.ts';
import type { Backend } from './backends.ts';

export const CONTROLLERS = 4;
/** Of the limit on requests. */
export const RATE = { perMinute: 3_000, burst: 100 };
export const PLACES = 10;
const PREFIX = 'proof';

/** A bucket so slow and so deep that its level tells every token that was ever taken. */
const COUNTS_TOKENS = 'tokens_per_minute: 1, burst_tokens: 1000000000';
const MS_PER_TOKEN = 60_000;

const TENANTS = ['exact', 'again', 'places', 'mixed', 'kill', 'calm'];

const config = (llms: string, where: string, callTimeoutMs: number) => `
server: { port: 0, shutdown_grace_ms: 2000 }
classifier: { startup_wait_ms: 0 }
targets:
  - { name: llm, api_base: '${llms}', model: m }
policies:
  - name: proof
    url: grpc://127.0.0.1:9/none
    fallback: Any
    llms: [{ name: Any, target: llm }]
auth:
  keys:
${TENANTS.map((name) => `    - { id: ${name}, hash: '${hashKey(name)}', tenant: ${name} }`).join('\n')}
limits:
  - { name: exact, scope: tenant, match: exact, requests_per_minute: ${RATE.perMinute}, burst: ${RATE.burst} }
  - { name: again, scope: tenant, match: again, requests_per_minute: ${RATE.perMinute}, burst: ${RATE.burst} }
  - { name: places, scope: tenant, match: places, concurrent: ${PLACES} }
  - { name: mixed, scope: tenant, match: mixed, concurrent: 1000, ${COUNTS_TOKENS} }
  - { name: kill, scope: tenant, match: kill, concurrent: 40, ${COUNTS_TOKENS} }
  - { name: calm, scope: tenant, match: calm, requests_per_minute: 1000000, concurrent: 1000, tokens_per_minute: 1000000000 }
  - { name: everybody, scope: global, requests_per_minute: 10000000 }
redis: { ${where}, key_prefix: ${PREFIX}, call_timeout_ms: ${callTimeoutMs} }
`;

/** @param callTimeoutMs how long a request waits for Redis. */
export async function startWorld<B extends Backend>(callTimeoutMs: number, backend: B) {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-limits-'));
  let now = 0;
  let most = 0;
  const llms = await startStandInLlms({
    fault: (seen) => {
      most = Math.max(most, ++now);
      void seen.ended.finally(() => now--);
      const asked = /FAULT\(([^)]+)\)/.exec(seen.raw.subarray(0, 2_000).toString('latin1'))?.[1];
      return asked ? parseFault(asked) : null;
    },
  });
  const file = join(folder, 'router.yaml');
  writeFileSync(file, config(llms.url, backend.where, callTimeoutMs));
  const skew = ['--import', join(import.meta.dirname, 'skew.ts')];
  const controllers: Controller[] = await Promise.all(
    Array.from({ length: CONTROLLERS }, (_, index) => startController(file, index === 1 ? skew : [])),
  );
  const plain = backend.connect();
  const key = (kind: string, tenant: string) => `{${PREFIX}}:${kind}:${tenant}:${tenant}`;
  return {
    backend,
    plain,
    controllers,
    urls: controllers.map(({ url }) => url),
    /** Requests that a tenant's limit has granted, those of clients that left at once included. */
    granted: async (tenant: string) => {
      const labels = `limit="${tenant}",scope="tenant",decision="allowed"`;
      const each = await Promise.all(
        controllers.map((one) => one.metric('llm_router_limit_decisions_total', labels)),
      );
      return each.reduce((sum, count) => sum + count, 0);
    },
    /** Most requests that the stand-ins had at once since it was last asked. */
    mostAtOnce: () => {
      const told = most;
      most = now;
      return told;
    },
    leases: (tenant: string) => plain.zcard(key('lease', tenant)),
    /** Tokens taken from a tenant's deep bucket since its first request at `since` (Redis' clock, ms). */
    tokensTaken: async (tenant: string, since: number) => {
      const tat = Number((await plain.hget(key('limit', tenant), 't')) ?? since);
      return (tat - since) / MS_PER_TOKEN;
    },
    /** Calls that Redis did not answer in time. */
    late: async () => {
      const each = await Promise.all(
        controllers.slice(0, -1).map((one) => one.metric('llm_router_limiter_backend_errors_total')),
      );
      return each.reduce((sum, calls) => sum + calls, 0);
    },
    redisNow: async () => {
      const [seconds, micros] = await plain.time();
      return Number(seconds) * 1_000 + Number(micros) / 1_000;
    },
    /** Tokens of all answers of the first so many controllers, as their metrics tell. */
    tokensUsed: async (of = controllers.length) => {
      const asked = controllers.slice(0, of).map((one) => one.metric('llm_router_tokens_total'));
      return (await Promise.all(asked)).reduce((sum, tokens) => sum + tokens, 0);
    },
    stop: async () => {
      await Promise.all(controllers.map((controller) => controller.stop()));
      plain.disconnect();
      await Promise.all([backend.close(), llms.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type World<B extends Backend = Backend> = Awaited<ReturnType<typeof startWorld<B>>>;
