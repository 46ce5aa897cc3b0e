/** Decisions as a whole: what happens to each kind of trouble, and what stays put. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import { createLog, createMetrics } from '../observe/index.ts';
import { ClassifierError, type ModelClient } from './classify/model-client.ts';
import { Decider } from './decider.ts';
import { inputOf, type Made } from './testing.ts';

const LABELS = ['Chat', 'Code'];
const config = (policy = '', rest = '') =>
  parseConfig(
    `
targets:
  - { name: small, api_base: http://small, model: s }
  - { name: large, api_base: http://large, model: l }
policies:
  - name: tasks
    url: grpc://t:1/tasks
    ${policy}
    llms:
      - { name: Chat, target: small }
      - { name: Code, target: large, rank: 1 }
  - name: other
    url: grpc://t:1/other
    llms:
      - { name: Chat, target: large }
      - { name: Code, target: large }
${rest}`,
    't.yaml',
  );

/** A classifier of two labels; the text says the probability of the second. */
function scripted(
  answer: (text: string) => readonly number[] | Promise<readonly number[]>,
  told: { agentTemperature?: number } = {},
) {
  const asked: string[] = [];
  const connect = (): ModelClient => ({
    address: 'scripted',
    describe: async () => ({
      version: '3',
      labels: LABELS,
      size: 2,
      maxBatch: 8,
      hasTokenCount: false,
      tokenLimit: null,
      scoreNames: [],
      ...told,
    }),
    infer: async (texts) => {
      asked.push(...texts);
      const answers = await Promise.all(
        texts.map(async (text) => ({ output: [...(await answer(text))], tokenCount: null, scores: null })),
      );
      return { modelVersion: '3', answers };
    },
    close: () => {},
  });
  return { asked, connect };
}

/** A request with no more than deciding looks at. */
const requestOf = (...made: Parameters<typeof inputOf>) =>
  inputOf(...made) as unknown as Parameters<Decider['decide']>[0];

const byText = (text: string) => (text.includes('code') ? [0.2, 0.8] : [0.9, 0.1]);

async function decider(
  answer: Parameters<typeof scripted>[0] = byText,
  table = config('fallback: Chat'),
  random = () => 0,
  told: { agentTemperature?: number } = {},
) {
  const { asked, connect } = scripted(answer, told);
  const metrics = createMetrics();
  const log = createLog({ level: 'error' });
  const made = new Decider({ config: table, metrics, log, connect, random });
  await made.start();
  const decide = (asked: string | Record<string, unknown>, more: Made = {}) =>
    made.decideInput(inputOf(table, asked, more));
  const count = async (name: string, labels: Record<string, string>) =>
    (await metrics.registry.getSingleMetric(name)!.get()).values
      .filter((value) => Object.entries(labels).every(([key, wanted]) => value.labels[key] === wanted))
      .reduce((sum, { value }) => sum + value, 0);
  return { made, decide, asked, count };
}

const fails = (reason: ConstructorParameters<typeof ClassifierError>[0]) => () =>
  Promise.reject(new ClassifierError(reason, 'scripted'));

describe('a decision', () => {
  test('follows the label, and tells all scores', async () => {
    const { decide, made } = await decider();
    const decision = await decide('fix this code');
    assert.deepEqual(
      [
        decision.entry.name,
        decision.label,
        decision.confidence,
        decision.reason,
        decision.targets.map((t) => t.name),
      ],
      ['Code', 'Code', 0.8, 'classified', ['large']],
    );
    assert.deepEqual(decision.scores, { Chat: 0.2, Code: 0.8 });
    assert.equal(decision.modelVersion, '3');
    made.close();
  });

  test('the request’s threshold comes before the policy’s', async () => {
    const { decide, made } = await decider();
    assert.equal((await decide('code', { extension: { threshold: 0.9 } })).reason, 'low_confidence_fallback');
    assert.equal((await decide('code', { extension: { threshold: 0 } })).reason, 'classified');
    made.close();
  });

  test('the same text is classified once', async () => {
    const { decide, asked, count, made } = await decider();
    assert.deepEqual([(await decide('hello')).cached, (await decide('hello')).cached], [false, true]);
    assert.deepEqual(asked, ['hello']);
    assert.equal(await count('llm_router_decision_cache_total', { result: 'hit' }), 1);
    made.close();
  });

  test('stays within what the key may use, and says so', async () => {
    const { decide, made } = await decider();
    const small = { caller: { targets: ['small'] } };
    const decision = await decide('code', small);
    assert.deepEqual(
      [decision.targets.map(({ name }) => name), decision.entry.name, decision.label, decision.reason],
      [['small'], 'Chat', 'Code', 'allowed'],
    );
    assert.equal((await decide('hi', small)).reason, 'classified');
    await assert.rejects(decide('code', { caller: { targets: ['none'] } }), { code: 'permission_denied' });
    made.close();
  });
});

