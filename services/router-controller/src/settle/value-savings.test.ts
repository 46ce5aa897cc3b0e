/** What choosing by value saved, by what was used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import type { Offer, Usage, Weighed } from '../request.ts';
import { costOf } from './cost.ts';
import { valueSavings } from './value-savings.ts';

const { table } = parseConfig(
  `
targets:
  - { name: small, api_base: http://s, model: s, price: { input: 1, output: 2 } }
  - { name: good, api_base: http://g, model: g, price: { input: 4, output: 8 } }
  - { name: dear, api_base: http://d, model: d, price: { input: 10, cached_input: 1, output: 20 } }
policies: [{ name: auto, kind: value, url: "grpc://h:1/m", targets: [small, good, dear], choose: { regret: 0.1 } }]`,
  't.yaml',
);
const offer = (name: string, quality: number, outputTokens: number, more: Partial<Offer> = {}): Offer => ({
  entry: table.policies.get('auto')!.entries.get(name)!,
  quality,
  estimate: { inputTokens: 100, cachedTokens: 0, outputTokens, usd: 0 },
  why: null,
  ...more,
});
const usage: Usage = { promptTokens: 100, cachedTokens: 0, completionTokens: 30, source: 'upstream' };
const saved = (offers: readonly Offer[], name = 'small') => {
  const target = table.targets.get(name)!;
  const weighed: Weighed = { choose: { by: 'regret', at: 0.1 }, offers, familiarity: null, propensity: 1 };
  return Object.fromEntries(
    valueSavings(weighed, target, usage, costOf(target, usage)!).map(({ against, usd }) => [
      against,
      Math.round(usd * 1e9) / 1e3,
    ]),
  );
};

test('the others would have answered as much longer or shorter as was expected', () => {
  const offers = [offer('small', 0.8, 60), offer('good', 0.9, 120), offer('dear', 0.85, 30)];
  // 160 here; 100·4 + 60·8 at the best, 100·10 + 15·20 at the dearest; in millionths.
  assert.deepEqual(saved(offers), { best: 880 - 160, dearest: 1_300 - 160 });
  assert.deepEqual(saved(offers, 'good'), { best: 0, dearest: 1_000 + 7.5 * 20 - (400 + 30 * 8) });
});

test('nothing is saved against what might not have been asked, and never less than nothing', () => {
  const barred = { why: 'lacks vision' };
  const offers = [offer('small', 0.8, 60), offer('good', 0.7, 60), offer('dear', 0.9, 60, barred)];
  assert.deepEqual(saved(offers), { best: 0, dearest: 640 - 160 });
  assert.deepEqual(saved(offers, 'dear'), { best: 0, dearest: 0 });
  assert.deepEqual(saved([offer('good', 0.7, 60)]), {});
});
