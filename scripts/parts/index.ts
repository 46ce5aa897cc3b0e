/** The real parts by name. */
import { productImages } from '../cluster/images.ts';
import { setupEngine } from '../engine/bases.ts';
import { setupChromium } from './chromium.ts';
import { setupClients } from './clients.ts';
import { setupCluster } from './cluster.ts';
import { setupCompose } from './compose.ts';
import { setupDeployTools } from './deploy-tools.ts';
import { setupHelm } from './helm.ts';
import { setupNotebooks } from './notebooks.ts';
import { setupPrometheus } from './prometheus.ts';
import { setupPythonTools } from './python-tools.ts';
import { setupRedis } from './redis.ts';
import { setupStrace } from './strace.ts';
import { setupPolicyTrainer, setupTrainer } from './trainer.ts';
import { setupTriton } from './triton.ts';

/** Each installs what is missing and tells the path of its program; safe to repeat, and to run twice at once. */
export const PARTS = {
  triton: async () => (await setupTriton()).binary,
  'python-tools': setupPythonTools,
  trainer: setupTrainer,
  'policy-trainer': setupPolicyTrainer,
  redis: setupRedis,
  prometheus: async () => (await setupPrometheus()).prometheus,
  chromium: setupChromium,
  helm: setupHelm,
  'deploy-tools': setupDeployTools,
  compose: setupCompose,
  notebooks: setupNotebooks,
  clients: async () => (await setupClients()).python,
  strace: setupStrace,
  cluster: async () => (await setupCluster()).kubectl,
  engine: setupEngine,
  images: productImages,
} as const satisfies Readonly<Record<string, () => Promise<string>>>;

export type PartName = keyof typeof PARTS;

export const PART_NAMES = Object.keys(PARTS) as PartName[];
