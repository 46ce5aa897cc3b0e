/** Budgets in USD that nothing could spend are found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from './index.ts';
import { priceProblems, unpricedTargets } from './prices.ts';

const config = (priced: readonly string[], more: object) =>
  parseConfig(
    JSON.stringify({
      targets: ['a', 'b'].map((name) => ({
        name,
        api_base: 'http://127.0.0.1:1',
        model: name,
        ...(priced.includes(name) && { price: { input: 1, output: 1 } }),
      })),
      policies: ['a', 'b'].map((name) => ({
        name: `of_${name}`,
        url: 'grpc://127.0.0.1:1/m',
        llms: [{ name: 'X', target: name }],
      })),
      ...more,
    }),
    'test.yaml',
  );
const found = (priced: readonly string[], more: object) => {
  const { file, table } = config(priced, more);
  return {
    problems: priceProblems(file, table).map(({ path }) => path),
    unpriced: unpricedTargets(file, table),
  };
};
const budget = (more: object) => ({ budgets: [{ name: 'x', period: 'day', ...more }] });

test('only where nothing that it counts has a price; budgets in tokens need none', () => {
  assert.deepEqual(found([], budget({ usd: 1 })), { problems: ['budgets[0].usd'], unpriced: ['a', 'b'] });
  assert.deepEqual(found(['a'], budget({ usd: 1 })), { problems: [], unpriced: ['b'] });
  assert.deepEqual(found([], budget({ tokens: 1 })), { problems: [], unpriced: [] });
  const ofB = budget({ usd: 1, scope: 'policy', match: 'of_b' });
  assert.deepEqual(found(['a'], ofB).problems, ['budgets[0].usd']);
  const key = {
    id: 'key_k',
    hash: `sha256:${'0'.repeat(64)}`,
    tenant: 't',
    targets: ['b'],
    budget: { period: 'day', usd: 1 },
  };
  assert.deepEqual(found(['a'], { auth: { keys: [key] } }).problems, ['auth.keys[0].budget.usd']);
  assert.deepEqual(found(['b'], { auth: { keys: [key] } }).problems, []);
});
