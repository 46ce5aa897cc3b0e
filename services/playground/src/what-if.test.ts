/** The what-if tab without a browser: it says what the router's own replay says of the file that its stanza makes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { dump, load } from 'js-yaml';
import { ANONYMOUS } from '../../router-controller/src/authenticate/index.ts';
import { parseConfig, type RouterConfig } from '../../router-controller/src/config/index.ts';
import { modelsFor } from '../../router-controller/src/http/models.ts';
import { EVERYTHING, publicConfig } from '../../router-controller/src/http/public-config.ts';
import { Replay } from '../../router-controller/src/replay/index.ts';
import { ReplaySums } from '../../router-controller/src/replay/sums.ts';
import type { DecisionRecord } from '../../router-controller/src/settle/index.ts';
import type { Config } from '../page/config.ts';
import type { LoggedDecision } from '../page/decisions.ts';
import { type Edits, NO_EDITS, outcomeOf, policyWith, stanzaFor, targetsOf } from '../page/edited.ts';
import { readLog } from '../page/log-file.ts';
import { pricesOf } from '../page/prices.ts';

const FILE = `
targets:
  - { name: small, api_base: http://s, model: s, price: { input: 1, output: 2 }, capabilities: { vision: false, context_tokens: 1000 } }
  - { name: sighted, api_base: http://b, model: b, price: { input: 2, output: 2 }, capabilities: { vision: true } }
  - { name: large, api_base: http://l, model: l, price: { input: 10, output: 10, cached_input: 1 }, capabilities: { vision: false } }
policies:
  - name: p
    url: grpc://h:1/m
    threshold: 0.4
    fallback: Easy
    llms:
      - { name: Easy, target: small, fallbacks: [sighted] }
      - { name: Hard, targets: [{ target: large, weight: 3 }, { target: sighted, weight: 1 }], fallbacks: [sighted] }
      - { name: 'On', target: sighted }
`;
const LABELS = ['Easy', 'Hard', 'On', 'Gone'];
const TARGETS = ['small', 'sighted', 'large'];

/** What the page is told of a configuration. */
const told = (config: RouterConfig) => ({
  config: JSON.parse(JSON.stringify(publicConfig(config, EVERYTHING, false))) as Config,
  models: modelsFor(config, ANONYMOUS),
});

const shown = (
  config: Config,
  models: ReturnType<typeof told>['models'],
  log: DecisionRecord[],
  edits: Edits,
) => {
  const targets = targetsOf(config, models, pricesOf(models));
  const [policy] = config.policies;
  const before = policyWith(policy!, targets, NO_EDITS);
  const after = policyWith(policy!, targets, edits);
  const sums = new ReplaySums();
  for (const record of log as LoggedDecision[]) sums.add(record, outcomeOf(record, before, after, targets));
  return sums.summary();
};

/** The file with the stanza pasted into it, as its comment says to. */
function pasted(stanza: string): string {
  const file = load(FILE) as { policies: Record<string, unknown>[] };
  const { policies } = load(stanza) as typeof file;
  const [{ llms = [], ...changed }] = policies as [{ llms?: { name: string }[] }];
  const own = file.policies[0] as { llms: { name: string; fallbacks?: string[] }[] };
  Object.assign(own, changed, {
    llms: own.llms.map((entry) => {
      const found = llms.find(({ name }) => name === entry.name);
      // `target` takes the place of a list of them.
      const { targets: _dropped, ...rest } = entry as typeof entry & { targets?: unknown };
      return found ? { ...rest, ...found } : entry;
    }),
  });
  return dump(file);
}

const records = fc.array(
  fc
    .record({
      label: fc.constantFrom(...LABELS),
      confidence: fc.double({ min: 0.34, max: 1, noNaN: true }),
      threshold: fc.constantFrom(null, null, 0.9),
      reason: fc.constantFrom('classified', 'low_confidence_fallback', 'pinned', 'classifier_error_fallback'),
      entry: fc.constantFrom('Easy', 'Hard', 'On'),
      target: fc.constantFrom('small', 'sighted', 'large', null),
      tokens: fc.constantFrom(10, 900),
      cost: fc.constantFrom(null, 0.5),
    })
    .map(({ tokens, cost, confidence, label, reason, entry, target, ...rest }) => {
      const failed = reason === 'classifier_error_fallback';
      const other = LABELS.find((name) => name !== label)!;
      return {
        ...rest,
        label: failed ? null : label,
        confidence: failed ? null : confidence,
        scores: failed ? null : { [label]: confidence, [other]: 0.3 },
        extra_scores: null,
        reason,
        entry,
        target,
        policy: 'p',
        strategy: 'triton',
        model: null,
        model_version: '1',
        needs: {
          vision: false,
          audio: false,
          tools: false,
          json_schema: false,
          streaming: false,
          context_tokens: tokens,
        },
        usage: { promptTokens: tokens, cachedTokens: 4, completionTokens: 100, source: 'upstream' },
        cost_usd: cost,
      } as unknown as DecisionRecord;
    }),
  { maxLength: 40 },
);
const edited = fc.record({
  threshold: fc.constantFrom(null, 0.6, 0.95),
  targets: fc
    .dictionary(fc.constantFrom('Easy', 'Hard', 'On'), fc.constantFrom(...TARGETS))
    .map((of) => new Map(Object.entries(of))),
});

