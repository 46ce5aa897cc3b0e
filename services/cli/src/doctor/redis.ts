/** Redis, asked as requests ask it. */
import { type Check, fail, ok } from './check.ts';
import { createMetrics, createRedis, type Logger, type RouterConfig } from './parts.ts';

const WAIT_MS = 5_000;

export async function checkRedis({ file }: RouterConfig): Promise<Check[]> {
  if (!file.redis) return [];
  let problem = '';
  const heard = (_message: string, fields?: { problem?: string }) => {
    problem = fields?.problem ?? problem;
  };
  const log = { info: () => {}, debug: () => {}, warn: heard, error: heard } as unknown as Logger;
  const redis = createRedis(file.redis, createMetrics(), log)!;
  try {
    return [
      (await redis.ready(WAIT_MS))
        ? ok('Redis', 'takes what limits, usage and budgets write')
        : fail(
            'Redis',
            problem || 'does not answer',
            'look at the redis section: address, user, password, TLS, rights',
          ),
    ];
  } finally {
    await redis.close();
  }
}
