/** Policies of kind value as the file has them, and what is refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, parseConfig } from './index.ts';

const file = (policy: string, targets = 'price: { input: 1, output: 2 }') => `
targets:
  - { name: small, api_base: http://s, model: s, price: { input: 0.1, output: 0.2 } }
  - { name: large, api_base: http://l, model: l, ${targets} }
policies:
  - name: auto
    url: grpc://h:1/auto_ensemble
    ${policy}
`;
const value = (
  more = '',
  choose = 'choose: { willingness_usd: 0.01 }',
  targets = 'targets: [small, large]',
) => file([`kind: value`, targets, choose, more].filter(Boolean).join('\n    '));
const problems = (text: string) => {
  try {
    parseConfig(text, 't.yaml');
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
};

test('a policy of kind value has its targets as entries, ranked by price, and three points of its own', () => {
  const { table } = parseConfig(
    value(
      'unfamiliar: { target: large }\n    fallback: large\n    points: { cheap: { quality_floor: 0.5 } }',
    ),
    't.yaml',
  );
  const policy = table.policies.get('auto')!;
  assert.deepEqual(
    [...policy.entries.values()].map(({ name, rank, routes }) => [name, rank, routes[0]!.target.name]),
    [
      ['small', 0, 'small'],
      ['large', 1, 'large'],
    ],
  );
  assert.deepEqual(policy.value!.unfamiliar, { below: 0.05, entry: policy.entries.get('large') });
  assert.equal(policy.fallback!.name, 'large');
  assert.deepEqual(
    [...policy.value!.points],
    [
      ['cheap', { by: 'quality_floor', at: 0.5 }],
      ['balanced', { by: 'willingness_usd', at: 0.01 }],
      ['best', { by: 'regret', at: 0 }],
    ],
  );
});

describe('refused, with what would be right', () => {
  const all = 'willingness_usd, quality_floor, regret, cost_share';
  for (const [what, text, said] of [
    [
      'no targets',
      value('', undefined, ''),
      'targets: missing; list the targets that the head has outputs for',
    ],
    ['no choose', value('', ''), `choose: missing; it needs exactly one of: ${all}`],
    ['an empty choose', value('', 'choose: {}'), `choose: needs exactly one of: ${all}`],
    [
      'two ways to choose',
      value('', 'choose: { regret: 0.1, quality_floor: 0.9 }'),
      `choose: needs exactly one of: ${all}`,
    ],
    [
      'a floor that is no probability',
      value('', 'choose: { quality_floor: 90 }'),
      'choose.quality_floor: must be at most 1',
    ],
    [
      'a way that is none',
      value('', 'choose: { regret: 0, wilingness_usd: 1 }'),
      "choose.wilingness_usd: unknown key. Did you mean 'willingness_usd'?",
    ],
    [
      'a target that is none',
      value('', undefined, 'targets: [small, larg]'),
      "targets[1]: no target 'larg'. Did you mean 'large'?",
    ],
    [
      'a target twice',
      value('', undefined, 'targets: [small, small]'),
      "targets[1]: 'small' stands twice in this policy",
    ],
    [
      'an unfamiliar target that is not the policy’s',
      value('unfamiliar: { target: huge }'),
      "unfamiliar.target: 'huge' is none of this policy’s targets. Targets here: small, large",
    ],
    [
      'tokens of a target that is not the policy’s',
      value('answer_tokens: { smal: 3 }'),
      "answer_tokens.smal: 'smal' is none of this policy’s targets. Did you mean 'small'?",
    ],
    [
      'a shadow, which compares labels',
      value('shadow: { policy: auto }'),
      'shadow: compares labels, and policies of `kind: value` have none; use `canary`, or price a setting with `npm run replay`',
    ],
    [
      'a table of labels',
      value('llms: [{ name: A, target: small }]'),
      'llms: a policy of `kind: value` lists its `targets` instead',
    ],
    [
      'a threshold',
      value('threshold: 0.5'),
      'threshold: is for labels; a policy of `kind: value` has `unfamiliar`, and `quality_floor` in `choose`',
    ],
    [
      'a setting of value in a policy of labels',
      file('llms: [{ name: A, target: small }]\n    choose: { regret: 0.1 }'),
      'choose: is for policies of `kind: value`; labels have `llms`',
    ],
    [
      'a kind that is none',
      value('').replace('kind: value', 'kind: worth'),
      'kind: must be one of: labels, value',
    ],
  ] as const)
    test(what, () => {
      assert.deepEqual(problems(text), [`policies[0].${said}`]);
    });

  test('a target without a price', () => {
    assert.deepEqual(problems(value().replace(', price: { input: 1, output: 2 }', '')), [
      "policies[0].targets[1]: target 'large' has no `price`, which a policy of `kind: value` weighs; give it one: { input, output }",
    ]);
  });
});