test('what a request may cost bounds a policy of labels, too, by the answer that is usual', async () => {
  const priced = parseConfig(
    `
classifier: { deadline_ms: 20000 }
targets:
  - { name: small, api_base: http://small, model: s, price: { input: 1, output: 1 } }
  - { name: large, api_base: http://large, model: l, price: { input: 10, output: 10 } }
policies:
  - name: tasks
    url: grpc://t:1/tasks
    answer_tokens: { large: 1000 }
    llms: [{ name: Chat, target: small }, { name: Code, target: large }]
`,
    't.yaml',
  );
  const { decide, made } = await decider(byText, priced);
  const at = async (maxCost: number) => {
    const { targets, reason, passedOver } = await decide('some code', { extension: { maxCost } });
    return [targets.map(({ name }) => name).join(), reason, passedOver!.map(({ why }) => why).join()];
  };
  assert.deepEqual(await at(0.02), ['large', 'classified', '']);
  assert.deepEqual(await at(0.009), ['small', 'allowed', 'would cost about 0.01 USD, over 0.009']);
  await assert.rejects(at(0.0001), { code: 'invalid_request', message: /No target is left to choose from/ });
  made.close();
});

describe('classifier trouble', () => {
  for (const [what, answer, reason] of [
    ['late', fails('timeout'), 'classifier_timeout_fallback'],
    ['gone', fails('unavailable'), 'classifier_error_fallback'],
    ['garbage: not a number', () => [Number.NaN, 1], 'classifier_error_fallback'],
    ['garbage: no probability', () => [7, -3], 'classifier_error_fallback'],
    ['garbage: too few outputs', () => [1], 'classifier_error_fallback'],
  ] as const) {
    test(`${what}: the fallback entry, counted by reason`, async () => {
      const { decide, count, made } = await decider(answer);
      const decision = await decide('code please');
      assert.deepEqual([decision.entry.name, decision.label, decision.reason], ['Chat', null, reason]);
      assert.equal(await count('llm_router_decisions_total', { reason }), 1);
      made.close();
    });
  }

  test('without a fallback entry: 503 that says what to set', async () => {
    const { decide, made } = await decider(fails('unavailable'), config());
    await assert.rejects(decide('x'), (error: Error & { status: number }) => {
      assert.equal(error.status, 503);
      assert.match(error.message, /set `fallback` in the policy/);
      return true;
    });
    made.close();
  });

  test('a guess by cue words, where the configuration asks for it', async () => {
    const table = parseConfig(
      `classifier: { heuristic: true }
policies:
  - name: tasks
    url: grpc://t:1/tasks
    fallback: Chatbot
    llms:
      - { name: Chatbot, api_base: http://a, model: a }
      - { name: Code Generation, api_base: http://b, model: b }
`,
      't.yaml',
    );
    const { connect } = scripted(fails('unavailable'));
    const log = createLog({ level: 'error' });
    const labelled = (): ModelClient => {
      const client = connect();
      return {
        ...client,
        describe: async (o) => ({ ...(await client.describe(o)), labels: ['Chatbot', 'Code Generation'] }),
      };
    };
    const made = new Decider({ config: table, metrics: createMetrics(), log, connect: labelled });
    await made.start();
    const decision = await made.decideInput(inputOf(table, 'a python function, please'));
    assert.deepEqual([decision.entry.name, decision.reason], ['Code Generation', 'heuristic']);
    made.close();
  });

  test('a client that left is no classifier trouble', async () => {
    const { decide, count, made } = await decider(() => new Promise(() => {}));
    const gone = new AbortController();
    const decision = decide('x', { signal: gone.signal });
    gone.abort();
    await assert.rejects(decision, { code: 'client_closed_request' });
    assert.equal(await count('llm_router_classifier_errors_total', {}), 0);
    made.close();
  });
});

