/** Runs against stand-in LLMs, which answer as told. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { type StandInOptions, type StandIns, startStandInLlms } from '@llm-router/stand-in-llms';
import { readOptions } from './options.ts';
import { readPrompts } from './prompts.ts';
import { run } from './run.ts';
import { createSender } from './send.ts';

const prompts = readPrompts();
let llms: StandIns;
afterEach(() => llms.close());
async function begin(options: StandInOptions = {}) {
  llms = await startStandInLlms(options);
  return (...args: string[]) => readOptions(['--url', llms.url, ...args], {})!;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('a run', () => {
  test('sends all, varied, with the share that streams, and counts the answers', async () => {
    const options = await begin();
    const report = await run(
      options('--rate', '100', '--seconds', '1', '--stream-share', '0.3', '--policy', 'p', '--key', 'sk-1'),
      prompts,
    );
    assert.deepEqual(
      [report.planned, report.sent, report.answered, report.failed, report.not_sent],
      [100, 100, 100, 0, 0],
    );
    assert.deepEqual([report.statuses, report.errors], [{ 200: 100 }, {}]);
    assert.ok(report.tokens.prompt > 0 && report.tokens.completion > 0);
    assert.ok(report.latency_ms && report.ttft_ms);
    assert.equal(llms.seen.filter(({ body }) => body.stream === true).length, 30);
    assert.equal(new Set(llms.seen.map(({ body }) => JSON.stringify(body.messages))).size, 100);
    assert.equal(sum(report.timeline.map(({ answered }) => answered)), 100);
    for (const { headers, body } of llms.seen) {
      assert.equal(headers.authorization, 'Bearer sk-1');
      assert.deepEqual([body.model, body.max_tokens], ['p', 64]);
    }
  });

  test('repeats prompts where that is asked for', async () => {
    const options = await begin();
    await run(options('--rate', '100', '--seconds', '1', '--repeat'), prompts);
    assert.equal(new Set(llms.seen.map(({ body }) => JSON.stringify(body.messages))).size, 60);
  });

  test('in a closed loop has as many requests under way as clients, and goes on until the time is over', async () => {
    let open = 0;
    let most = 0;
    const options = await begin({
      fault: ({ ended }) => {
        most = Math.max(most, ++open);
        void ended.then(() => open--);
        return null;
      },
    });
    const report = await run(options('--loop', 'closed', '--clients', '4', '--seconds', '1'), prompts);
    assert.deepEqual([report.loop, report.planned, report.rate, report.clients], ['closed', null, null, 4]);
    assert.ok(
      most <= 4 && report.answered >= 4 && report.not_sent === 0,
      JSON.stringify({ most, ...report }),
    );
    assert.equal(report.answered, report.sent);
  });

  test('sends mixes: agents bring tools and their loops, documents are long', async () => {
    const options = await begin();
    const report = await run(options('--rate', '100', '--seconds', '1', '--mix', 'real'), prompts);
    assert.equal(report.failed, 0, JSON.stringify(report.errors));
    const sizes = llms.seen.map(({ body }) => JSON.stringify(body.messages).length);
    assert.equal(llms.seen.filter(({ body }) => body.tools).length, 30);
    assert.ok(sizes.filter((size) => size > 2_000).length >= 20);
    assert.ok(llms.seen.some(({ body }) => body.messages?.at(-1)?.role === 'tool'));
  });

  test('begins no more than the limit at once, and counts what it did not send', async () => {
    let open = 0;
    let most = 0;
    const options = await begin({
      fault: ({ ended }) => {
        most = Math.max(most, ++open);
        void ended.then(() => open--);
        return { kind: 'slow-drip', ms: 20 };
      },
    });
    const report = await run(
      options('--rate', '100', '--seconds', '1', '--stream-share', '1', '--concurrency-limit', '3'),
      prompts,
    );
    assert.equal(report.sent + report.not_sent, 100);
    assert.ok(report.not_sent > 0 && report.sent >= 3, JSON.stringify(report));
    assert.equal(report.answered, report.sent);
    assert.equal(most, 3);
  });

  test('names each kind of failure, and failures make no percentiles', async () => {
    const faults = [
      { kind: 'status', status: 429, retryAfter: null },
      { kind: 'reset' },
      { kind: 'truncate', after: 2 },
      { kind: 'error-in-stream', after: 1 },
      { kind: 'garbage-status' },
    ] as const;
    let index = 0;
    const options = await begin({ fault: () => faults[index++ % faults.length]! });
    const report = await run(options('--rate', '20', '--seconds', '1', '--stream-share', '1'), prompts);
    assert.equal(report.failed, 20);
    assert.deepEqual(report.errors, {
      '429 stand_in': 4,
      ECONNRESET: 4,
      HTTPParserError: 4,
      'ended early': 4,
      'in the stream: stand_in': 4,
    });
    assert.deepEqual([report.latency_ms, report.ttft_ms], [null, null]);
    assert.deepEqual(report.statuses, { 200: 8, 429: 4, none: 8 });
  });

  test('gives up an answer that takes too long', async () => {
    const options = await begin({ fault: () => ({ kind: 'stall-after-headers' }) });
    const report = await run(
      { ...options('--rate', '3', '--seconds', '1', '--stream-share', '1'), timeoutMs: 100 },
      prompts,
    );
    assert.deepEqual(report.errors, { timeout: 3 });
    for (const { ended } of llms.seen) assert.equal(await ended, false);
  });

  test('that is stopped ends at once; what was under way is unfinished, not failed', async () => {
    const options = await begin({ fault: () => ({ kind: 'stall-before-headers' }) });
    const stopping = new AbortController();
    const running = run(options('--rate', '50', '--seconds', '600'), prompts, {
      stop: stopping.signal,
      progressMs: 10,
      progress: ({ sent }) => {
        if (sent >= 5) stopping.abort();
      },
    });
    const report = await running;
    assert.ok(report.sent >= 5 && report.sent < 600);
    assert.deepEqual([report.unfinished, report.failed, report.errors], [report.sent, 0, {}]);
  });
});

test('times count from the intended start, not from the sending', async () => {
  const options = await begin();
  const sender = createSender(options(), new AbortController().signal);
  const sample = await sender.send(
    { messages: [{ role: 'user', content: 'hi' }] },
    true,
    performance.now() - 5_000,
  );
  await sender.close();
  assert.equal(sample.error, null);
  assert.ok(sample.latencyMs >= 5_000 && sample.ttftMs! >= 5_000);
  assert.ok(sample.ttftMs! <= sample.latencyMs);
});
