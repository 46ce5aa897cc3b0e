/** What Redis is asked for. */
import type { SpanAttributes } from '../observe/index.ts';

/** By which command; scripts are named by what they do. */
const COMMANDS = {
  take: ['EVALSHA', 'llmTake'],
  settle: ['EVALSHA', 'llmSettle'],
  owe: ['EVALSHA', 'llmOwe'],
  renew: ['EVALSHA', 'llmRenew'],
  add: ['EVALSHA', 'llmAdd'],
  hold: ['EVALSHA', 'llmHold'],
  unhold: ['EVALSHA', 'llmUnhold'],
  get: ['GET'],
  set: ['SET'],
  key: ['HGET'],
  total: ['HGET'],
  refresh: ['HGET'],
  read: ['HGETALL'],
  keys: ['HVALS'],
  put: ['EVALSHA', 'llmKey'],
  audit: ['LRANGE'],
  tell: ['EVALSHA', 'llmTell'],
} as const satisfies Record<string, readonly [command: string, script?: string]>;

export type RedisCall = keyof typeof COMMANDS;

/** Served by a Redis that takes no writes, such as a full one. */
const READS: ReadonlySet<RedisCall> = new Set(['get', 'key', 'total', 'refresh', 'read', 'keys', 'audit']);

export const isRead = (what: RedisCall): boolean => READS.has(what);

export function spanNameOf(what: RedisCall): { readonly name: string; readonly attributes: SpanAttributes } {
  const [command, script] = COMMANDS[what] as readonly [string, string?];
  return {
    name: script === undefined ? command : `${command} ${script}`,
    attributes: {
      'db.system.name': 'redis',
      'db.operation.name': command,
      'db.stored_procedure.name': script,
    },
  };
}
