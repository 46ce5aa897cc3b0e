/** Whole decisions of a policy of kind value: facts bound them, conversations stay where it pays, trouble falls back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import { createLog, createMetrics } from '../observe/index.ts';
import type { Pin, RoutedRequest } from '../request.ts';
import { ClassifierError, type ModelClient, type ModelDescription } from './classify/model-client.ts';
import { Decider } from './decider.ts';
import { inputOf, type Made } from './testing.ts';

const NAMES = ['small', 'large'];
const config = (policy = '', large = '', rest = '') =>
  parseConfig(
    `
# A loaded machine is not what is tested here.
classifier: { deadline_ms: 20000 }
targets:
  - { name: small, api_base: http://small, model: s, price: { input: 1, cached_input: 0.1, output: 4 }, capabilities: { vision: false } }
  - { name: large, api_base: http://large, model: l, price: { input: 10, cached_input: 1, output: 40 } ${large} }
policies:
  - name: auto
    kind: value
    url: grpc://t:1/auto
    targets: [small, large]
    fallback: large
    ${policy.includes('choose:') ? '' : 'choose: { regret: 0.1 }'}
    ${policy}
${rest}`,
    't.yaml',
  );

interface Said {
  readonly p: readonly number[];
  readonly familiarity?: number;
  readonly tokens?: readonly number[];
}

/** A head that goes by single words. */
const byText = (text: string): Said =>
  text.includes('hard')
    ? { p: [0.3, 0.9] }
    : text.includes('strange')
      ? { p: [0.8, 0.9], familiarity: 0.001 }
      : { p: [0.85, 0.9] };

async function decider(
  made: ReturnType<typeof config> = config(),
  say: (text: string) => Said | Promise<Said> = byText,
  model: Partial<ModelDescription> = {},
  random: () => number = () => 0.999,
) {
  const scoreNames = ['familiarity', ...NAMES.map((name) => `output_tokens/${name}`)];
  const connect = (): ModelClient => ({
    address: 'scripted',
    describe: async () => ({
      version: '1',
      labels: NAMES,
      size: 2,
      maxBatch: 8,
      hasTokenCount: true,
      tokenLimit: 256,
      kind: 'value',
      scoreNames,
      ...model,
    }),
    infer: async (texts) => ({
      modelVersion: '1',
      answers: await Promise.all(
        texts.map(async (text) => {
          const { p, familiarity = 0.5, tokens = [100, 200] } = await say(text);
          return { output: [...p], tokenCount: 1_000, scores: [familiarity, ...tokens] };
        }),
      ),
    }),
    close: () => {},
  });
  const clock = { now: 1_000_000 };
  const all = new Decider({
    config: made,
    metrics: createMetrics(),
    log: createLog({ level: 'error' }),
    connect,
    random,
    now: () => clock.now,
  });
  await all.start();
  const decide = async (asked: string | Record<string, unknown>, more: Made = {}) =>
    all.decideInput(inputOf(made, asked, more));
  const told = async (...[asked, more]: Parameters<typeof decide>) => {
    const { entry, reason, targets, label, confidence } = await decide(asked, more);
    assert.equal(label === null ? null : label, label === null ? null : entry.name);
    return [entry.name, reason, targets.map(({ name }) => name).join(), confidence];
  };
  return { all, decide, told, clock };
}

const picture = {
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'see' },
        { type: 'image_url', image_url: { url: 'data:' } },
      ],
    },
  ],
};

