import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseConfig } from '../../config/index.ts';
import { chooseEntry } from './by-label.ts';
import { type Classification, findManual, orderTargets } from './choose.ts';

const { policies } = parseConfig(
  `
targets:
  - { name: a, api_base: http://a, model: model-a }
  - { name: b, api_base: http://b, model: model-b }
  - { name: c, api_base: http://c, model: model-c }
  - { name: d, api_base: http://d, model: model-d }
policies:
  - name: with
    url: grpc://t:1/m
    fallback: Rest
    llms:
      - { name: Chat, targets: [{ target: a, weight: 3 }, { target: b, weight: 1 }, { target: c, priority: 1 }], fallbacks: [d, a] }
      - { name: Big, target: d }
      - { name: Rest, target: b }
  - name: without
    url: grpc://t:1/m
    llms: [{ name: Chat, target: a }]
`,
  't.yaml',
).table;
const withFallback = policies.get('with')!;
const without = policies.get('without')!;
const said = (label: string, confidence: number): Classification => ({
  label,
  confidence,
  scores: { [label]: confidence },
  extraScores: null,
  modelVersion: '1',
  tokenCount: null,
  tokensCut: false,
});

test('an unknown label, confidence, the label itself: in this order', () => {
  const choose = (...args: Parameters<typeof said>) => {
    const choice = chooseEntry(withFallback, said(...args), 0.5);
    return choice && [choice.entry.name, choice.reason];
  };
  assert.deepEqual(choose('Chat', 0.9), ['Chat', 'classified']);
  assert.deepEqual(choose('Chat', 0.5), ['Chat', 'classified']);
  assert.deepEqual(choose('Chat', 0.49), ['Rest', 'low_confidence_fallback']);
  assert.deepEqual(choose('Poetry', 0.9), ['Rest', 'unknown_label_fallback']);
});

test('without a fallback entry a weak label stands, and an unknown one has no way', () => {
  assert.equal(chooseEntry(without, said('Chat', 0.1), 0.5)?.reason, 'low_confidence');
  assert.equal(chooseEntry(without, said('Poetry', 0.9), 0.5), null);
});

test('targets: priorities in order, each target once, fallbacks last', () => {
  const chat = withFallback.entries.get('Chat')!;
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 3, maxLength: 3 }),
      (points) => {
        const names = orderTargets(chat, () => points.shift() ?? 0).map(({ name }) => name);
        assert.deepEqual([...names.slice(0, 2)].sort(), ['a', 'b']);
        assert.deepEqual(names.slice(2), ['c', 'd']);
      },
    ),
  );
});

test('weights are shares', () => {
  const chat = withFallback.entries.get('Chat')!;
  const first = (point: number) => orderTargets(chat, () => point)[0]!.name;
  // Points side by side cover the unit interval, so counting them gives the share itself, not a sample of it.
  const points = Array.from({ length: 100 }, (_, i) => (i + 0.5) / 100);
  assert.equal(points.filter((point) => first(point) === 'a').length, 75);
});

test('manual: by entry, by model id, by target name', () => {
  assert.deepEqual(findManual(withFallback, ' Big ')?.entry.name, 'Big');
  assert.deepEqual(findManual(withFallback, 'model-c')?.target?.name, 'c');
  assert.deepEqual(findManual(withFallback, 'b')?.target?.name, 'b');
  assert.equal(findManual(withFallback, 'model-z'), null);
});
