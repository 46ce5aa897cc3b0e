/** Replicas on one Redis: a conversation stays where any of them put it, and a decision is made once for all. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user } from './harness.ts';

const LABELS = ['Easy', 'Hard'];
let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.close());

const config = (prefix: string) => `
classifier: { cache_in_redis: true }
targets:
  - { name: left, api_base: "{LLM}", model: left-model }
  - { name: right, api_base: "{LLM}", model: right-model }
policies:
  - name: p
    url: grpc://127.0.0.1:9/m
    sticky: { enabled: true }
    llms:
      - { name: Easy, targets: [{ target: left, weight: 1 }, { target: right, weight: 1 }] }
      - { name: Hard, target: right, rank: 1 }
default_policy: p
redis: { url: "${redis.url}", key_prefix: ${prefix}, call_timeout_ms: 1000 }
`;

async function replicas(prefix: string) {
  let asked = 0;
  const start = () =>
    startWhole({
      config: config(prefix),
      standIns: false,
      connect: () =>
        scriptedClassifier(LABELS, (text) => {
          asked++;
          return favour(LABELS, text.includes('hard') ? 'Hard' : 'Easy');
        }),
    });
  const both = [await start(), await start()];
  return {
    both,
    asked: () => asked,
    ask: async (replica: number, text: string, session: string) => {
      const response = await chat(
        both[replica]!.url,
        { model: 'auto', messages: user(text) },
        { headers: { 'x-session-id': session } },
      );
      await response.text();
      assert.equal(response.status, 200);
      return {
        model: response.headers.get('x-llm-router-model'),
        reason: response.headers.get('x-llm-router-reason'),
      };
    },
    stop: () => Promise.all(both.map((whole) => whole.stop())),
  };
}

test('a conversation stays with its target on another replica, moves up there, and stays up here', async () => {
  const { ask, stop } = await replicas('pins');
  for (let i = 0; i < 8; i++) {
    const session = `session-${i}`;
    const first = await ask(0, `easy ${i}`, session);
    await eventually('the other replica knows', async () => {
      const next = await ask(1, `easy again ${i}`, session);
      return next.reason === 'pinned' && next.model === first.model;
    });
  }
  assert.equal((await ask(1, 'this is hard', 'session-0')).reason, 'classified');
  await eventually('the first replica knows', async () => {
    const next = await ask(0, 'easy once more', 'session-0');
    return next.reason === 'pinned' && next.model === 'right-model';
  });
  await stop();
});

test('a text is classified once for both; with Redis away each goes by its own', async () => {
  const { ask, asked, both, stop } = await replicas('cache');
  await ask(0, 'the same text', 'a');
  await new Promise((resolve) => setTimeout(resolve, 200));
  await ask(1, 'the same text', 'b');
  assert.equal(asked(), 1);
  const hits = (await both[1]!.metrics.cache.get()).values.find(
    ({ labels }) => labels.result === 'hit_shared',
  );
  assert.equal(hits?.value, 1);
  await redis.pause();
  try {
    await ask(1, 'another text', 'b');
    assert.equal((await ask(1, 'another text', 'b')).reason, 'pinned');
    assert.equal(asked(), 2);
  } finally {
    redis.resume();
  }
  await stop();
});
