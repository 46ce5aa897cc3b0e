/** Several controllers on one port of one machine: `server.workers`. */
import { basename, dirname, extname, join } from 'node:path';
import type { ConfigFile } from '../config/schema.ts';
import type { RouterConfig } from '../config/types.ts';
import { createLog } from '../observe/index.ts';
import { Primary } from './primary.ts';

export { FirstWorkerFailed } from './primary.ts';
export { WorkerSide, workerNumber } from './worker.ts';

export interface Workers {
  /** http://HOST:PORT */
  readonly url: string;
  readonly reload: (trigger: string) => void;
  /** Resolves when all have ended. */
  readonly stop: (signal: string) => Promise<void>;
}

/**
 * Starts the workers, each with this program's own arguments, and keeps their number.
 *
 * @throws FirstWorkerFailed
 */
export async function keepWorkers(
  { server, logging }: Pick<ConfigFile, 'server' | 'logging'>,
  args: readonly string[],
): Promise<Workers> {
  const { level, stream, severity } = logging;
  const log = createLog({ level, to: stream, severity });
  const primary = new Primary(server.workers, log);
  const url = await primary.start(server, args);
  log.info('workers serve', { workers: server.workers, url });
  return {
    url,
    reload: (trigger) => primary.reload(trigger),
    stop: async (signal) => {
      await primary.stop(signal);
      await log.finish();
    },
  };
}

/** `decisions.jsonl` → `decisions.2.jsonl`. */
function numbered(path: string, number: number): string {
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}.${number}${extension}`);
}

/** The configuration with files of the worker's own where two can't write one: the decision log, which is rotated. */
export function ownOf(config: RouterConfig, worker: number | null): RouterConfig {
  const { decision_log } = config.file;
  if (worker === null || decision_log.path === undefined) return config;
  const path = numbered(decision_log.path, worker);
  return { ...config, file: { ...config.file, decision_log: { ...decision_log, path } } };
}
