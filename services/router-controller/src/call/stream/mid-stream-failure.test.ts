/** Once content has gone out there is no way back: an honest error event, no [DONE], never another target. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataOf, errorOf, withCall } from '../testing.ts';

const TWO = { targets: [{ name: 'first' }, { name: 'second' }] };
/** Headers wait for whoever answers, also on a machine that is held up for longer than they usually do. */
const HELD = { ...TWO, upstream: { opening_hold_ms: 60_000 } };
const ALONE = { policy: { retry_budget: { attempts: 1 } } };

const EVENTS = ['role', 'one ', 'two ', 'three'].map((text, i) =>
  Buffer.from(
    `data: ${JSON.stringify({ choices: [{ delta: i === 0 ? { role: 'assistant' } : { content: text } }] })}\n\n`,
  ),
);
const WHOLE = Buffer.concat(EVENTS);

test(
  'a stream cut at any byte: fallback before the first content, after it whole events and one error event',
  withCall(HELD, async (call) => {
    // The stand-in’s own stream, for its length and the end of its first content event.
    const sample = Buffer.from(
      await (await call.ask({ stream: true, stream_options: { include_usage: true } })).arrayBuffer(),
    );
    const finished = sample.indexOf('"finish_reason":"stop"');
    const second = sample.indexOf('\n\n', sample.indexOf('\n\n') + 2) + 2;
    let cut = 0;
    let begun = 0;
    call.faults.first = () => ({ kind: 'cut', bytes: cut });
    for (; cut < finished; cut += cut < second + 4 ? 7 : 31) {
      const response = await call.ask({ stream: true, stream_options: { include_usage: true } });
      const text = await response.text();
      assert.equal(response.status, 200);
      const model = response.headers.get('x-llm-router-model');
      if (cut < second) assert.equal(model, 'second', `cut at ${cut}`);
      // A break that comes together with the first content may still be seen before anything went out.
      if (model === 'second') {
        assert.equal(dataOf(text).at(-1), '[DONE]');
        continue;
      }
      begun++;
      const events = dataOf(text);
      const { error } = JSON.parse(events.at(-1)!);
      assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
      assert.equal(error.code, 'upstream_error');
      assert.ok(!text.includes('[DONE]'));
      // What came before it is a run of whole events, byte for byte.
      const before = text.slice(0, text.lastIndexOf('data: {"error"'));
      assert.ok(sample.toString().startsWith(before) && before.endsWith('\n\n'), `cut at ${cut}`);
      assert.equal(call.last().incomplete, true);
    }
    assert.ok(begun > 10, `only ${begun} cuts came after content`);
  }),
);

test(
  'a stream that ends cleanly without finish_reason or [DONE] is told to be incomplete',
  withCall(ALONE, async (call) => {
    // Half an event after the last whole one would spoil the error event.
    call.respond = () => ({ chunks: [WHOLE, Buffer.from('data: {"choices":[{"del')] });
    const text = await (await call.ask({ stream: true })).text();
    assert.ok(text.startsWith(`${WHOLE}data: {"error":`), text);
    assert.match(JSON.parse(dataOf(text).at(-1)!).error.message, /broke off.*without finishing/);
    assert.equal(call.last().incomplete, true);
    assert.ok(call.events.includes('incomplete first'));
  }),
);

test(
  'a finish_reason without [DONE] is an end: some upstreams never send it',
  withCall(ALONE, async (call) => {
    const end = Buffer.from('data: {"choices":[{"delta":{},"finish_reason":"length"}]}\n\n');
    call.respond = () => ({ chunks: [WHOLE, end] });
    assert.equal(await (await call.ask({ stream: true })).text(), Buffer.concat([WHOLE, end]).toString());
    assert.equal(call.last().incomplete, false);
  }),
);

test(
  'an error event of the upstream’s own comes through as it is, and nothing is added',
  withCall(TWO, async (call) => {
    const error = Buffer.from(
      'data: {"error":{"message":"out of memory","type":"server_error","param":null,"code":null}}\n\n',
    );
    call.respond = () => ({ chunks: [WHOLE, error] });
    assert.equal(await (await call.ask({ stream: true })).text(), Buffer.concat([WHOLE, error]).toString());
    assert.equal(call.last().incomplete, true);
    assert.equal(call.llms.seen.length, 1);
  }),
);

test(
  'usage that came before the break is kept, else it is estimated from what went out',
  withCall(ALONE, async (call) => {
    const usage = Buffer.from(
      'data: {"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2}}}\n\n',
    );
    call.respond = () => ({ chunks: [WHOLE, usage] });
    await (await call.ask({ stream: true })).text();
    assert.deepEqual(call.last().usage, {
      promptTokens: 9,
      cachedTokens: 2,
      completionTokens: 4,
      source: 'upstream',
    });
    call.respond = () => ({ chunks: [WHOLE] });
    await (await call.ask({ stream: true })).text();
    // 13 characters of content; the prompt has 27.
    assert.deepEqual(call.last().usage, {
      promptTokens: 7,
      cachedTokens: 0,
      completionTokens: 4,
      source: 'estimate',
    });
  }),
);

test(
  'an error as the first event of a 200 stream, or instead of a 200 JSON answer, falls back',
  withCall(TWO, async (call) => {
    for (const error of [
      '{"error":{"message":"no"}}',
      '{"error":"no"}',
      '{"object":"error","message":"no"}',
    ]) {
      call.respond = ({ body }) =>
        body.model === 'first' ? { chunks: [EVENTS[0]!, Buffer.from(`data: ${error}\n\n`)] } : null;
      const response = await call.ask({ stream: true });
      assert.equal(response.headers.get('x-llm-router-model'), 'second', error);
      assert.doesNotMatch(await response.text(), /"error"/);
    }
    call.respond = null;
    call.faults.first = 'error-in-stream';
    const response = await call.ask();
    assert.equal(response.headers.get('x-llm-router-model'), 'second');
    assert.ok(call.events.filter((event) => event === 'attempt first error_event').length === 4);
  }),
);

test(
  'an error in a 200 without a fallback is 502 with the upstream’s words',
  withCall(ALONE, async (call) => {
    call.faults.first = 'error-in-stream:0';
    for (const stream of [true, false]) {
      const response = await call.ask({ stream });
      assert.equal(response.status, 502);
      assert.match((await errorOf(response)).message, /error.*told to fail/);
    }
  }),
);

test(
  'a plain answer too large to hold whose end is missing: the connection is cut, as the upstream did',
  withCall({ ...TWO, upstream: { held_body_bytes: 1024 } }, async (call) => {
    call.respond = () => ({
      headers: { 'content-type': 'application/json', 'content-length': '200000' },
      chunks: [Buffer.alloc(100_000, 32)],
    });
    // The stand-in leaves the connection open; the idle limit would end it, but a closing upstream is quicker.
    const response = await call.ask();
    assert.equal(response.status, 200);
    const read = response.arrayBuffer();
    setTimeout(() => void call.llms.close(), 50);
    await assert.rejects(read);
    assert.equal(call.last().incomplete, true);
  }),
);
