import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import type { Decision, Pin, Usage } from '../request.ts';
import { conversationSaving } from './conversation-savings.ts';

const { table } = parseConfig(
  `
targets:
  - { name: small, api_base: "http://a", model: s, price: { input: 1, output: 1 } }
  - { name: large, api_base: "http://a", model: l, price: { input: 10, cached_input: 1, output: 10 } }
  - { name: free, api_base: "http://a", model: f }
policies:
  - name: p
    url: grpc://h:1/m
    llms: [{ name: Easy, target: small }, { name: Hard, target: large, fallbacks: [free] }]
`,
  't.yaml',
);
const policy = table.policies.get('p')!;
const target = (name: string) => table.targets.get(name)!;
const usage: Usage = {
  promptTokens: 1_000_000,
  cachedTokens: 800_000,
  completionTokens: 0,
  source: 'upstream',
};
const after = (answered: string | null) => {
  const pin = answered === null ? null : ({ answered } as Pin);
  return { policy, stay: { pin } } as unknown as Decision;
};

test('staying saves what cached tokens cost less', () => {
  const saved = conversationSaving(after('large'), target('large'), usage);
  assert.equal(saved?.by, 'staying');
  assert.ok(Math.abs(saved.usd - 7.2) < 1e-9);
});

test('moving saves what the target before would have cost more, and never less than nothing', () => {
  const down = conversationSaving(after('large'), target('small'), usage);
  assert.equal(down?.by, 'moving');
  // 0.2 million fresh at 10 and 0.8 million cached at 1, against a million at 1.
  assert.ok(Math.abs(down.usd - 1.8) < 1e-9);
  assert.deepEqual(conversationSaving(after('small'), target('large'), usage), { by: 'moving', usd: 0 });
});

test('a first turn, no conversation and unknown prices tell nothing', () => {
  assert.equal(conversationSaving(after(null), target('large'), usage), null);
  assert.equal(conversationSaving({ policy } as Decision, target('large'), usage), null);
  assert.equal(conversationSaving(after('free'), target('large'), usage), null);
  assert.equal(conversationSaving(after('large'), target('free'), usage), null);
});
