/** An upstream that reports no tokens: they are counted when its answer has ended, and limits, money and log go by the count. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import {
  chat,
  eventually,
  favour,
  sample,
  scriptedClassifier,
  startWhole,
  user,
  type Whole,
} from './harness.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.close());

const LABELS = ['A', 'B'];
/** By o200k_base; a quarter of the characters would be 7. */
const ANSWER = '人工智能正在改变我们的世界，它对社会的影响是深远的。';
const ANSWER_TOKENS = 16;
const BEGUN = ANSWER.slice(0, 23);
const BEGUN_TOKENS = 13;
const PROMPT = '请用中文回答';
/** 4 of text, 7 of the chat format. */
const PROMPT_TOKENS = 11;

const COUNTED = {
  prompt_tokens: PROMPT_TOKENS,
  cached_tokens: 0,
  completion_tokens: ANSWER_TOKENS,
  source: 'tokenizer',
};

const config = (more = '') => `
targets: [{ name: llm, api_base: "{LLM}", model: m, price: { input: 1, output: 1000 } }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }]
limits:
  - { name: tpm, scope: global, tokens_per_minute: 1000, burst_tokens: 100000 }
  - { name: target, scope: target, tokens_per_minute: 1000, burst_tokens: 100000 }
${more}`;

const start = (more?: string, stall = false) =>
  startWhole({
    config: config(more),
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
    llms: {
      respond: ({ body }) => {
        if (body.stream !== true)
          return {
            headers: { 'content-type': 'application/json' },
            chunks: [Buffer.from(JSON.stringify({ choices: [{ message: { content: ANSWER } }] }))],
          };
        const events = [...(stall ? BEGUN : ANSWER)].map((content) =>
          JSON.stringify({ choices: [{ delta: { content } }] }),
        );
        const ended = [...events, '{"choices":[{"delta":{},"finish_reason":"stop"}]}', '[DONE]'];
        return {
          chunks: (stall ? events : ended).map((data) => Buffer.from(`data: ${data}\n\n`)),
          stall,
        };
      },
    },
  });

const lines = (whole: Whole) =>
  whole
    .logged()
    .split('\n')
    .filter((line) => line.includes('"message":"request"'))
    .map((line) => JSON.parse(line) as { status: number; usage: Record<string, unknown>; cost_usd: number });

async function used(whole: Whole): Promise<{ input: number; output: number }> {
  const response = await fetch(`${whole.url}/v1/usage`);
  const { total } = (await response.json()) as { total: { input_tokens: number; output_tokens: number } };
  return { input: total.input_tokens, output: total.output_tokens };
}

/** Tokens left in the burst. */
async function left(whole: Whole): Promise<number> {
  const response = await chat(whole.url, { model: 'one', messages: user('x'), max_tokens: 1 });
  await response.text();
  return Number(response.headers.get('x-ratelimit-remaining-tokens'));
}

for (const [store, more] of [
  ['memory', ''],
  ['Redis', () => `redis: { url: "${redis.url}", call_timeout_ms: 60000 }`],
] as const)
  for (const stream of [false, true])
    test(`${stream ? 'a stream' : 'a plain answer'}, with limits in ${store}`, async () => {
      const whole = await start(typeof more === 'string' ? more : `${more()}\n`);
      if (store === 'Redis')
        await eventually(
          'Redis is reached',
          async () => (await sample(whole.metrics, 'llm_router_limiter_backend_up')) === 1,
        );
      try {
        const response = await chat(whole.url, { model: 'one', stream, messages: user(PROMPT) });
        const before = Number(response.headers.get('x-ratelimit-remaining-tokens'));
        await response.text();
        await eventually('it is told', () => lines(whole).length === 1);
        const [line] = lines(whole);
        assert.deepEqual(line!.usage, COUNTED);
        assert.ok(Math.abs(line!.cost_usd - (PROMPT_TOKENS + 1000 * ANSWER_TOKENS) / 1e6) < 1e-12);
        assert.equal(
          await sample(whole.metrics, 'llm_router_tokens_total', { source: 'tokenizer', type: 'output' }),
          ANSWER_TOKENS,
        );
        assert.equal(await sample(whole.metrics, 'llm_router_tokens_total', { source: 'estimate' }), 0);
        if (store === 'memory')
          assert.deepEqual(await used(whole), { input: PROMPT_TOKENS, output: ANSWER_TOKENS });
        // Reserved were 512 tokens and the prompt's estimate; all but the counted came back.
        await eventually('the limit knows', async () => (await left(whole)) > before + 400);
      } finally {
        await whole.stop();
      }
    });

test('a client that leaves pays for what it got', async () => {
  const whole = await start('', true);
  try {
    const leaving = new AbortController();
    const response = await chat(
      whole.url,
      { model: 'one', stream: true, messages: user(PROMPT) },
      { signal: leaving.signal },
    );
    const reader = response.body!.getReader();
    for (let seen = ''; !seen.includes('深'); ) seen += Buffer.from((await reader.read()).value!).toString();
    leaving.abort();
    await eventually('it is told', () => lines(whole).length === 1);
    const [line] = lines(whole);
    assert.equal(line!.status, 499);
    assert.deepEqual(line!.usage, { ...COUNTED, completion_tokens: BEGUN_TOKENS });
  } finally {
    await whole.stop();
  }
});

test('what is being counted when the router stops is still told and charged', async () => {
  const whole = await start();
  await (await chat(whole.url, { model: 'one', messages: user(PROMPT) })).text();
  await whole.stop();
  assert.equal(lines(whole)[0]?.usage.source, 'tokenizer');
});

test('admission.tokenizer: none leaves estimates', async () => {
  const whole = await start('admission: { tokenizer: none }');
  try {
    await (await chat(whole.url, { model: 'one', messages: user(PROMPT) })).text();
    await eventually('it is told', () => lines(whole).length === 1);
    // 26 characters of three bytes; 6 of the prompt.
    assert.deepEqual(lines(whole)[0]!.usage, {
      prompt_tokens: 5,
      cached_tokens: 0,
      completion_tokens: 20,
      source: 'estimate',
    });
  } finally {
    await whole.stop();
  }
});
