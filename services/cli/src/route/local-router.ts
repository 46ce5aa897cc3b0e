/**
 * A router in this process for looking at decisions: the configuration's table, rules and classifier, and the router's own
 * code from the request on; no keys, no Redis, no traces, and nothing upstream is ever called.
 */

import { join } from 'node:path';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { anyEnv, loadConfig, type RouterConfig } from '../../../router-controller/src/config/index.ts';
import { startRouter } from '../../../router-controller/src/router.ts';
import { type RouterServer, startRouterServer } from '../../../router-server/src/index.ts';
import { isOurs } from '../start/own-classifier.ts';

export interface LocalRouter {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Nobody waits behind it, so a decision may take its time rather than be a fallback's. */
const PATIENCE_MS = 60_000;

const alone = (config: RouterConfig): RouterConfig => {
  const { file } = config;
  const { redis: _redis, admin: _admin, object_store: _store, ...rest } = file;
  return {
    ...config,
    file: {
      ...rest,
      server: { ...file.server, host: '127.0.0.1', port: 0, drain_delay_ms: 0, cors_origins: [] },
      auth: { ...file.auth, mode: 'open', keys: [], keys_in_redis: false, jwt: undefined },
      limits: [],
      budgets: [],
      classifier: { ...file.classifier, deadline_ms: PATIENCE_MS, startup_wait_ms: PATIENCE_MS },
      logging: { ...file.logging, level: 'error', prompts: false },
      tracing: { ...file.tracing, endpoint: undefined },
      decision_log: { ...file.decision_log, path: undefined },
      spend_log: { ...file.spend_log, path: undefined },
      notify: { ...file.notify, webhooks: [] },
    },
  };
};

/** @param file null: the shipped configuration. @throws ConfigError, or Error when the classifier can't be used */
export async function startLocalRouter(file: string | null): Promise<LocalRouter> {
  const path = file ?? join(ROOT, 'config', 'router.yaml');
  const repository = join(ROOT, 'model_repository');
  // Where a request would go is told without keys.
  const load = (classifierUrl?: string) =>
    loadConfig(path, { env: anyEnv, ...(classifierUrl && { overrides: { classifierUrl } }) });
  const named = process.env.LLM_ROUTER_CLASSIFIER_URL;
  const ours = !named && (file === null || (await isOurs(await load(), repository)));
  const server: RouterServer | null = ours ? await startRouterServer({ repository, pollSeconds: 0 }) : null;
  try {
    const config = alone(await load(server ? `grpc://${server.grpc}` : named));
    const router = await startRouter({ config });
    return {
      url: router.url,
      stop: async () => {
        await router.stop();
        await server?.close();
      },
    };
  } catch (error) {
    await server?.close();
    throw error;
  }
}
