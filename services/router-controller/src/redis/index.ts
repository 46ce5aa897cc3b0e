/** Redis, which replicas share: connections in each form that it is run in, and whether it is of use now. */
import type { RedisConfig } from '../config/schema-redis.ts';
import type { Logger, Metrics } from '../observe/index.ts';
import { SharedRedis } from './shared-redis.ts';

export type { RedisClient } from './clients.ts';
export type { RedisCall } from './commands.ts';
export type { Script } from './scripts.ts';
export { RedisUnavailable, SharedRedis } from './shared-redis.ts';
export { RedisVisit } from './visit.ts';

/** Null without a `redis` section. Never waits: Redis may come up later. */
export function createRedis(
  config: RedisConfig | undefined,
  metrics: Metrics,
  log: Logger,
): SharedRedis | null {
  if (config) return new SharedRedis(config, metrics, log);
  metrics.limiterUp.set(1);
  return null;
}