describe('a classification that is begun ahead', () => {
  test('is the one that the decision goes by: the classifier is asked once, and before', async () => {
    const table = config('fallback: Chat', 'classifier: { cache_entries: 0 }');
    const { made, asked } = await decider(byText, table);
    const request = requestOf(table, 'fix this code');
    const ahead = made.begin(request);
    await ahead.looked;
    assert.deepEqual(asked, ['fix this code']);
    assert.equal((await made.decide(request, ahead)).entry.name, 'Code');
    assert.equal(asked.length, 1);
    made.close();
  });

  test('rules that need no classifier are looked at before it is asked, and not again', async () => {
    const table = config(
      'fallback: Chat\n    rules: [{ name: told, when: { header: { x-team: eval } }, entry: Chat }, { name: sure, when: { label: Code }, entry: Code }]',
    );
    const { made } = await decider(byText, table);
    let looks = 0;
    const headers = {
      get 'x-team'() {
        looks++;
        return 'other';
      },
    };
    const request = requestOf(table, 'code', { headers });
    const ahead = made.begin(request);
    const atFirst = looks;
    assert.equal((await made.decide(request, ahead)).rule, 'sure');
    // Once more with what the classifier said.
    assert.deepEqual([atFirst > 0, looks], [true, 2 * atFirst]);
    made.close();
  });

  test('is not begun where hands or a rule decide', async () => {
    const table = config('fallback: Chat\n    rules: [{ name: calm, when: { stream: false }, entry: Chat }]');
    const { made, asked } = await decider(byText, table);
    for (const request of [
      requestOf(table, 'code'),
      requestOf(table, 'code', { extension: { strategy: 'manual', model: 'Chat' } }),
    ]) {
      const ahead = made.begin(request);
      assert.equal(ahead.looked, null);
      assert.equal((await made.decide(request, ahead)).entry.name, 'Chat');
    }
    assert.equal(asked.length, 0);
    made.close();
  });

  test('may fail: nobody hears of it but the decision, if one is asked for', async () => {
    const table = config('fallback: Chat');
    const { made, count } = await decider(fails('unavailable'), table);
    made.begin(requestOf(table, 'x'));
    const request = requestOf(table, 'y');
    const decision = await made.decide(request, made.begin(request));
    assert.equal(decision.reason, 'classifier_error_fallback');
    assert.equal(await count('llm_router_classifier_errors_total', {}), 1);
    made.close();
  });
});

test('a shadow policy decides too, its disagreement is counted, and the answer stays', async () => {
  let calls = 0;
  // The first policy's call comes first; the shadow's answer differs.
  const table = config('shadow: { policy: other, share: 1 }');
  const { made, count } = await decider(() => (++calls === 1 ? [0.9, 0.1] : [0.1, 0.9]), table);
  const decision = await made.decide(requestOf(table, 'hi'));
  assert.equal(decision.entry.name, 'Chat');
  while ((await count('llm_router_shadow_total', {})) === 0) await new Promise((done) => setTimeout(done, 5));
  assert.equal(await count('llm_router_shadow_total', { result: 'differ' }), 1);
  made.close();
});

