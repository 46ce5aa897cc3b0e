/** What a client hears of a stream before its content: at once, and without giving up the fallbacks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkOf, DONE, type Wire } from '../raw-upstream.ts';
import { dataOf, eventually, withRaw } from '../testing.ts';

const ROLE = chunkOf({ role: 'assistant', content: '' });
/** Longer than any of these tests: what is heard before is heard early. */
const LONG = { idle_ms: 60_000, first_byte_ms: 60_000, fall_back_after_ms: 60_000 };

/** Sends its beginning, and the rest once it is told to. */
function twoParts(begin: string[], rest: string[] | 'cut') {
  const go = Promise.withResolvers<void>();
  const answer = async (wire: Wire) => {
    wire.open({ headers: { 'cf-ray': 'hello' } });
    wire.events(...begin);
    await go.promise;
    if (rest === 'cut') wire.socket.destroy();
    else {
      wire.events(...rest);
      wire.end();
    }
  };
  return { answer, go: go.resolve };
}

const REST = [chunkOf({ content: 'hi' }), chunkOf({}, 'stop'), DONE];

test('the upstream’s own comments reach the client before any content, and each but once', async () => {
  const parts = twoParts([': PROCESSING 1\n\n', ': PROCESSING 2\n\n'], [': PROCESSING 3\n\n', ...REST]);
  await withRaw({ answer: parts.answer, target: { timeouts: LONG } }, async (call) => {
    const response = await call.ask({ stream: true });
    const reader = response.body!.getReader();
    let text = '';
    while (!text.includes('PROCESSING 2')) text += Buffer.from((await reader.read()).value!).toString();
    assert.doesNotMatch(text, /data:/);
    parts.go();
    for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read())
      text += Buffer.from(value!).toString();
    assert.equal(text, [': PROCESSING 1\n\n', ': PROCESSING 2\n\n', ': PROCESSING 3\n\n', ...REST].join(''));
  })();
});

for (const alone of [true, false])
  test(`a role without content: headers go out${alone ? ', and name who answers, as nobody else can' : ' without a name, as another may answer'}`, async () => {
    const parts = twoParts([ROLE], REST);
    await withRaw({ answer: parts.answer, alone, target: { timeouts: LONG } }, async (call) => {
      const response = await call.ask({ stream: true });
      assert.equal(response.status, 200);
      assert.match(String(response.headers.get('content-type')), /^text\/event-stream/);
      assert.equal(response.headers.get('x-accel-buffering'), 'no');
      assert.equal(response.headers.get('x-chosen-classifier'), 'Entry');
      assert.equal(response.headers.get('x-llm-router-model'), alone ? 'first' : null);
      parts.go();
      const text = await response.text();
      assert.equal(text, `: ping\n\n${[ROLE, ...REST].join('')}`);
    })();
  });

test('after headers and comments a fallback takes over, and nothing of the first one’s role is heard', async () => {
  const parts = twoParts([': PROCESSING\n\n', ROLE], 'cut');
  await withRaw({ answer: parts.answer, target: { timeouts: LONG } }, async (call) => {
    const response = await call.ask({ stream: true });
    parts.go();
    const events = dataOf((await response.text()).replace(': PROCESSING\n\n', ''));
    assert.ok(events.slice(0, -1).every((data) => JSON.parse(data).model === 'second'));
    assert.equal(events.at(-1), '[DONE]');
  })();
});

test('an answer that comes soon has the headers it always had', async () => {
  const answer = (wire: Wire) => {
    wire.open({ headers: { 'cf-ray': 'hello' } });
    wire.events(': PROCESSING\n\n', ROLE, ...REST);
    wire.end();
  };
  await withRaw({ answer, target: { timeouts: LONG } }, async (call) => {
    const response = await call.ask({ stream: true });
    assert.equal(response.headers.get('cf-ray'), 'hello');
    assert.equal(response.headers.get('x-llm-router-model'), 'first');
    assert.equal(await response.text(), [': PROCESSING\n\n', ROLE, ...REST].join(''));
  })();
});

test('where the target’s own limits end its silence soon, the failure is told by a status', async () => {
  const parts = twoParts([ROLE], 'cut');
  await withRaw(
    {
      answer: parts.answer,
      alone: true,
      target: { timeouts: { idle_ms: 1_000 } },
      policy: { retry_budget: { attempts: 1 } },
    },
    async (call) => {
      assert.equal((await call.ask({ stream: true })).status, 504);
    },
  )();
});

test('a client that leaves while it hears comments ends the upstream call', async () => {
  const parts = twoParts([': PROCESSING\n\n'], REST);
  await withRaw({ answer: parts.answer, target: { timeouts: LONG } }, async (call) => {
    const leaving = new AbortController();
    await call.ask({ stream: true }, { signal: leaving.signal });
    leaving.abort();
    await eventually('the call has ended', () => call.outcomes.length === 1);
    assert.equal(call.last().status, 499);
  })();
});
