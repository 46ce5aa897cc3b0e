/** What an upstream says of its tokens: read in every spelling, and believed only where it can be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dataOf, targetNamed, withCall } from './testing.ts';
import { believe, readUsage, usageCeiling, usageOf } from './usage.ts';

const SPELLINGS: [name: string, usage: object, tokens: [prompt: number, cached: number, answer: number]][] = [
  ['OpenAI', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }, [10, 0, 5]],
  [
    'OpenAI, cached',
    { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 8 } },
    [10, 8, 5],
  ],
  [
    'DeepSeek',
    {
      prompt_tokens: 1000,
      completion_tokens: 5,
      prompt_cache_hit_tokens: 900,
      prompt_cache_miss_tokens: 100,
    },
    [1000, 900, 5],
  ],
  ['Kimi', { prompt_tokens: 1000, completion_tokens: 5, cached_tokens: 900 }, [1000, 900, 5]],
  [
    'zeros of one spelling beside another',
    { prompt_tokens: 9, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 0 }, cached_tokens: 4 },
    [9, 4, 1],
  ],
  [
    'Responses',
    { input_tokens: 30, output_tokens: 7, input_tokens_details: { cached_tokens: 20 } },
    [30, 20, 7],
  ],
  [
    'Anthropic, whose input stands beside its cache',
    { input_tokens: 30, output_tokens: 7, cache_read_input_tokens: 100, cache_creation_input_tokens: 50 },
    [180, 100, 7],
  ],
  ['embeddings', { prompt_tokens: 12, total_tokens: 12 }, [12, 0, 0]],
  ['an answer and the sum', { completion_tokens: 2, total_tokens: 12 }, [10, 0, 2]],
  ['more cached than there are', { prompt_tokens: 5, completion_tokens: 0, cached_tokens: 50 }, [5, 5, 0]],
  ['cached that is no count', { prompt_tokens: 5, completion_tokens: 1, cached_tokens: 1.5 }, [5, 0, 1]],
];
for (const [name, usage, [promptTokens, cachedTokens, completionTokens]] of SPELLINGS) {
  test(`usage as it is spelled: ${name}`, () => {
    assert.deepEqual(readUsage(usage), { promptTokens, cachedTokens, completionTokens });
    for (const answer of [
      { usage },
      { x_groq: { usage } },
      { type: 'response.completed', response: { usage } },
    ])
      assert.deepEqual(usageOf(answer), { promptTokens, cachedTokens, completionTokens });
  });
}

test('too little to go by, or nothing used, is no report', () => {
  for (const usage of [null, {}, 'x', { prompt_tokens: 5 }, { output_tokens: 5 }, { total_tokens: 5 }])
    assert.equal(readUsage(usage), null, JSON.stringify(usage));
  assert.equal(readUsage({ prompt_tokens: 0, completion_tokens: 0 }), null);
  assert.equal(usageOf(null), null);
  assert.equal(usageOf('text'), null);
});

test('whatever an upstream reports, what is believed are whole numbers from 0 to the ceiling', () => {
  const number = fc.oneof(
    fc.constantFrom(1e300, 1e17, 2 ** 53, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 0),
    fc.double(),
    fc.integer(),
    fc.anything(),
  );
  const sane = fc.nat(2_000);
  const names = [
    'prompt_tokens',
    'completion_tokens',
    'input_tokens',
    'output_tokens',
    'total_tokens',
    'cached_tokens',
    'prompt_cache_hit_tokens',
    'cache_read_input_tokens',
    'cache_creation_input_tokens',
  ];
  const usages = [number, sane, fc.oneof({ weight: 8, arbitrary: sane }, number)].map((each) =>
    fc.record(Object.fromEntries(names.map((name) => [name, each])), { requiredKeys: [] }),
  );
  let [believed, doubted] = [0, 0];
  fc.assert(
    fc.property(fc.oneof(...usages), fc.integer({ min: 1, max: 5_000 }), (given, ceiling) => {
      const told = believe(usageOf({ usage: given }), ceiling);
      if (told.doubt !== null) {
        doubted++;
        assert.equal(told.usage, null);
      }
      if (!told.usage) return;
      believed++;
      const { promptTokens, cachedTokens, completionTokens } = told.usage;
      for (const count of [promptTokens, cachedTokens, completionTokens])
        assert.ok(Number.isSafeInteger(count) && count >= 0 && count <= ceiling, String(count));
      assert.ok(cachedTokens <= promptTokens);
    }),
    { numRuns: 2_000 },
  );
  assert.ok(believed > 100 && doubted > 100, `${believed} believed, ${doubted} doubted`);
});

test(
  'the ceiling is the target’s context, once an answer, and never more than the most',
  withCall(
    { targets: [{ name: 'first', capabilities: { context_tokens: 1_000 } }, { name: 'second' }] },
    async ({ config }) => {
      const [first, second] = [targetNamed(config, 'first'), targetNamed(config, 'second')];
      assert.equal(usageCeiling(first, 1, 10_000), 1_000);
      assert.equal(usageCeiling(first, 3, 10_000), 3_000);
      assert.equal(usageCeiling(first, 300, 10_000), 10_000);
      assert.equal(usageCeiling(second, 1, 10_000), 10_000);
    },
  ),
);

const answerWith = (usage: object, stream: boolean) => {
  const choice = { index: 0, message: { role: 'assistant', content: 'Four words of text.' } };
  const whole = Buffer.from(JSON.stringify({ choices: [choice], usage }));
  const event = (chunk: object) => Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
  const events = [
    event({ choices: [{ index: 0, delta: { content: 'Four words of text.' } }] }),
    event({ choices: [], usage }),
    Buffer.from('data: [DONE]\n\n'),
  ];
  return stream ? { chunks: events } : { headers: { 'content-type': 'application/json' }, chunks: [whole] };
};

for (const stream of [false, true]) {
  for (const [what, usage, context] of [
    ['1e17 prompt tokens', { prompt_tokens: 1e17, completion_tokens: 5 }, undefined],
    ['more than the default ceiling', { prompt_tokens: 10_000_001, completion_tokens: 5 }, undefined],
    ['an answer longer than the context', { prompt_tokens: 5, completion_tokens: 4_097 }, 4_096],
    ['half a token', { prompt_tokens: 5.5, completion_tokens: 5 }, undefined],
    ['less than nothing', { prompt_tokens: -5, completion_tokens: 5 }, undefined],
    ['a text', { prompt_tokens: '5', completion_tokens: 5 }, undefined],
  ] as const) {
    test(
      `${stream ? 'a stream' : 'an answer'} that reports ${what} is estimated, counted as doubted, and reaches the client as it is`,
      withCall(
        { targets: [{ name: 'first', ...(context && { capabilities: { context_tokens: context } }) }] },
        async (call) => {
          call.respond = () => answerWith(usage, stream);
          const text = await (
            await call.ask({ stream, ...(stream && { stream_options: { include_usage: true } }) })
          ).text();
          const told = stream ? dataOf(text)[1]! : text;
          assert.deepEqual(JSON.parse(told).usage, usage);
          const found = call.last().usage!;
          assert.equal(found.source, 'estimate');
          assert.ok(found.promptTokens > 3 && found.promptTokens < 20, String(found.promptTokens));
          assert.equal(found.completionTokens, 5);
          assert.deepEqual(call.last().uncounted!.texts, ['Four words of text.']);
          assert.deepEqual(
            call.events.filter((event) => event.startsWith('usage-doubted')),
            ['usage-doubted first'],
          );
        },
      ),
    );
  }
}

test(
  'an event too large to hold counts by its bytes',
  withCall({}, async (call) => {
    const long = 'x'.repeat(3 * 1024 * 1024);
    const huge = Buffer.from(
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: long } }] })}\n\n`,
    );
    call.respond = () => ({ chunks: [huge, Buffer.from('data: [DONE]\n\n')] });
    await (await call.ask({ stream: true })).text();
    assert.equal(call.last().usage!.completionTokens, Math.ceil(huge.length / 4));
  }),
);

for (const stream of [false, true]) {
  test(
    `a client that leaves before the first byte (stream: ${stream}) has spent its prompt`,
    withCall({}, async (call) => {
      call.respond = () => ({ chunks: [], stall: true });
      const leaving = new AbortController();
      const words = 'word '.repeat(4_000);
      const asked = call.ask(
        { stream, messages: [{ role: 'user', content: words }] },
        { signal: leaving.signal },
      );
      const refused = assert.rejects(asked);
      while (call.llms.seen.length === 0) await new Promise((done) => setTimeout(done, 5));
      leaving.abort();
      await refused;
      while (call.outcomes.length === 0) await new Promise((done) => setTimeout(done, 5));
      const { charged, usage, status, target } = call.last();
      assert.deepEqual([status, target, charged?.name], [499, null, 'first']);
      assert.deepEqual(usage, {
        promptTokens: 5_000,
        cachedTokens: 0,
        completionTokens: 0,
        source: 'estimate',
      });
    }),
  );
}
