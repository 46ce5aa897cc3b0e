import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Classification } from './choose.ts';
import { tempered } from './temper.ts';

const softmax = (logits: readonly number[], temperature: number) => {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp((logit - most) / temperature));
  const sum = powers.reduce((all, value) => all + value, 0);
  return powers.map((value) => value / sum);
};

function answer(probabilities: readonly number[]): Classification {
  const scores = Object.fromEntries(probabilities.map((value, i) => [`l${i}`, value]));
  const confidence = Math.max(...probabilities);
  return {
    label: `l${probabilities.indexOf(confidence)}`,
    confidence,
    scores,
    extraScores: null,
    modelVersion: '1',
    tokenCount: null,
    tokensCut: false,
  };
}

test('is the softmax of the logits over the temperature, whatever they are', () => {
  const logits = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(logits, fc.double({ min: 0.5, max: 5, noNaN: true }), (given, temperature) => {
      const told = tempered(answer(softmax(given, 1)), temperature);
      for (const [i, wanted] of softmax(given, temperature).entries())
        assert.ok(Math.abs(told.scores[`l${i}`]! - wanted) < 1e-9);
      assert.equal(told.confidence, told.scores[told.label]);
    }),
  );
});

test('answers of zeros and ones stay, and rounding below zero harms nothing', () => {
  assert.equal(tempered(answer([0, 1, 0]), 1.4).confidence, 1);
  assert.deepEqual(tempered(answer([0, 0]), 1.4), answer([0, 0]));
  assert.equal(tempered(answer([-0.004, 1]), 1.4).scores.l0, 0);
});
