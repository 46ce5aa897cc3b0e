/** Model names that stand for a named setting. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import { readRouting } from './extension.ts';
import { pointNamed } from './points.ts';

const RIGHTS = { policies: null, targets: null };
const config = (head = 'default_policy: worth') =>
  parseConfig(
    `
${head}
aliases: { GPT-4o: worth }
targets:
  - { name: small, api_base: http://s, model: s, price: { input: 1, output: 1 } }
  - { name: large, api_base: http://l, model: l, price: { input: 10, output: 10 } }
policies:
  - { name: tasks, url: "grpc://h:1/m", llms: [{ name: A, target: small }] }
  - { name: worth, kind: value, url: "grpc://h:1/w", targets: [small, large], choose: { willingness_usd: 0.01 }, points: { night: { cost_share: 0.2 } } }
`,
    't.yaml',
  ).table;

describe('a point of a policy of kind value', () => {
  test('is named behind its policy, an alias of it, or auto, in any case and with a provider in front', () => {
    const table = config();
    for (const name of ['worth:night', 'gpt-4o:night', 'auto:night', 'AUTO:Night', 'openai/auto:night'])
      assert.deepEqual(pointNamed(table, name), {
        policy: table.policies.get('worth'),
        choose: { by: 'cost_share', at: 0.2 },
      });
    for (const name of ['worth', ':night', 'worth:', 'worth:noon', 'tasks:best', 'other:best'])
      assert.equal(pointNamed(table, name), null, name);
    assert.deepEqual(pointNamed(table, 'auto:balanced')!.choose, { by: 'willingness_usd', at: 0.01 });
    // Where the default policy is one of labels, auto has no points.
    assert.equal(pointNamed(config('default_policy: tasks'), 'auto:best'), null);
  });

  test('is what a request asks for, unless its own fields say otherwise', () => {
    const table = config('default_policy: tasks');
    const routing = (body: Record<string, unknown>) => readRouting(table, body, RIGHTS).extension;
    assert.deepEqual(routing({ model: 'worth:best' }).choose, { by: 'regret', at: 0 });
    assert.equal(routing({ model: 'worth:best' }).policy, 'worth');
    const own = { model: 'worth:best', 'nim-llm-router': { quality_floor: 0.5 } };
    assert.deepEqual(routing(own).choose, { by: 'quality_floor', at: 0.5 });
    // Another policy named in the extension has no use for it.
    const other = { model: 'worth:best', 'nim-llm-router': { policy: 'tasks' } };
    assert.deepEqual([routing(other).policy, routing(other).choose], ['tasks', null]);
    assert.throws(() => routing({ model: 'tasks', 'nim-llm-router': { policy: 'tasks', regret: 0 } }), {
      code: 'invalid_request',
      message: /'nim-llm-router.regret' is for policies of kind value, and 'tasks' is one of labels/,
    });
  });
});
