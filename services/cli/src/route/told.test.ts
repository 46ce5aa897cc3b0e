import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { type Told, whyOf } from './told.ts';

const told: Told = {
  policy: 'auto',
  entry: 'small',
  label: 'small',
  confidence: 0.5,
  scores: { small: 0.5, large: 0.75 },
  reason: 'value',
  rule: null,
  target: 'small',
  model: 's',
  fallbacks: [],
  passed_over: [],
  tokens: 3,
  truncated: false,
  ask: { text: 'hi', source: 'user', cut: false },
  features: {},
  turn: {},
  ms: 1,
};

test('a decision by value shows P and cost of every target, and why one may not be asked, in place of scores', () => {
  const value = {
    choose: { regret: 0.3 },
    familiarity: 0.4,
    targets: [
      { target: 'small', quality: 0.5, cost_usd: 0.0001234567, why: null },
      { target: 'large', quality: 0.75, cost_usd: 0.02, why: 'lacks vision' },
    ],
  };
  const text = stripVTControlCharacters(whyOf({ ...told, value }));
  assert.match(text, /P of a good answer and its cost; \{"regret":0\.3\}/);
  assert.match(text, /small +█{12}·{12} +50\.0 % +\$0\.000123\n/);
  assert.match(text, /large +█{18}·{6} +75\.0 % +\$0\.02, lacks vision/);
  assert.doesNotMatch(text, /\nscores\n/);
  assert.match(stripVTControlCharacters(whyOf(told)), /\nscores\n/);
});