describe('what one caller may not know or use', () => {
  test('what was decided for a tenant is not told to another one by its cache', async () => {
    const { made, decide, asked } = await decider();
    assert.equal((await decide('the price is 4711')).cached, false);
    assert.equal((await decide('the price is 4711', { caller: { tenant: 'bravo' } })).cached, false);
    assert.equal((await decide('the price is 4711')).cached, true);
    // Names that could run into one another are apart, too.
    assert.equal((await decide('x', { caller: { tenant: 'a","b' } })).cached, false);
    assert.equal((await decide('x', { caller: { tenant: 'a' } })).cached, false);
    assert.equal(asked.length, 4);
    made.close();
  });

  test('nor by a shared store, whose keys hold the tenant', async () => {
    const { connect } = scripted(byText);
    const table = config('fallback: Chat', 'classifier: { cache_in_redis: true }');
    const kept = new Map<string, string>();
    const store = {
      get: async (key: string) => kept.get(key) ?? null,
      set: async (key: string, value: string) => void kept.set(key, value),
    };
    const ask = async (tenant: string) => {
      // Each time another replica: only the store remembers.
      const deps = { metrics: createMetrics(), log: createLog({ level: 'error' }), connect, store };
      const made = new Decider({ config: table, ...deps });
      await made.start();
      const { cached } = await made.decideInput(inputOf(table, 'some code', { caller: { tenant } }));
      made.close();
      return cached;
    };
    assert.deepEqual([await ask('acme'), await ask('bravo'), await ask('acme')], [false, false, true]);
  });

  test('a model asked for by hand that the key may not use is refused, not replaced', async () => {
    const { made, decide } = await decider(
      byText,
      parseConfig(
        `
targets:
  - { name: cheap, api_base: http://small, model: cheap-model }
  - { name: dear, api_base: http://large, model: dear-model }
  - { name: twin, api_base: http://twin, model: cheap-model }
policies:
  - name: tasks
    url: grpc://t:1/tasks
    llms: [{ name: Chat, target: twin }, { name: Code, target: cheap, fallbacks: [dear] }]
`,
        't.yaml',
      ),
    );
    const byHand = (model: string) =>
      decide('x', { extension: { strategy: 'manual', model }, caller: { targets: ['cheap'] } }).then(
        ({ targets }) => targets.map(({ name }) => name),
        ({ status, message }) => [status, message],
      );
    for (const dear of ['dear', 'dear-model'])
      assert.deepEqual(await byHand(dear), [403, "This key may not use target 'dear'; it may use: cheap"]);
    assert.deepEqual(await byHand('Code'), ['cheap']);
    // Another target serves it, too, and stands before; it is not this key's.
    assert.deepEqual(await byHand('cheap-model'), ['cheap']);
    made.close();
  });

  test('a canary is for keys that may use its policy', async () => {
    const table = config('canary: { policy: other, share: 1 }');
    const { made } = await decider(byText, table);
    const decidedBy = async (policies: string[] | null) =>
      (await made.decide(requestOf(table, 'hi', { caller: { policies } }))).policy.name;
    assert.deepEqual(
      [await decidedBy(null), await decidedBy(['tasks']), await decidedBy(['tasks', 'other'])],
      ['other', 'tasks', 'other'],
    );
    made.close();
  });
});

