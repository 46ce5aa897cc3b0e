/**
 * What limits cost: `node services/router-controller/proof/limits/cost.ts [--keys N]`. CPU of this process per request
 * that takes and settles three limits in one call each, and Redis' memory for so many keys.
 */
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { Admission } from '../../src/admit/index.ts';
import type { RouterConfig } from '../../src/config/index.ts';
import { limitSchema } from '../../src/config/schema-limits.ts';
import { redisSchema } from '../../src/config/schema-redis.ts';
import { createLog, createMetrics } from '../../src/observe/index.ts';
import { createRedis } from '../../src/redis/index.ts';
import { startRedis } from './start-redis.ts';

const { values } = parseArgs({ options: { keys: { type: 'string', default: '100000' } } });
const keys = Number(values.keys);
const AT_ONCE = 64;

const server = await startRedis();
const metrics = createMetrics();
const config = redisSchema.parse({ url: server.url, call_timeout_ms: 5_000 });
const redis = createRedis(config, metrics, createLog({ level: 'error' }))!;
await redis.ready(5_000);
const limits = [
  limitSchema.parse({ name: 'key', requests_per_minute: 600, tokens_per_minute: 1_000_000, concurrent: 50 }),
  limitSchema.parse({ name: 'tenant', scope: 'tenant', requests_per_minute: 100_000_000 }),
  limitSchema.parse({ name: 'all', scope: 'global', concurrent: 100_000 }),
];
const file = { limits, admission: { assumed_answer_tokens: 512 } };
const admission = new Admission({ config: { file } as unknown as RouterConfig, metrics, redis });
const plain = new Redis(server.url);
const memory = async () => Number(/used_memory:(\d+)/.exec(await plain.info('memory'))![1]);

async function each(count: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function request(index: number): Promise<void> {
  const caller = { id: `key_${index}`, tenant: `t${index % 100}`, policies: null, targets: null };
  const estimate = () => ({ promptTokens: 100, answerTokens: 200 });
  const grant = await admission.admit({ caller, policy: 'p', estimate });
  grant.settle(undefined);
}

await each(5_000, (index) => request(index));
const before = await memory();
const cpu = process.cpuUsage();
await each(keys, (index) => request(index + 10_000));
const used = process.cpuUsage(cpu);
const ms = (used.user + used.system) / 1_000 / keys;
const bytes = (await memory()) - before;
console.log(
  `${keys} requests of as many keys, three limits each: ${ms.toFixed(3)} ms CPU a request (take and settle)`,
);
console.log(
  `Redis: ${(bytes / 2 ** 20).toFixed(1)} MiB for ${keys} keys, ${Math.round(bytes / keys)} bytes a key`,
);
plain.disconnect();
await admission.close();
await redis.close();
await server.close();
process.exit(0);
