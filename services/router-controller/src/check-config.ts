/**
 * `npm run check-config -- FILE`: validates a configuration without starting anything. Exits 0 when it
 * is right; else 1, with every problem, its path, and the nearest right word.
 *
 * Variables that are not set are problems, unless `--allow-missing-secrets` is given (for CI, where keys are absent).
 */
import { parseArgs } from 'node:util';
import { keysRequired } from './authenticate/index.ts';
import { anyEnv, ConfigError, loadConfig } from './config/index.ts';
import { priceProblems, unpricedTargets } from './config/prices.ts';
import { isTooWeak } from './observe/secrets/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'allow-missing-secrets': { type: 'boolean' } },
});
const [file] = positionals;
if (!file || positionals.length > 1) {
  console.error('usage: npm run check-config -- FILE [--allow-missing-secrets]');
  process.exit(2);
}

try {
  const config = await loadConfig(file, values['allow-missing-secrets'] ? { env: anyEnv } : {});
  try {
    keysRequired(config.file);
  } catch (error) {
    throw new ConfigError(file, [{ path: 'auth', message: (error as Error).message }]);
  }
  const { policies, targets } = config.table;
  console.log(`${file}: ok, ${policies.size} policies, ${targets.size} targets`);
  const free = priceProblems(config.file, config.table);
  if (free.length > 0) throw new ConfigError(file, free);
  const unpriced = unpricedTargets(config.file, config.table);
  if (unpriced.length > 0)
    console.log(
      `  warning: there are budgets in USD, and these targets have no price: ${unpriced.join(', ')}`,
    );
  for (const policy of policies.values()) {
    const { protocol, address, model } = policy.endpoints[0]!;
    console.log(
      `  ${policy.name}: ${policy.entries.size} entries, classifier ${model} at ${address} (${protocol})`,
    );
  }
  for (const { path, value } of values['allow-missing-secrets'] ? [] : config.secrets)
    if (isTooWeak(value.reveal()))
      console.error(`warning: ${path} is too short, or a common word, to be taken out of answers and logs`);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