describe('a new configuration', () => {
  test('keeps the channel, the labels and the cache of a classifier that stays the same', async () => {
    const { made, decide, asked } = await decider();
    await decide('some code');
    const next = config('fallback: Chat\n    threshold: 0.1');
    await made.useConfig(next);
    const decision = await decide('some code', { config: next });
    assert.equal(decision.cached, true);
    assert.equal(decision.policy.threshold, 0.1);
    assert.equal(asked.length, 1);
    made.close();
  });

  test('whose labels are not the model’s is refused, and the one before goes on deciding', async () => {
    const { made, decide } = await decider();
    const wrong = parseConfig(
      'policies:\n  - { name: tasks, url: "grpc://t:1/tasks", llms: [{ name: Chatt, api_base: "http://a", model: a }] }\n',
      't.yaml',
    );
    await assert.rejects(made.useConfig(wrong), { name: 'LabelMismatch', message: /'Chatt'/ });
    assert.equal((await decide('some code')).reason, 'classified');
    made.close();
  });

  test('with a rule on a score that the model does not give is refused, and says what it gives', async () => {
    const { made } = await decider();
    const rule = (score: string, from: number) =>
      made.useConfig(
        config(
          `fallback: Chat\n    rules: [{ name: hard, score: ${score}, at_least: ${from}, entry: Code }]`,
        ),
      );
    await assert.rejects(rule('prompt_complexity_scor', 0.5), {
      name: 'LabelMismatch',
      message: /rule 'hard' looks at the score 'prompt_complexity_scor', which its model does not give/,
    });
    await assert.rejects(rule('Code', 1.5), {
      message: /'Code' is a label's probability, which is never 1.5/,
    });
    await rule('Code', 0.5);
    made.close();
  });

  test('leaves a request that began on the one before with its policy and classifier', async () => {
    const { made, decide } = await decider();
    const next = parseConfig(
      'policies:\n  - { name: renamed, url: "grpc://t:1/tasks", fallback: Chat, llms: [{ name: Chat, api_base: "http://a", model: a }, { name: Code, api_base: "http://a", model: b }] }\n',
      't.yaml',
    );
    await made.useConfig(next);
    const old = await decide('some code, from before');
    assert.deepEqual([old.policy.name, old.entry.name, old.reason], ['tasks', 'Code', 'classified']);
    assert.deepEqual(Object.keys(made.status()), ['renamed']);
    made.close();
  });
});

describe('rules', () => {
  const ruled = (rules: string) => config(`fallback: Chat\n    rules: [${rules}]`);
  const agent = {
    messages: [{ role: 'user', content: 'make the button blue' }],
    tools: [{ type: 'function', function: { name: 'apply_patch' } }],
  };

  test('on what the request is cost no inference; a label is what it is taken for', async () => {
    const { decide, asked, made } = await decider(
      byText,
      ruled('{ name: agents, when: { agent: coding }, label: Code }'),
    );
    const decision = await decide(agent);
    assert.deepEqual(
      [decision.entry.name, decision.label, decision.confidence, decision.reason, decision.rule],
      ['Code', 'Code', null, 'rule', 'agents'],
    );
    assert.deepEqual(asked, []);
    assert.equal((await decide('hello')).reason, 'classified');
    made.close();
  });

  test('on the label wait for it; the first that holds decides', async () => {
    const rules = [
      '{ when: { agent: coding, not: { label: Chat, confidence: { above: 0.85 } } }, entry: Code }',
      '{ when: { tools: true }, target: large }',
    ];
    const { decide, made } = await decider(byText, ruled(rules.join(', ')));
    assert.deepEqual((await decide(agent)).rule, 'rules[1]');
    const code = { ...agent, messages: [{ role: 'user', content: 'the code' }] };
    const decision = await decide(code);
    assert.deepEqual([decision.rule, decision.label], ['rules[0]', 'Code']);
    made.close();
  });

  test('on features go on without the classifier; those on labels do not hold', async () => {
    const rules = '{ when: { label: Chat }, entry: Code }, { when: { agent: coding }, entry: Code }';
    const { decide, made } = await decider(fails('unavailable'), ruled(rules));
    assert.deepEqual(
      [(await decide(agent)).rule, (await decide('x')).reason],
      ['rules[1]', 'classifier_error_fallback'],
    );
    made.close();
  });
});

