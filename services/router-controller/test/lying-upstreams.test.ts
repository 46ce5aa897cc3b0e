/** Upstreams that lie about tokens, and clients that leave: what is charged, to whom, and who is served afterwards. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { hashKey } from '../src/authenticate/index.ts';
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
const running: Whole[] = [];
afterEach(() => Promise.allSettled(running.splice(0).map((whole) => whole.stop())).then(() => {}));

let run = 0;
const STORES: Record<string, () => string> = {
  memory: () => '',
  Redis: () => `redis: { url: "${redis.url}", key_prefix: lying${++run}, call_timeout_ms: 60000 }`,
};
const config = (more: string) => `
targets: [{ name: llm, api_base: "{LLM}", model: m, price: { input: 1, output: 1 } }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }]
default_policy: one
auth:
  keys:
    - { id: ann, hash: '${hashKey('ann')}', tenant: acme }
    - { id: bob, hash: '${hashKey('bob')}', tenant: other }
${more}`;

async function start(more: string): Promise<Whole> {
  const whole = await startWhole({
    config: config(more),
    standIns: false,
    connect: () => scriptedClassifier(['A', 'B'], () => favour(['A', 'B'], 'A')),
    llms: {
      // Says that it has used what the prompt tells it to, or nothing at all until the client leaves.
      respond: ({ body }) => {
        const said = String(body.messages?.[0]?.content);
        if (said.startsWith('hang')) return { chunks: [], stall: true };
        const answer = {
          choices: [{ message: { role: 'assistant', content: 'Well.' } }],
          usage: JSON.parse(said),
        };
        return {
          headers: { 'content-type': 'application/json' },
          chunks: [Buffer.from(JSON.stringify(answer))],
        };
      },
    },
  });
  running.push(whole);
  return whole;
}

const say = (whole: Whole, key: string, content: string, signal?: AbortSignal) =>
  chat(
    whole.url,
    { model: 'auto', messages: user(content), max_tokens: 10 },
    { headers: { authorization: `Bearer ${key}` }, ...(signal && { signal }) },
  );
async function usage(whole: Whole, key: string) {
  const response = await fetch(`${whole.url}/v1/usage?scope=tenant&days=1`, {
    headers: { authorization: `Bearer ${key}` },
  });
  return (
    (await response.json()) as { total: { requests: number; input_tokens: number; output_tokens: number } }
  ).total;
}

for (const [name, store] of Object.entries(STORES)) {
  for (const lie of ['1e17', '1e300', '9007199254740991', '10000001']) {
    test(`${name}: one answer of ${lie} tokens locks nobody out, and costs nobody else a charge`, async () => {
      const whole = await start(
        `${store()}\nlimits:
  - { name: everybody, scope: global, tokens_per_minute: 1000000 }
  - { name: llm, scope: target, tokens_per_minute: 1000000 }
budgets: [{ name: team, scope: tenant, period: day, tokens: 100000000 }]`,
      );
      for (let n = 0; n < 5; n++) {
        await say(whole, 'ann', `{"prompt_tokens": ${lie}, "completion_tokens": 5}`);
        const response = await say(whole, 'bob', '{"prompt_tokens": 1000, "completion_tokens": 0}');
        assert.equal(response.status, 200);
        await response.text();
      }
      await eventually('all of bob’s are booked', async () => {
        const { requests, input_tokens } = await usage(whole, 'bob');
        return requests === 5 && input_tokens === 5_000;
      });
      await eventually('the liar’s client pays what it sent', async () => {
        const { requests, input_tokens } = await usage(whole, 'ann');
        return requests === 5 && input_tokens > 0 && input_tokens < 500;
      });
      assert.equal(await sample(whole.metrics, 'llm_router_usage_doubted_total', { target: 'llm' }), 5);
      assert.equal(await sample(whole.metrics, 'llm_router_ledger_lost_total'), 0);
      assert.match(whole.logged(), /is not believed/);
    });
  }

  test(`${name}: a report that can be, and is far past the limit, is paid back within two buckets`, async () => {
    const whole = await start(
      `${store()}\nlimits: [{ name: everybody, scope: global, tokens_per_minute: 60000 }]`,
    );
    await (await say(whole, 'ann', '{"prompt_tokens": 9000000, "completion_tokens": 5}')).text();
    await eventually('the debt is there', async () => {
      const refused = await say(whole, 'bob', '{}');
      await refused.text();
      if (refused.status === 200) return false;
      assert.equal(refused.status, 429);
      const ms = Number(refused.headers.get('retry-after-ms'));
      assert.ok(ms > 30_000 && ms <= 121_000, String(ms));
      return true;
    });
  });

  test(`${name}: who leaves before the first byte pays for the prompt, and the request counts`, async () => {
    const whole = await start(store());
    for (let n = 0; n < 2; n++) {
      const leaving = new AbortController();
      const asked = say(whole, 'ann', `hang ${'word '.repeat(8_000)}`, leaving.signal);
      const gone = assert.rejects(asked);
      await eventually('it is upstream', () => whole.llms.seen.length === n + 1);
      leaving.abort();
      await gone;
    }
    await eventually('both are charged', async () => {
      const { requests, input_tokens, output_tokens } = await usage(whole, 'ann');
      return requests === 2 && input_tokens > 15_000 && input_tokens < 21_000 && output_tokens === 0;
    });
  });
}

test('a budget in USD over targets without a price is warned of at start, and requests to them are counted', async () => {
  const whole = await startWhole({
    config: config('budgets: [{ name: team, period: day, usd: 1 }]').replace(
      ', price: { input: 1, output: 1 }',
      '',
    ),
    standIns: false,
    connect: () => scriptedClassifier(['A', 'B'], () => favour(['A', 'B'], 'A')),
  });
  running.push(whole);
  assert.match(whole.logged(), /a budget counts nothing.*budgets\[0\]\.usd/);
  assert.match(whole.logged(), /without a price cost budgets in USD nothing/);
  await (await say(whole, 'ann', 'Hello')).text();
  await eventually(
    'one is counted',
    async () =>
      (await sample(whole.metrics, 'llm_router_unpriced_requests_total', {
        policy: 'one',
        target: 'llm',
      })) === 1,
  );
});
