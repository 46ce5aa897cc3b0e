/**
 * `npm run check-config -- FILE`: validates a configuration without starting anything. Exits 0 when it
 * is right; else 1, with every problem, its path, and the nearest right word.
 *
 * `--json`: one object, `{"ok", "file", "policies", "targets", "problems", "warnings"}`.
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
  options: { 'allow-missing-secrets': { type: 'boolean' }, json: { type: 'boolean' } },
});
const [file] = positionals;
if (!file || positionals.length > 1) {
  console.error('usage: npm run check-config -- FILE [--allow-missing-secrets] [--json]');
  process.exit(2);
}

const isUnset = ({ message }: { message: string }) => /^environment variable \S+ is not set/.test(message);

const warnings: string[] = [];
const say = (line: string) => {
  if (!values.json) console.log(line);
};

try {
  const config = await loadConfig(file, values['allow-missing-secrets'] ? { env: anyEnv } : {});
  try {
    keysRequired(config.file);
  } catch (error) {
    throw new ConfigError(file, [{ path: 'auth', message: (error as Error).message }]);
  }
  const { policies, targets } = config.table;
  say(`${file}: ok, ${policies.size} policies, ${targets.size} targets`);
  const free = priceProblems(config.file, config.table);
  if (free.length > 0) throw new ConfigError(file, free);
  const unpriced = unpricedTargets(config.file, config.table);
  if (unpriced.length > 0) {
    warnings.push(`there are budgets in USD, and these targets have no price: ${unpriced.join(', ')}`);
    say(`  warning: ${warnings[0]}`);
  }
  for (const policy of policies.values()) {
    const { protocol, address, model } = policy.endpoints[0]!;
    say(`  ${policy.name}: ${policy.entries.size} entries, classifier ${model} at ${address} (${protocol})`);
  }
  for (const { path, value } of values['allow-missing-secrets'] ? [] : config.secrets)
    if (isTooWeak(value.reveal())) {
      const warning = `${path} is too short, or a common word, to be taken out of answers and logs`;
      warnings.push(warning);
      console.error(`warning: ${warning}`);
    }
  if (values.json)
    console.log(
      JSON.stringify({
        ok: true,
        file,
        policies: [...policies.keys()],
        targets: [...targets.keys()],
        problems: [],
        warnings,
      }),
    );
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  if (error instanceof ConfigError && !values['allow-missing-secrets'] && error.problems.every(isUnset))
    console.error('  --allow-missing-secrets checks all else without them');
  if (values.json)
    console.log(
      JSON.stringify({
        ok: false,
        file,
        problems:
          error instanceof ConfigError ? error.problems : [{ path: '', message: (error as Error).message }],
        warnings,
      }),
    );
  process.exit(1);
}
