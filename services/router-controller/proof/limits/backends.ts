/** The Redis that a proof's controllers share: one behind a cable that can be cut, or a master with its Sentinels. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startCable } from './cable.ts';
import { startRedis } from './start-redis.ts';

export interface Backend {
  /** Where Redis is, as the configuration's `redis` section says it. */
  readonly where: string;
  /** A connection of the proof's own. */
  readonly connect: () => Redis;
  readonly close: () => Promise<void>;
}

const watched = (client: Redis) => client.on('error', () => {});

export async function startSingle() {
  const redis = await startRedis();
  const cable = await startCable(redis.port);
  return {
    redis,
    cable,
    where: `url: 'redis://127.0.0.1:${cable.port}'`,
    connect: () => watched(new Redis({ port: redis.port, host: '127.0.0.1', retryStrategy: () => 100 })),
    close: async () => {
      await Promise.all([cable.close(), redis.close()]);
    },
  };
}

const SENTINELS = 3;
const MASTER = 'main';

/** A master, its replica and three Sentinels, two of which must agree that the master is gone. */
export async function startSentinels() {
  const master = await startRedis();
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)]);
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-sentinels-'));
  const sentinels = await Promise.all(
    Array.from({ length: SENTINELS }, (_, index) => {
      const file = join(folder, `sentinel-${index}.conf`);
      const lines = [
        `sentinel monitor ${MASTER} 127.0.0.1 ${master.port} 2`,
        `sentinel down-after-milliseconds ${MASTER} 500`,
        `sentinel failover-timeout ${MASTER} 3000`,
      ];
      writeFileSync(file, lines.join('\n'));
      return startRedis([], file);
    }),
  );
  const nodes = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  const told = watched(new Redis({ port: replica.port, host: '127.0.0.1' }));
  const sees = async (words: RegExp) => words.test(await told.info('replication'));
  const seenBy = nodes.map((node) => watched(new Redis(node)));
  return {
    where: `sentinels: ${JSON.stringify(nodes)}, master: ${MASTER}`,
    connect: () =>
      watched(
        new Redis({
          sentinels: nodes,
          name: MASTER,
          retryStrategy: () => 100,
          sentinelRetryStrategy: () => 100,
        }),
      ),
    /** True once a failover can go well: the replica is in step, and the Sentinels know it and each other. */
    ready: async () => {
      const known = await Promise.all(
        seenBy.map(async (one) => {
          const told = (await one.call('SENTINEL', 'MASTER', MASTER)) as string[];
          const of = (name: string) => Number(told[told.indexOf(name) + 1]);
          return of('num-slaves') === 1 && of('num-other-sentinels') === SENTINELS - 1;
        }),
      );
      return known.every(Boolean) && (await sees(/master_link_status:up/));
    },
    /** Ends the master at once. @returns milliseconds until the replica is the master. */
    failOver: async () => {
      const killedAt = performance.now();
      await master.kill();
      while (!(await sees(/role:master/))) {
        if (performance.now() - killedAt > 30_000) throw new Error('the Sentinels made no new master');
        await sleep(20);
      }
      return performance.now() - killedAt;
    },
    close: async () => {
      for (const one of [told, ...seenBy]) one.disconnect();
      await Promise.all([master, replica, ...sentinels].map((server) => server.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
