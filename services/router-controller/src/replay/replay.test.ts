/** Recorded decisions against other tables. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import type { DecisionRecord } from '../settle/index.ts';
import { understand } from '../understand/index.ts';
import { Replay, replay } from './replay.ts';

const needs = {
  vision: false,
  audio: false,
  tools: false,
  json_schema: false,
  streaming: false,
  prompt_tokens: 10,
  answer_tokens: 0,
  context_tokens: 10,
};
const record: DecisionRecord = {
  time: '2026-01-01T00:00:00.000Z',
  request_id: 'r',
  tenant: 't',
  config: 'c',
  policy: 'p',
  strategy: 'triton',
  model: null,
  threshold: null,
  label: 'Hard',
  confidence: 0.6,
  scores: { Easy: 0.4, Hard: 0.6 },
  extra_scores: { prompt_complexity_score: 0.3 },
  model_version: '1',
  reason: 'classified',
  entry: 'Hard',
  target: 'large',
  status: 200,
  needs,
  usage: { promptTokens: 1_000_000, cachedTokens: 0, completionTokens: 0, source: 'upstream' },
  cost_usd: 10,
  text_sha256: '',
  text_chars: 3,
};

const table = (policy: string, hard = 'target: large') =>
  parseConfig(
    `
targets:
  - { name: small, api_base: http://s, model: s, price: { input: 1, output: 1 } }
  - { name: blind, api_base: http://b, model: b, price: { input: 2, output: 2 }, capabilities: { vision: false } }
  - { name: large, api_base: http://l, model: l, price: { input: 10, output: 10 } }
policies:
  - name: p
    url: grpc://h:1/m
    ${policy}
    llms:
      - { name: Easy, target: small }
      - { name: Hard, ${hard} }
`,
    't.yaml',
  );
const where = (made: Partial<DecisionRecord>, ...of: Parameters<typeof table>) => {
  const { entry, shares, unroutable } = replay({ ...record, ...made }, table(...of));
  return (
    unroutable ?? [entry!.name, Object.fromEntries(shares.map(({ target, share }) => [target.name, share]))]
  );
};

describe('a recorded decision', () => {
  test('under the same table goes where it went', () => {
    assert.deepEqual(where({}, ''), ['Hard', { large: 1 }]);
  });

  test('under another threshold falls back, unless the client set its own', () => {
    assert.deepEqual(where({}, 'threshold: 0.7\n    fallback: Easy'), ['Easy', { small: 1 }]);
    assert.deepEqual(where({ threshold: 0.5 }, 'threshold: 0.7\n    fallback: Easy'), ['Hard', { large: 1 }]);
  });

  test('under a score rule', () => {
    const rule = 'rules: [{ score: prompt_complexity_score, at_least: 0.25, entry: Easy }]';
    assert.deepEqual(where({}, rule), ['Easy', { small: 1 }]);
  });

  test('under a rule on what the request is; lines without features are ruled by scores alone', () => {
    const rule = 'rules: [{ when: { agent: coding }, label: Easy }]';
    const body = { messages: [], tools: [{ type: 'function', function: { name: 'apply_patch' } }] };
    const none = { session_headers: [], session_fields: [], agent_headers: [], agent_fields: [] };
    const { features, languageOf, turn } = understand(
      { body, path: '', headers: {} },
      { prompt: { turns: 1, max_chars: 100 }, identity: none },
    );
    assert.deepEqual(where({ features: { ...features, ...languageOf() }, turn }, rule), [
      'Easy',
      { small: 1 },
    ]);
    assert.deepEqual(where({}, rule), ['Hard', { large: 1 }]);
  });

  test('by weights goes in shares; incapable targets are passed over', () => {
    const hard = 'targets: [{ target: blind, weight: 3 }, { target: large }, { target: small, priority: 1 }]';
    assert.deepEqual(where({}, '', hard), ['Hard', { blind: 0.75, large: 0.25 }]);
    assert.deepEqual(where({ needs: { ...needs, vision: true } }, '', hard), ['Hard', { large: 1 }]);
    // What the entry can't do another one of the policy can; not where the client named the entry.
    const blind = { needs: { ...needs, vision: true } };
    assert.deepEqual(where(blind, '', 'target: blind'), ['Hard', { small: 1 }]);
    const byHand = { ...blind, strategy: 'manual', model: 'Hard' } as const;
    assert.equal(where(byHand, '', 'target: blind'), 'no capable target');
    assert.deepEqual(where({ needs: { ...needs, vision: true } }, '', 'target: blind, fallbacks: [small]'), [
      'Hard',
      { small: 1 },
    ]);
  });

  test('pinned stays; without a label it takes the fallback; by hand it goes by name', () => {
    assert.deepEqual(where({ reason: 'pinned', entry: 'Easy' }, ''), ['Easy', { small: 1 }]);
    const lost = {
      reason: 'classifier_timeout_fallback',
      label: null,
      scores: null,
      confidence: null,
    } as const;
    assert.deepEqual(where(lost, 'fallback: Easy'), ['Easy', { small: 1 }]);
    assert.equal(where(lost, ''), 'label without entry');
    assert.deepEqual(where({ strategy: 'manual', model: 'Easy' }, ''), ['Easy', { small: 1 }]);
    assert.deepEqual(where({ strategy: 'manual', model: 's' }, ''), ['Easy', { small: 1 }]);
    assert.equal(where({ strategy: 'manual', model: 'gone' }, ''), 'no such model');
    assert.equal(where({ policy: 'gone' }, ''), 'no such policy');
  });
});

test('many decisions add up: moves, costs where both are known, unroutable ones by reason', () => {
  const sum = new Replay(table('', 'targets: [{ target: small }, { target: large }]'));
  sum.add(record);
  sum.add(record);
  sum.add({ ...record, cost_usd: null });
  sum.add({ ...record, target: null, usage: null });
  sum.add({ ...record, policy: 'gone' });
  assert.deepEqual(sum.summary(), {
    requests: 5,
    moved_entry: 0,
    moved_target: 1.5,
    unroutable: { 'no such policy': 1 },
    priced: 2,
    cost_before_usd: 20,
    cost_after_usd: 11,
    valued: 0,
    quality_before: null,
    quality_after: null,
    moves: [{ policy: 'p', from: 'large', to: 'small', requests: 1.5 }],
  });
});

describe('a policy of kind value over its own log', () => {
  const offered = (target: string, quality: number, why: string | null = null) => ({
    target,
    quality,
    cost_usd: 0,
    input_tokens: 1_000,
    cached_tokens: 0,
    output_tokens: target === 'large' ? 2_000 : 1_000,
    why,
  });
  const logged: DecisionRecord = {
    ...record,
    reason: 'value',
    label: 'large',
    entry: 'large',
    scores: { small: 0.7, large: 0.9 },
    value: {
      choose: { regret: 0 },
      own: false,
      familiarity: 0.5,
      propensity: 1,
      targets: [offered('small', 0.7), offered('large', 0.9)],
    },
    usage: { promptTokens: 1_000, cachedTokens: 0, completionTokens: 500, source: 'upstream' },
    cost_usd: 0.015,
  };
  const valued = (choose: string, more = '') =>
    parseConfig(
      `
targets:
  - { name: small, api_base: http://s, model: s, price: { input: 1, output: 2 } }
  - { name: large, api_base: http://l, model: l, price: { input: 10, output: 10 } }
policies:
  - name: p
    kind: value
    url: grpc://h:1/m
    targets: [small, large]
    fallback: large
    choose: { ${choose} }
    ${more}
`,
      't.yaml',
    );
  const goes = (made: Partial<DecisionRecord>, ...of: Parameters<typeof valued>) => {
    const { entry, unroutable } = replay({ ...logged, ...made }, valued(...of));
    return unroutable ?? entry!.name;
  };

  test('another setting goes elsewhere, and is priced with the answer as long as was expected there', () => {
    const sum = new Replay(valued('regret: 0.3'));
    sum.add(logged);
    const {
      moves,
      cost_before_usd,
      cost_after_usd,
      valued: count,
      quality_before,
      quality_after,
    } = sum.summary();
    assert.deepEqual(moves, [{ policy: 'p', from: 'large', to: 'small', requests: 1 }]);
    // Half as long as the answer of the large one.
    assert.deepEqual([cost_before_usd, cost_after_usd], [0.015, (1_000 * 1 + 250 * 2) / 1e6]);
    assert.deepEqual([count, quality_before, quality_after], [1, 0.9, 0.7]);
  });

  test('what bounded a request, and its own setting, stand', () => {
    assert.equal(goes({}, 'regret: 0'), 'large');
    assert.equal(goes({}, 'quality_floor: 0.6'), 'small');
    assert.equal(goes({}, 'willingness_usd: 0'), 'small');
    assert.equal(goes({ value: { ...logged.value!, own: true } }, 'regret: 0.3'), 'large');
    const barred = [offered('small', 0.7, 'lacks vision'), offered('large', 0.9)];
    assert.equal(goes({ value: { ...logged.value!, targets: barred } }, 'regret: 0.3'), 'large');
    const none = barred.map((each) => ({ ...each, why: 'the key may not use it' }));
    assert.equal(goes({ value: { ...logged.value!, targets: none } }, 'regret: 0.3'), 'no capable target');
    assert.equal(goes({ reason: 'pinned', entry: 'large' }, 'regret: 0.3'), 'large');
    assert.equal(goes({}, 'regret: 0.3', 'unfamiliar: { below: 0.6, target: large }'), 'large');
    const lost = {
      reason: 'classifier_timeout_fallback',
      label: null,
      scores: null,
      confidence: null,
    } as const;
    assert.equal(goes(lost, 'regret: 0.3'), 'large');
  });

  test('a log of labels has no value to go by', () => {
    const { value: _value, ...labelled } = logged;
    assert.equal(replay(labelled, valued('regret: 0')).unroutable, 'no value logged');
  });
});
