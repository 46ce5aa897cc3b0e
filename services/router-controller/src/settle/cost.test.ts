/** What a call costs, and what routing it saved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import type { RoutedRequest, Usage } from '../request.ts';
import { costOf, savingsOf } from './cost.ts';

const config = parseConfig(
  `
targets:
  - { name: cheap, api_base: "http://a", model: c, price: { input: 1, cached_input: 0.5, output: 2 } }
  - { name: dear, api_base: "http://a", model: d, price: { input: 10, output: 20 } }
  - { name: wordy, api_base: "http://a", model: w, price: { input: 1, output: 100 } }
  - { name: free, api_base: "http://a", model: f }
policies:
  - { name: p, url: "grpc://h:1/m", llms: [{ name: A, target: cheap }, { name: B, target: dear }, { name: C, target: wordy }, { name: D, target: free }] }
  - { name: other, url: "grpc://h:1/m", llms: [{ name: A, target: cheap }, { name: B, target: cheap }] }`,
  't.yaml',
);
const target = (name: string) => config.table.targets.get(name)!;
const usage = (promptTokens: number, completionTokens: number, cachedTokens = 0): Usage => ({
  promptTokens,
  completionTokens,
  cachedTokens,
  source: 'upstream',
});
const near = (a: number | null, b: number) =>
  assert.ok(a !== null && Math.abs(a - b) < 1e-12, `${a} is not ${b}`);
const request = (policy: string) => ({ policy: config.table.policies.get(policy)! }) as RoutedRequest;

test('input, cached input and output have their prices per million tokens', () => {
  near(costOf(target('cheap'), usage(100, 50, 40)), (60 * 1 + 40 * 0.5 + 50 * 2) / 1e6);
  // Without a price of its own, cached input costs what input does.
  near(costOf(target('dear'), usage(100, 50, 40)), (100 * 10 + 50 * 20) / 1e6);
  assert.equal(costOf(target('free'), usage(1, 1)), null);
});

test('saved is what everything to the policy’s dearest target would have cost more', () => {
  const long = usage(1_000, 10);
  near(savingsOf(request('p'), costOf(target('cheap'), long)!, long), (10_200 - 1_020) / 1e6);
  // Which one is dearest hangs on the call.
  const answer = usage(10, 1_000);
  near(savingsOf(request('p'), costOf(target('cheap'), answer)!, answer), (100_010 - 2_010) / 1e6);
  near(savingsOf(request('p'), costOf(target('wordy'), answer)!, answer), 0);
  near(savingsOf(request('other'), costOf(target('cheap'), answer)!, answer), 0);
});
