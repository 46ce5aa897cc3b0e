/** What a key is told of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import { checkPolicyAllowed, visibleTo } from './rights.ts';

const { table } = parseConfig(
  `
default_policy: one
targets:
  - { name: cheap, api_base: ["http://small", "http://small2"], model: cheap-model }
  - { name: dear, api_base: http://large, model: dear-model }
policies:
  - { name: one, url: "grpc://t:1/m", llms: [{ name: A, target: cheap, fallbacks: [dear] }, { name: B, target: dear }] }
  - { name: two, url: "grpc://t:1/m", llms: [{ name: A, target: dear }] }
`,
  't.yaml',
);
const told = (policies: string[] | null, targets: string[] | null) => {
  const visible = visibleTo({ policies, targets }, table);
  return [
    visible.defaultPolicy,
    visible.policies.map(({ policy, entries }) => [
      policy.name,
      entries.map(({ entry, targets: mine }) => `${entry.name}: ${mine.map(({ id }) => id).join(' ')}`),
    ]),
  ];
};

test('a key without bounds sees the whole table, a bound one what it may use', () => {
  const one = ['one', ['A: cheap cheap#2 dear', 'B: dear']];
  assert.deepEqual(told(null, null), ['one', [one, ['two', ['A: dear']]]]);
  assert.deepEqual(told(null, ['cheap']), ['one', [['one', ['A: cheap cheap#2']]]]);
  assert.deepEqual(told(['two'], null), [null, [['two', ['A: dear']]]]);
  assert.deepEqual(told(['two'], ['cheap']), [null, []]);
  assert.deepEqual(told([], null), [null, []]);
});

test('a policy that a key may not use is refused with those that it may', () => {
  checkPolicyAllowed({ policies: null, targets: null }, 'two');
  assert.throws(() => checkPolicyAllowed({ policies: ['one'], targets: null }, 'two'), {
    status: 403,
    message: "This key may not use policy 'two'; it may use: one",
  });
});
