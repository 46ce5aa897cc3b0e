/** `npm run setup [-- PART …]`: installs the real parts that tests use, under .cache. Safe to repeat. */
import { setupChromium } from './parts/chromium.ts';
import { setupHelm } from './parts/helm.ts';
import { setupPrometheus } from './parts/prometheus.ts';
import { setupPythonTools } from './parts/python-tools.ts';
import { setupRedis } from './parts/redis.ts';
import { setupTrainer } from './parts/trainer.ts';
import { setupTriton } from './parts/triton.ts';

const PARTS: Readonly<Record<string, () => Promise<unknown>>> = {
  triton: setupTriton,
  'python-tools': setupPythonTools,
  trainer: setupTrainer,
  redis: setupRedis,
  prometheus: setupPrometheus,
  chromium: setupChromium,
  helm: setupHelm,
};

const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(PARTS)) {
  const setup = PARTS[name];
  if (!setup) {
    console.error(`no part '${name}'; one of: ${Object.keys(PARTS).join(', ')}`);
    process.exit(2);
  }
  try {
    await setup();
    console.log(`${name}: ready`);
  } catch (error) {
    console.error(`${name}: ${(error as Error).message}`);
    process.exit(1);
  }
}
