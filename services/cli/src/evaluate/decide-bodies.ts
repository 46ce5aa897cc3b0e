/** Decides request bodies as the router does: understanding, second look, rules, choice; without calling anybody. */
import {
  anyEnv,
  loadConfig,
  parseConfig,
  type RouterConfig,
} from '../../../router-controller/src/config/index.ts';
import { Decider } from '../../../router-controller/src/decide/index.ts';
import { createLog, createMetrics } from '../../../router-controller/src/observe/index.ts';
import { understand } from '../../../router-controller/src/understand/index.ts';
import { BadRows, type BodyRow } from './rows.ts';

const DEADLINE_MS = 60_000;

export interface Decided {
  readonly label: string;
  /** Probability of the label; 1 where a rule took the request for it unasked. */
  readonly confidence: number;
  /** Target that would be asked first; null: the policy is of no configuration. */
  readonly target: string | null;
  /** Of the ask, where its script or its words tell. */
  readonly language: string | null;
}

export interface BodyDecider {
  readonly decide: (row: BodyRow) => Promise<Decided>;
  /** False: targets can't be compared. */
  readonly hasTargets: boolean;
  readonly close: () => void;
}

/** A policy that no configuration has: its labels are its entries, and there is nothing to send to. */
const alone = (policy: string, model: string, labels: readonly string[]) =>
  JSON.stringify({
    policies: [
      {
        name: policy,
        url: `grpc://127.0.0.1:1/${model}`,
        llms: labels.map((name) => ({ name, api_base: 'http://127.0.0.1:1', model: 'none' })),
      },
    ],
  });

const patient = (config: RouterConfig): RouterConfig => ({
  ...config,
  file: {
    ...config.file,
    // Every figure is a request's own, and none is a fallback's.
    classifier: {
      ...config.file.classifier,
      deadline_ms: DEADLINE_MS,
      cache_entries: 0,
      startup_wait_ms: DEADLINE_MS,
    },
  },
});

/** Only the policy that is asked for: others may need models that this server has not. */
function only(config: RouterConfig, name: string): RouterConfig {
  const policy = config.table.policies.get(name)!;
  const table = { ...config.table, policies: new Map([[name, { ...policy, canary: null, shadow: null }]]) };
  return { ...config, table };
}

/**
 * @param endpoint host:port of a KServe v2 gRPC server.
 * @param file configuration whose policy of this name says rules and targets.
 * @throws BadRows when the configuration can't be read
 */
export async function startBodyDecider(
  endpoint: string,
  policy: string,
  labels: readonly string[],
  file: string,
): Promise<BodyDecider> {
  const overrides = { classifierUrl: `grpc://${endpoint}` };
  const loaded = await loadConfig(file, { env: anyEnv, overrides }).catch((error: Error) => {
    throw new BadRows(error.message);
  });
  const hasTargets = loaded.table.policies.has(policy);
  const config = patient(
    hasTargets
      ? only(loaded, policy)
      : parseConfig(alone(policy, `${policy}_ensemble`, labels), policy, { overrides }),
  );
  const inForce = config.table.policies.get(policy)!;
  const decider = new Decider({
    config,
    metrics: createMetrics(),
    log: createLog({ level: 'error' }),
    random: () => 0,
  });
  await decider.start();
  const { prompt, identity } = config.file;
  return {
    hasTargets,
    close: () => decider.close(),
    decide: async ({ body, path, headers }) => {
      const facts = understand({ body, path, headers }, { prompt, identity });
      const decision = await decider.decideInput({
        id: 'evaluate',
        config,
        policy: inForce,
        facts,
        headers,
        extension: { policy, strategy: 'triton', model: null, threshold: null },
        caller: { id: 'evaluate', tenant: 'evaluate', policies: null, targets: null },
        address: '',
      });
      if (decision.reason.startsWith('classifier_')) throw new Error('the classifier gave no answer in time');
      return {
        label: decision.label ?? decision.entry.name,
        confidence: decision.confidence ?? 1,
        target: hasTargets ? decision.targets[0]!.name : null,
        language: facts.languageOf().language,
      };
    },
  };
}
