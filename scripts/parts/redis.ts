/** A real Redis server. */
import { systemProgram } from './debian.ts';

/** @returns the path of redis-server (it serves as Sentinel too: `--sentinel`). */
export const setupRedis = (): Promise<string> =>
  systemProgram('Redis', ['redis-server', 'valkey-server'], ['redis-server']);