describe('what agents ask', () => {
  const agent = (content: string, before: readonly object[] = []) => ({
    messages: [...before, { role: 'user', content }],
    tools: [
      { type: 'function', function: { name: 'edit_file' } },
      { type: 'function', function: { name: 'bash' } },
    ],
  });

  test('is told as surely as the model says that it is right there, and nothing else is', async () => {
    const { decide, made } = await decider(byText, config('fallback: Chat'), () => 0, {
      agentTemperature: 2,
    });
    const near = (value: number | null, wanted: number) =>
      assert.ok(Math.abs(value! - wanted) < 1e-9, `${value}`);
    // Square roots of .8 and .2, made to add up: 2 and 1 of 3.
    const decision = await decide(agent('fix this code'));
    assert.equal(decision.label, 'Code');
    near(decision.confidence, 2 / 3);
    near(decision.scores!.Chat!, 1 / 3);
    near((await decide('fix this code')).confidence, 0.8);
    // From the cache, where it stands for everybody, too.
    const again = await decide(agent('fix this code'));
    assert.equal(again.cached, true);
    near(again.confidence, 2 / 3);
    made.close();
  });

  test('falls to the fallback by what is told', async () => {
    const table = config('fallback: Chat\n    threshold: 0.7');
    const { decide, made } = await decider(byText, table, () => 0, { agentTemperature: 2 });
    assert.equal((await decide(agent('fix this code'))).reason, 'low_confidence_fallback');
    assert.equal((await decide('fix this code')).reason, 'classified');
    made.close();
  });

  test('is looked at twice by what the classifier tells, not by what is told', async () => {
    const { decide, asked, made } = await decider(
      () => [0.2, 0.8],
      config('fallback: Chat'),
      () => 0,
      {
        agentTemperature: 20,
      },
    );
    const before = [
      { role: 'user', content: 'write some code' },
      { role: 'assistant', content: 'here' },
    ];
    const decision = await decide(agent('explain the whole module to me and why it is built so', before));
    assert.equal(decision.secondLook, false);
    assert.ok(decision.confidence! < 0.55 && asked.length === 1);
    made.close();
  });
});

describe('a second look', () => {
  const after = (text: string) => ({
    messages: [
      { role: 'user', content: 'write some code' },
      { role: 'assistant', content: 'here' },
      { role: 'user', content: text },
    ],
  });

  test('is taken where a follow-up says little, with the turns before it, and counted', async () => {
    const { decide, asked, count, made } = await decider((text) =>
      text.includes('code') ? [0.1, 0.9] : [0.6, 0.4],
    );
    const decision = await decide(after('in Rust and with generics, please'));
    assert.deepEqual([decision.label, decision.secondLook], ['Code', true]);
    assert.deepEqual(asked, [
      'in Rust and with generics, please',
      'write some code\n\nin Rust and with generics, please',
    ]);
    assert.equal(await count('llm_router_second_looks_total', { result: 'changed' }), 1);
    // The cache knows both.
    assert.equal((await decide(after('in Rust and with generics, please'))).cached, true);
    assert.equal(asked.length, 2);
    made.close();
  });

  test('is taken where a bare text says little, with the form that it is to fill', async () => {
    const { decide, asked, made } = await decider((text) =>
      text.includes('vendor') ? [0.1, 0.9] : text.includes('sure') ? [0.05, 0.95] : [0.6, 0.4],
    );
    const asking = (content: string) => ({
      messages: [{ role: 'user', content }],
      response_format: { type: 'json_schema', json_schema: { schema: { properties: { vendor: {} } } } },
    });
    const decision = await decide(asking('Meier, 30 EUR'));
    assert.deepEqual([decision.label, decision.secondLook], ['Code', true]);
    assert.equal(asked.at(-1), 'Text: Meier, 30 EUR\n\nGive these fields of the text: vendor');
    // Words with a meaning of their own are not looked at again.
    assert.equal((await decide(asking('sure words'))).secondLook, false);
    made.close();
  });

  test('is not taken for a new topic, for thanks, or where nothing was before', async () => {
    const { decide, asked, made } = await decider((text) =>
      text.includes('thank') || text === 'hm' ? [0.5, 0.5] : [0.97, 0.03],
    );
    for (const text of ['What is the capital of France, by the way?', 'thank you so much!']) {
      const decision = await decide(after(text));
      assert.deepEqual([decision.label, decision.secondLook], ['Chat', false], text);
    }
    assert.equal((await decide('hm')).secondLook, false);
    assert.equal(asked.length, 3);
    made.close();
  });
});
