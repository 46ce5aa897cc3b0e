/** Looks at all that a router needs to run here. */
import { join } from 'node:path';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { keysRequired } from '../../../router-controller/src/authenticate/index.ts';
import { anyEnv, ConfigError, loadConfig } from '../../../router-controller/src/config/index.ts';
import { isOurs } from '../start/own-classifier.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { checkClassifier } from './classifiers.ts';
import { checkMemory, checkNode, checkPort } from './machine.ts';
import { allTargets, type RouterConfig, secrets } from './parts.ts';
import { checkRedis } from './redis.ts';
import { checkUpstreams } from './upstreams.ts';

export interface DoctorOptions {
  /** Null: the shipped configuration. */
  readonly config: string | null;
  readonly port?: number;
  /** Told of each check as it is done. */
  readonly onCheck: (check: Check) => void;
}

interface Loaded {
  readonly checks: Check[];
  /** Null: nothing more can be looked at. */
  readonly config: RouterConfig | null;
  /** Upstream keys are missing: their targets can't be asked. */
  readonly isKeyless: boolean;
}

async function load(file: string | null): Promise<Loaded> {
  const path = file ?? join(ROOT, 'config', 'router.yaml');
  const told = file ?? 'config/router.yaml (shipped)';
  try {
    const config = await loadConfig(path);
    return { checks: [inWords(told, config)], config, isKeyless: false };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // With any value in their place the file is right: only variables are missing.
    const config = await loadConfig(path, { env: anyEnv }).catch(() => null);
    const problems = error.problems
      .map(({ path: at, message }) => `${at || 'the file'}: ${message}`)
      .join('\n');
    if (config === null || !error.problems.every(({ path: at }) => /api_key$/.test(at)))
      return {
        checks: [
          fail(
            'configuration',
            `${told}\n${problems}`,
            'mend the lines named; docs/reference/configuration.md tells each key',
          ),
        ],
        config,
        isKeyless: true,
      };
    const advice = 'set it; until then `llm-router start --stand-ins` answers from local stand-ins';
    return { checks: [warn('configuration', `${told}\n${problems}`, advice)], config, isKeyless: true };
  }
}

function inWords(told: string, config: RouterConfig): Check {
  const found = `${told}: ${config.table.policies.size} policies, ${config.table.targets.size} targets`;
  try {
    return ok(
      'configuration',
      `${found}, ${keysRequired(config.file) ? 'keys are asked for' : 'no keys asked for'}`,
    );
  } catch (error) {
    return fail(
      'configuration',
      `${found}\n${(error as Error).message}`,
      'see auth in docs/how-to/keys-limits-and-budgets.md',
    );
  }
}

/** Checks in the order in which they are worth reading. */
export async function examine({ config: file, port, onCheck }: DoctorOptions): Promise<Check[]> {
  const all: Check[] = [];
  const take = (checks: readonly Check[]) => {
    for (const check of checks) {
      // What upstreams and Redis say of a failed call may hold what was sent.
      const clean = { ...check, found: secrets.text(check.found) };
      all.push(clean);
      onCheck(clean);
    }
  };
  take([checkNode(), checkMemory()]);
  const loaded = await load(file);
  const { config } = loaded;
  secrets.know(all, config?.secrets.map(({ value }) => value.reveal()) ?? []);
  take(loaded.checks);
  if (config === null) return all;
  take([await checkPort(config, port)]);
  take(await classifiers(config, file));
  take(await checkRedis(config));
  if (loaded.isKeyless) return all;
  take(await checkUpstreams(config, allTargets(config.table)));
  return all;
}

async function classifiers(config: RouterConfig, file: string | null): Promise<Check[]> {
  const repository = join(ROOT, 'model_repository');
  const embed = file === null || (await isOurs(config, repository));
  const { startRouterServer } = await import('../../../router-server/src/index.ts');
  const server = embed ? await startRouterServer({ repository, pollSeconds: 0 }) : null;
  try {
    const checks: Check[] = [];
    // One after the other: they are timed.
    for (const policy of config.table.policies.values())
      checks.push(...(await checkClassifier(policy, config, server?.grpc ?? null)));
    return checks;
  } finally {
    await server?.close();
  }
}