describe('another table', () => {
  const config = parseConfig(FILE, 'router.yaml');
  const page = told(config);

  test('comes to what the router’s replay says of the file with the stanza in it', () => {
    fc.assert(
      fc.property(records, edited, (log, edits) => {
        const replayed = new Replay(
          parseConfig(pasted(stanzaFor(page.config.policies[0]!, edits)), 'new.yaml'),
        );
        for (const record of log) replayed.add(record);
        const { cost_after_usd: after, ...wanted } = replayed.summary();
        const { cost_after_usd: mine, ...found } = shown(page.config, page.models, log, edits);
        assert.deepEqual(found, wanted);
        assert.ok(Math.abs(after - mine) < 1e-9, `${mine}, not ${after}`);
      }),
      { numRuns: 40 },
    );
  });

  const one = (made: object, edits: Partial<Edits>) => {
    const record = {
      policy: 'p',
      strategy: 'triton',
      label: 'Easy',
      confidence: 0.9,
      scores: { Easy: 0.9 },
      reason: 'rule',
      entry: 'Easy',
      target: 'small',
      usage: null,
      cost_usd: null,
      ...made,
    } as unknown as DecisionRecord;
    return shown(page.config, page.models, [record], { ...NO_EDITS, ...edits }).moves.map(({ to }) => to);
  };

  test('passes over what can’t see a picture, or is too small', () => {
    const needs = { vision: true, context_tokens: 10 };
    const said = { reason: 'classified', needs };
    assert.deepEqual(one(said, {}), ['sighted'], 'the fallback');
    assert.deepEqual(one({ ...said, target: 'large' }, { targets: new Map([['Easy', 'sighted']]) }), [
      'sighted',
    ]);
    const long = {
      ...said,
      needs: { vision: false, context_tokens: 1001 },
      label: 'On',
      scores: { On: 0.9 },
    };
    assert.deepEqual(one(long, {}), ['sighted']);
    assert.deepEqual(one(long, { targets: new Map([['On', 'small']]) }), []);
  });

  test('moves what a rule led to a label’s own target, and leaves what a rule, a need or the client led past it', () => {
    const targets = new Map([['Easy', 'large']]);
    assert.deepEqual(one({}, { targets }), ['large']);
    assert.deepEqual(one({ target: 'sighted' }, { targets }), []);
    assert.deepEqual(one({ reason: 'capability', target: 'sighted' }, { targets }), []);
    assert.deepEqual(one({ strategy: 'manual', reason: 'manual', target: 'small' }, { targets }), []);
    assert.deepEqual(one({ entry: 'Gone', target: 'small' }, { targets }), []);
  });

  test('is written as YAML that reads as itself, whatever labels are called', () => {
    const names = ['true', 'a: b', "it's", '#1', '1.0', 'Ä', 'x ', 'Code Generation', '- x', 'null', 'y'];
    const policy = {
      name: 'p',
      threshold: 0,
      fallback: null,
      llms: names.map((name) => ({ name, target: 'a', model: 'm' })),
    };
    const stanza = stanzaFor(policy, { threshold: 0.5, targets: new Map(names.map((name) => [name, name])) });
    assert.deepEqual(load(stanza), {
      policies: [{ name: 'p', threshold: 0.5, llms: names.map((name) => ({ name, target: name })) }],
    });
  });
});

describe('a decision log', () => {
  const line = (made: object = {}) =>
    `${JSON.stringify({ policy: 'p', strategy: 'triton', reason: 'classified', entry: 'Easy', needs: {}, ...made })}\n`;

  test('is read without its scores and the half line at its end', () => {
    const log = `${line()}${JSON.stringify({ type: 'feedback' })}\n\n${line({ entry: 'Hard' })}{"policy":`;
    assert.deepEqual(
      readLog(log).map(({ entry }) => entry),
      ['Easy', 'Hard'],
    );
  });

  test('that is another file is refused with its line', () => {
    assert.throws(() => readLog(`${line()}nonsense\n${line()}`), /Line 2: not JSON/);
    assert.throws(() => readLog('{"policy":"p"}'), /Line 1: no 'strategy': not a line of the decision log/);
    assert.throws(() => readLog('\n'), /no decisions; decision_log\.path/);
  });
});