describe('a decision by value', () => {
  test('weighs P and the estimate of every target, and goes on with the next best', async () => {
    const { decide, told, all } = await decider();
    assert.deepEqual(await told('an easy one'), ['small', 'value', 'small,large', 0.85]);
    assert.deepEqual(await told('a hard one'), ['large', 'value', 'large,small', 0.9]);
    const { weighed } = await decide('an easy one');
    assert.deepEqual(
      weighed!.offers.map(({ entry, quality, estimate }) => [entry.name, quality, estimate.usd]),
      // 1,000 tokens in, as the head counts them; 100 and 200 out, as it expects them.
      [
        ['small', 0.85, (1_000 * 1 + 100 * 4) / 1e6],
        ['large', 0.9, (1_000 * 10 + 200 * 40) / 1e6],
      ],
    );
    assert.deepEqual(
      [weighed!.familiarity, weighed!.propensity, weighed!.choose],
      [0.5, 1, { by: 'regret', at: 0.1 }],
    );
    all.close();
  });

  test('takes the request’s own setting; what it leaves or bounds is weighed alone', async () => {
    const { told, decide, all } = await decider();
    const asked = (extension: Made['extension']) => told('an easy one', { extension: extension! });
    assert.deepEqual((await asked({ choose: { by: 'regret', at: 0 } })).slice(0, 2), ['large', 'value']);
    assert.deepEqual((await asked({ choose: { by: 'quality_floor', at: 0.95 } })).slice(0, 2), [
      'large',
      'floor_unreachable',
    ]);
    assert.deepEqual((await asked({ choose: { by: 'cost_share', at: 1 } })).slice(0, 2), ['large', 'value']);
    assert.deepEqual((await asked({ choose: { by: 'cost_share', at: 0.5 } })).slice(0, 2), [
      'small',
      'value',
    ]);
    assert.deepEqual((await asked({ targets: ['large'] })).slice(0, 3), ['large', 'value', 'large']);
    assert.deepEqual((await asked({ exclude: ['s'] })).slice(0, 3), ['large', 'value', 'large']);
    const bound = { maxCost: 0.01, choose: { by: 'regret', at: 0 } } as const;
    assert.deepEqual((await asked(bound)).slice(0, 3), ['small', 'value', 'small']);
    await assert.rejects(decide('x', { extension: { maxCost: 0.0001 } }), {
      code: 'invalid_request',
      message:
        'No target is left to choose from. small: would cost about 0.0014 USD, over 0.0001; large: would cost about 0.018 USD, over 0.0001',
    });
    // An answer that is asked to be short costs less.
    const short = { messages: [{ role: 'user', content: 'x' }], max_tokens: 1 };
    assert.equal((await decide(short, { extension: { maxCost: 0.0011 } })).entry.name, 'small');
    all.close();
  });

  test('stays within what the request needs and its key may use', async () => {
    const { told, decide, all } = await decider();
    assert.deepEqual((await told(picture)).slice(0, 3), ['large', 'value', 'large']);
    assert.deepEqual((await told('a hard one', { caller: { targets: ['small'] } })).slice(0, 3), [
      'small',
      'value',
      'small',
    ]);
    await assert.rejects(decide('x', { caller: { targets: ['other'] } }), { code: 'permission_denied' });
    await assert.rejects(decide(picture, { caller: { targets: ['small'] } }), {
      code: 'no_capable_target',
      message: /small lacks vision/,
    });
    const { weighed } = await decide(picture);
    assert.deepEqual(
      weighed!.offers.map(({ why }) => why),
      ['lacks vision', null],
    );
    all.close();
  });

  test('rules come before it, and a target named by hand is asked alone', async () => {
    const { told, all } = await decider(
      config(
        'rules: [{ name: r, when: { images: true }, entry: small }]',
        ', capabilities: { vision: true }',
      ),
    );
    assert.deepEqual((await told(picture)).slice(0, 3), ['large', 'capability', 'large']);
    const byHand = await told('x', { extension: { strategy: 'manual', model: 'large' } });
    assert.deepEqual(byHand.slice(0, 3), ['large', 'manual', 'large']);
    all.close();
  });

  test('of prompts unlike all that was measured is none: the fixed target', async () => {
    const { told, all } = await decider(config('unfamiliar: { below: 0.01, target: large }'));
    assert.deepEqual((await told('a strange one')).slice(0, 2), ['large', 'unfamiliar']);
    assert.deepEqual((await told('an easy one')).slice(0, 2), ['small', 'value']);
    // Where the fixed one may not be asked, the best of the others.
    const may = { caller: { targets: ['small'] } };
    assert.deepEqual((await told('a strange one', may)).slice(0, 2), ['small', 'unfamiliar']);
    all.close();
  });

  test('of prompts unlike all that was measured, without a fixed target: weighed as all others, and told', async () => {
    const { told, all } = await decider(config('unfamiliar: { below: 0.01 }'));
    const [entry, reason] = await told('a strange one');
    assert.equal(reason, 'unfamiliar');
    const plain = await decider(config());
    assert.equal((await plain.told('a strange one'))[0], entry);
    all.close();
    plain.all.close();
  });

  test('without an answer of the head is the fallback, then 503', async () => {
    const lost = () => Promise.reject(new ClassifierError('unavailable', 'scripted'));
    const { told, all } = await decider(config(), lost);
    assert.deepEqual(await told('x'), ['large', 'classifier_error_fallback', 'large,small', null]);
    all.close();
    const bare = parseConfig(
      `
targets: [{ name: small, api_base: http://s, model: s, price: { input: 1, output: 1 } }, { name: large, api_base: http://s, model: l, price: { input: 1, output: 1 } }]
policies: [{ name: auto, kind: value, url: "grpc://t:1/auto", targets: [small, large], choose: { regret: 0 } }]`,
      't.yaml',
    );
    const without = await decider(bare, lost);
    await assert.rejects(without.decide('x'), { status: 503, message: /set `fallback` in the policy/ });
    without.all.close();
  });

  test('draws a share of new conversations by lot, with its probability', async () => {
    const lots = [0.01, 0.9, 0.5];
    const { decide, all } = await decider(
      config('explore: 0.1\n    sticky: { enabled: false }'),
      byText,
      {},
      () => lots.shift() ?? 0.999,
    );
    const drawn = await decide('an easy one');
    assert.deepEqual([drawn.entry.name, drawn.reason, drawn.weighed!.propensity], ['large', 'explore', 0.05]);
    const usual = await decide('an easy one');
    assert.deepEqual(
      [usual.entry.name, usual.reason, usual.weighed!.propensity],
      ['small', 'value', 1 - 0.1 + 0.05],
    );
    // Who brings a setting gets what it says.
    lots.unshift(0.01, 0.9);
    const own = await decide('an easy one', { extension: { choose: { by: 'regret', at: 0.1 } } });
    assert.deepEqual([own.reason, own.weighed!.propensity], ['value', 1]);
    all.close();
  });
});

