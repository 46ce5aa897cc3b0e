/** Admission over a Redis of the test's, to see whether limits are shared through it, and what is told of it. */
import { Writable } from 'node:stream';
import { Admission } from '../src/admit/index.ts';
import type { LimitConfig, RouterConfig } from '../src/config/index.ts';
import { limitSchema } from '../src/config/schema-limits.ts';
import { redisSchema } from '../src/config/schema-redis.ts';
import { RouterError } from '../src/errors.ts';
import { createLog, createMetrics } from '../src/observe/index.ts';
import { createRedis } from '../src/redis/index.ts';

const CALLER = { id: 'ann', tenant: 'acme', policies: null, targets: null };
const REQUEST = { caller: CALLER, policy: 'p', estimate: () => ({ promptTokens: 10, answerTokens: 10 }) };

/** Admission with limits of `perMinute` requests, and what it logged. */
export function admission(redisConfig: object, more: Partial<LimitConfig> = {}) {
  const lines: string[] = [];
  const metrics = createMetrics();
  const stream = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  const redis = createRedis(redisSchema.parse(redisConfig), metrics, createLog({ level: 'info', stream }))!;
  const limits = [
    limitSchema.parse({
      name: 'rpm',
      requests_per_minute: 5,
      concurrent: 100,
      tokens_per_minute: 100_000,
      ...more,
    }),
  ];
  const config = { file: { limits, admission: { assumed_answer_tokens: 1 } } } as unknown as RouterConfig;
  const subject = new Admission({ config, metrics, redis });
  return {
    redis,
    metrics,
    lines,
    /** Lines of the log on Redis, as `level message: problem`. */
    told: () =>
      lines
        .map((line) => JSON.parse(line) as Record<string, string>)
        .filter(({ message }) => message!.includes('Redis'))
        .map(({ level, message, problem }) => `${level} ${message}${problem ? `: ${problem}` : ''}`),
    /** Requests that pass of so many. */
    passing: async (count: number) => {
      let passed = 0;
      for (let i = 0; i < count; i++) {
        try {
          (await subject.admit(REQUEST)).settle(undefined);
          passed++;
        } catch (error) {
          if (!(error instanceof RouterError) || error.status !== 429) throw error;
        }
      }
      return passed;
    },
    close: async () => {
      await subject.close();
      await redis.close();
    },
  };
}
