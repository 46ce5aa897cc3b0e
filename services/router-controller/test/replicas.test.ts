/** Replicas of one target: they share the load, one that fails is left out by itself, and comes back by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type StandIns, startStandInLlms } from '@llm-router/stand-in-llms';
import { ConfigError, parseConfig } from '../src/config/index.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['A', 'B'];

async function world(more = '') {
  const sick = new Set<number>();
  const replicas: StandIns[] = await Promise.all(
    [0, 1, 2].map((index) =>
      startStandInLlms({
        respond: () =>
          sick.has(index) ? { status: 500, headers: {}, chunks: [Buffer.from('{"error":{}}')] } : null,
      }),
    ),
  );
  const whole = await startWhole({
    config: `
upstream: { breaker_failures: 3, breaker_open_ms: 300, breaker_open_max_ms: 300, retry_first_ms: 1, retry_max_ms: 5 }
targets:
  - { name: llm, model: m, api_base: [${replicas.map(({ url }) => `"${url}"`).join(', ')}] }
policies:
  - name: p
    url: grpc://127.0.0.1:9/m
    ${more}
    llms: [{ name: A, target: llm }, { name: B, target: llm }]
default_policy: p`,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  return {
    whole,
    sick,
    counts: () => replicas.map(({ seen }) => seen.length),
    stop: async () => {
      await whole.stop();
      await Promise.all(replicas.map((replica) => replica.close()));
    },
  };
}

async function ask(whole: Whole, count: number, session?: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    const response = await chat(
      whole.url,
      { model: 'auto', messages: user(`hello ${i}`) },
      session === undefined ? {} : { headers: { 'x-session-id': session } },
    );
    await response.text();
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-llm-router-model'), 'm');
  }
}

test('replicas share the load; a sick one is ejected after a few failures, nobody notices, and it comes back', async () => {
  const { whole, sick, counts, stop } = await world();
  await ask(whole, 90);
  for (const count of counts()) assert.ok(count > 10, String(counts()));
  sick.add(1);
  const before = counts()[1]!;
  await ask(whole, 30);
  const asked = counts()[1]! - before;
  assert.ok(asked >= 3 && asked < 10, `the sick one was asked ${asked} times`);
  const states = await whole.metrics.breaker.get();
  const open = states.values.filter(({ value }) => value > 0).map(({ labels }) => labels.target);
  assert.deepEqual(open, ['llm#2']);
  sick.clear();
  await eventually('it is asked again', async () => {
    const had = counts()[1]!;
    await ask(whole, 10);
    return counts()[1]! > had + 1;
  });
  await stop();
});

test('a conversation stays with its replica, where its prompt is cached', async () => {
  const { whole, counts, stop } = await world('sticky: { enabled: true }');
  await ask(whole, 12, 'one-session');
  assert.deepEqual(
    counts().toSorted((a, b) => a - b),
    [0, 0, 12],
  );
  await stop();
});

test('wrong lists are told with their place', () => {
  const config = (bases: string) => `
targets: [{ name: llm, model: m, api_base: ${bases} }]
policies: [{ name: p, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }] }]`;
  for (const [bases, message] of [
    ['["http://a:1", "http://a:1"]', /targets\[0\]\.api_base\[1\].*listed twice/],
    ['["http://a:1", "ftp://b"]', /targets\[0\]\.api_base\[1\]/],
    ['[]', /targets\[0\]\.api_base/],
  ] as const) {
    assert.throws(
      () => parseConfig(config(bases), 'file.yaml'),
      (error) => error instanceof ConfigError && message.test(error.message),
      bases,
    );
  }
});
