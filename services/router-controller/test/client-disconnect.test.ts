/** A client that leaves takes its work with it, in every phase: nothing goes on for nobody. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
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

const LABELS = ['A', 'B'];
const CONFIG = `
default_policy: p
server: { max_in_flight: 2, max_queue: 5 }
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    llms:
      - { name: A, api_base: '{LLM}', model: model-a }
      - { name: B, api_base: '{LLM}', model: model-b }
`;

describe('client disconnect', () => {
  let whole: Whole;
  let classifying = 0;
  let cancelled = 0;

  before(async () => {
    const classifier = scriptedClassifier(LABELS, async (text, signal) => {
      if (!text.includes('SLOW CLASSIFIER')) return favour(LABELS, 'A');
      classifying++;
      await new Promise<void>((resolve) =>
        signal?.addEventListener('abort', () => resolve(), { once: true }),
      );
      cancelled++;
      return favour(LABELS, 'A');
    });
    whole = await startWhole({
      config: CONFIG,
      connect: () => classifier,
      llms: {
        fault: ({ body }) => {
          const text = JSON.stringify(body.messages);
          if (text.includes('STALL BEFORE')) return { kind: 'stall-before-headers' };
          if (text.includes('STALL AFTER')) return { kind: 'stall-after-headers' };
          return text.includes('DRIP') ? { kind: 'slow-drip', ms: 30 } : null;
        },
      },
    });
  });
  after(() => whole.stop());

  const gone = (phase: string) => sample(whole.metrics, 'llm_router_client_disconnects_total', { phase });

  async function leaveDuring(
    text: string,
    stream: boolean,
    there: () => boolean | Promise<boolean>,
  ): Promise<void> {
    const controller = new AbortController();
    const call = chat(whole.url, { messages: user(text), stream }, { signal: controller.signal }).then(
      (response) => response.text(),
    );
    call.catch(() => {});
    await eventually(`the request is under way: ${text}`, there);
    controller.abort();
    await assert.rejects(call);
    await eventually('no request is in flight', () => whole.router.inFlight() === 0);
  }

  test('while the body is being received', async () => {
    const before = await gone('receive');
    const request = httpRequest(`${whole.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 1000 },
    });
    request.on('error', () => {});
    request.write('{"messages":');
    await new Promise((resolve) => setTimeout(resolve, 100));
    request.destroy();
    await eventually('it is counted', async () => (await gone('receive')) === before + 1);
  });

  test('while it is classified: the classifier’s call is cancelled', async () => {
    await leaveDuring('SLOW CLASSIFIER', false, () => classifying === 1);
    await eventually('the call was cancelled', () => cancelled === 1);
    assert.equal(await gone('decide'), 1);
  });

  for (const stream of [false, true]) {
    const kind = stream ? 'stream' : 'plain answer';

    test(`before the upstream’s headers (${kind}): the upstream call is aborted`, async () => {
      const at = whole.llms.seen.length;
      await leaveDuring(`STALL BEFORE ${stream}`, stream, () => whole.llms.seen.length === at + 1);
      assert.equal(await whole.llms.seen.at(-1)!.ended, false);
    });

    test(`while the upstream is silent after its headers (${kind})`, async () => {
      const at = whole.llms.seen.length;
      await leaveDuring(`STALL AFTER ${stream}`, stream, () => whole.llms.seen.length === at + 1);
      assert.equal(await whole.llms.seen.at(-1)!.ended, false);
    });
  }

  test('in the middle of a stream', async () => {
    const controller = new AbortController();
    const response = await chat(
      whole.url,
      { messages: user('DRIP please'), stream: true },
      { signal: controller.signal },
    );
    const reader = response.body!.getReader();
    await reader.read();
    controller.abort();
    assert.equal(await whole.llms.seen.at(-1)!.ended, false);
    await eventually('no request is in flight', () => whole.router.inFlight() === 0);
    assert.ok((await gone('relay')) >= 1);
  });

  test('while it waits for a place: the queue forgets it', async () => {
    const holders = [1, 2].map((n) => {
      const controller = new AbortController();
      const call = chat(
        whole.url,
        { messages: user(`STALL BEFORE holder ${n}`) },
        { signal: controller.signal },
      );
      call.catch(() => {});
      return controller;
    });
    await eventually('both places are taken', () => whole.router.inFlight() === 2);
    const waiting = new AbortController();
    const call = chat(whole.url, { messages: user('hello') }, { signal: waiting.signal });
    call.catch(() => {});
    await eventually('it waits', async () => (await sample(whole.metrics, 'llm_router_queue_length')) === 1);
    waiting.abort();
    await eventually(
      'the queue is empty',
      async () => (await sample(whole.metrics, 'llm_router_queue_length')) === 0,
    );
    for (const holder of holders) holder.abort();
    await eventually('no request is in flight', () => whole.router.inFlight() === 0);
    const next = await chat(whole.url, { messages: user('hello') });
    assert.equal(next.status, 200);
  });
});