describe('a conversation', () => {
  const turn = (text: string, before = 400) => ({
    messages: [
      { role: 'user', content: 'a first question '.repeat(before) },
      { role: 'assistant', content: 'an answer' },
      { role: 'user', content: text },
    ],
  });
  const begun = async (
    all: Decider,
    decide: (asked: Record<string, unknown>) => ReturnType<Decider['decideInput']>,
    target: string,
    asked: Record<string, unknown>,
  ) => {
    const decision = await decide(asked);
    const pin: Pin = {
      entry: target,
      wanted: target,
      answered: target,
      away: 0,
      at: 1_000_000,
      ...decision.stay!.lane,
    };
    const policy = decision.policy;
    const chosen = policy.entries.get(target)!.routes[0]!.target;
    await all.noteOutcome({
      decision: {
        ...decision,
        entry: policy.entries.get(target)!,
        targets: [chosen],
        stay: { ...decision.stay!, pin, entry: target, unpinned: chosen },
      },
      outcome: { target: chosen, status: 200 },
    } as unknown as RoutedRequest);
  };

  test('stays where its cached prompt makes the dearer target the cheaper one', async () => {
    // Of 1,700 tokens all but the last words are cached: 10× less for them.
    const near = parseConfig(
      `
classifier: { deadline_ms: 20000 }
targets:
  - { name: small, api_base: http://s, model: s, price: { input: 1, output: 1 } }
  - { name: large, api_base: http://l, model: l, price: { input: 2, cached_input: 0.2, output: 1 } }
policies:
  - { name: auto, kind: value, url: "grpc://t:1/auto", targets: [small, large], choose: { regret: 0.2 } }
`,
      't.yaml',
    );
    const { all, decide, clock } = await decider(near);
    const asked = turn('explain this in more words than before');
    await begun(all, decide, 'large', asked);
    const warm = await decide(asked);
    assert.deepEqual([warm.entry.name, warm.reason, warm.stay!.event], ['large', 'value', 'kept']);
    assert.ok(warm.weighed!.offers[1]!.estimate.cachedTokens > 1_000);
    // What an upstream has forgotten is no reason to stay.
    clock.now += 400_000;
    const cold = await decide(asked);
    assert.deepEqual([cold.entry.name, cold.stay!.event], ['small', 'moved']);
    all.close();
  });

  test('moves up for harder work, and in a tool loop not at all', async () => {
    const { all, decide } = await decider();
    const hard = turn('a hard question about everything');
    await begun(all, decide, 'small', hard);
    const moved = await decide(hard);
    assert.deepEqual([moved.entry.name, moved.stay!.event], ['large', 'moved_up']);
    const loop = {
      messages: [
        ...hard.messages,
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: 'done' },
      ],
    };
    const stayed = await decide(loop);
    assert.deepEqual([stayed.entry.name, stayed.reason, stayed.label], ['small', 'pinned', 'small']);
    assert.equal(stayed.confidence, 0.3);
    all.close();
  });

  test('is not moved down by words of which nothing is known', async () => {
    const { all, decide } = await decider(config('unfamiliar: { below: 0.01, target: small }'));
    const strange = turn('a strange question about nothing known');
    await begun(all, decide, 'large', strange);
    const stayed = await decide(strange);
    assert.deepEqual([stayed.entry.name, stayed.reason], ['large', 'pinned']);
    all.close();
  });
});

describe('a head and its policy', () => {
  for (const [what, model, words] of [
    [
      'other targets',
      { labels: ['small', 'larg'] },
      /targets without an output: 'large' Did you mean 'larg'\?/,
    ],
    ['more targets', { labels: ['small', 'large', 'huge'], size: 3 }, /outputs without a target: 'huge'/],
    ['a head of labels', { kind: null }, /is of kind value, but its model is a head of labels/],
    ['no names', { labels: null }, /publishes no names of its 2 outputs/],
    ['no familiarity', { scoreNames: [] }, /`unfamiliar` needs the score 'familiarity'/],
  ] as const)
    test(`that do not belong together are refused at the start: ${what}`, async () => {
      const made = config('unfamiliar: { target: large }');
      await assert.rejects(decider(made, byText, model as Partial<ModelDescription>), {
        name: 'LabelMismatch',
        message: words,
      });
    });

  test('a policy of labels refuses a value head', async () => {
    const labels = parseConfig(
      'policies: [{ name: p, url: "grpc://t:1/m", llms: [{ name: small, api_base: "http://a", model: a }, { name: large, api_base: "http://a", model: b }] }]',
      't.yaml',
    );
    await assert.rejects(decider(labels), {
      name: 'LabelMismatch',
      message: /Write `kind: value` with `targets`/,
    });
  });
});
