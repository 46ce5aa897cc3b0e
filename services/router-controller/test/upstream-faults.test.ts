/** What the client gets when an upstream fails, with a fallback and without, streaming and not. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseFault } from '@llm-router/stand-in-llms';
import { chat, favour, sample, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['Alone', 'Backed'];
const SHORT = 'timeouts: { connect_ms: 1000, first_byte_ms: 400, idle_ms: 400, total_ms: 3000 }';
const CONFIG = `
default_policy: p
targets:
  - { name: faulty, api_base: '{LLM}', model: faulty, ${SHORT} }
  - { name: sound, api_base: '{LLM}/v1', model: sound, ${SHORT} }
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    retry_budget: { attempts: 2, time_ms: 3000 }
    llms:
      - { name: Alone, target: faulty }
      - { name: Backed, target: faulty, fallbacks: [sound] }
`;

/** fault, status when alone, status when alone and streaming, and the error's code. A number of 200 in a stream: it had begun. */
const CELLS: readonly [fault: string, alone: number, aloneStream: number, code: string][] = [
  ['refuse', 502, 502, 'upstream_error'],
  ['stall-before-headers', 504, 504, 'upstream_timeout'],
  ['status:500', 500, 500, 'stand_in'],
  ['status:503', 503, 503, 'stand_in'],
  ['status:429:0', 429, 429, 'stand_in'],
  ['status:401', 502, 502, 'upstream_bad_credentials'],
  ['status:404', 404, 404, 'stand_in'],
  ['huge-headers', 502, 502, 'upstream_error'],
];

describe('upstream faults', () => {
  let whole: Whole;

  before(async () => {
    const classifier = scriptedClassifier(LABELS, (text) =>
      favour(LABELS, text.includes('backed') ? 'Backed' : 'Alone'),
    );
    whole = await startWhole({
      config: CONFIG,
      standIns: false,
      connect: () => classifier,
      llms: {
        fault: ({ body }) =>
          body.model === 'faulty' && typeof body.user === 'string' ? parseFault(body.user) : null,
      },
    });
  });
  after(() => whole.stop());

  const ask = (text: string, fault: string, stream: boolean) =>
    chat(whole.url, { user: fault, stream, messages: user(text) });

  /** A breaker that a fault has opened would hide the next one: sound answers close it. */
  const heal = async () => {
    for (let i = 0; i < 2; i++) await (await chat(whole.url, { messages: user('alone and well') })).text();
  };

  for (const [fault, alone, aloneStream, code] of CELLS) {
    for (const stream of [false, true]) {
      test(`${fault}, ${stream ? 'stream' : 'plain'}, no fallback`, async () => {
        await heal();
        const response = await ask('alone', fault, stream);
        assert.equal(response.status, stream ? aloneStream : alone);
        assert.equal(response.headers.get('x-chosen-classifier'), 'Alone');
        const body = (await response.json()) as { error: { code: string } };
        assert.equal(body.error.code, code);
      });

      test(`${fault}, ${stream ? 'stream' : 'plain'}, with a fallback`, async () => {
        await heal();
        const response = await ask('backed', fault, stream);
        const text = await response.text();
        assert.equal(response.status, 200, text);
        assert.equal(response.headers.get('x-llm-router-model'), 'sound');
        assert.match(text, /stand-in for sound|sound/);
        if (stream) assert.match(text, /\[DONE\]/);
      });
    }
  }

  test('an error as the first event of a 200 stream falls back', async () => {
    await heal();
    const response = await ask('backed', 'error-in-stream:0', true);
    const text = await response.text();
    assert.equal(response.headers.get('x-llm-router-model'), 'sound');
    assert.doesNotMatch(text, /"error"/);
    assert.match(text, /\[DONE\]/);
  });

  test('an error as the first event without a fallback is an error answer, not a 200', async () => {
    await heal();
    const response = await ask('alone', 'error-in-stream:0', true);
    assert.equal(response.status, 502);
    assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'upstream_error');
  });

  test('an error after content ends the stream with it: no switch, no [DONE]', async () => {
    await heal();
    const text = await (await ask('backed', 'error-in-stream:3', true)).text();
    assert.match(text, /told to fail/);
    assert.doesNotMatch(text, /\[DONE\]|sound/);
  });

  test('a stream cut in the middle ends with an error event and without [DONE]', async () => {
    await heal();
    const before = await sample(whole.metrics, 'llm_router_incomplete_streams_total');
    const text = await (await ask('backed', 'cut:900', true)).text();
    const last = text.trimEnd().split('\n\n').at(-1)!;
    assert.match(last, /^data: \{"error":\{"message":"The answer broke off/);
    assert.doesNotMatch(text, /\[DONE\]/);
    assert.equal(await sample(whole.metrics, 'llm_router_incomplete_streams_total'), before + 1);
  });

  test('a stream cut before its first content falls back', async () => {
    await heal();
    const response = await ask('backed', 'cut:100', true);
    assert.equal(response.headers.get('x-llm-router-model'), 'sound');
    assert.match(await response.text(), /\[DONE\]/);
  });

  test('a plain answer cut in its middle falls back, and is 502 without a fallback', async () => {
    await heal();
    for (const fault of ['cut:40', 'wrong-content-length', 'stall-after-headers']) {
      const backed = await ask('backed', fault, false);
      assert.equal(backed.status, 200, fault);
      assert.equal(backed.headers.get('x-llm-router-model'), 'sound', fault);
      await heal();
      const alone = await ask('alone', fault, false);
      assert.equal(alone.status, fault.startsWith('stall') ? 504 : 502, fault);
      await heal();
    }
  });

  test('a stream that falls silent ends with a timeout error event', async () => {
    await heal();
    const text = await (await ask('backed', 'stall-after-headers', true)).text();
    assert.match(text, /"code":"upstream_timeout"/);
  });

  test('garbage instead of an event stream is told, not passed off as an answer', async () => {
    await heal();
    const text = await (await ask('alone', 'garbage', true)).text();
    assert.match(text, /"error"/);
    assert.doesNotMatch(text, /\[DONE\]/);
  });

  test('a target that fails again and again is left alone, and the fallback serves at once', async () => {
    for (let i = 0; i < 6; i++) await (await ask('backed', 'status:500', false)).text();
    const at = whole.llms.seen.length;
    const response = await ask('backed', 'status:500', false);
    await response.text();
    assert.equal(response.headers.get('x-llm-router-model'), 'sound');
    assert.deepEqual(
      whole.llms.seen.slice(at).map((seen) => seen.body.model),
      ['sound'],
    );
    const alone = await ask('alone', 'status:500', false);
    assert.equal(alone.status, 503);
    assert.equal(((await alone.json()) as { error: { code: string } }).error.code, 'upstream_unavailable');
  });
});
