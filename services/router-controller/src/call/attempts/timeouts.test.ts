/** Connect, first-byte, idle and total limits of a target. The limits that must not strike are far away. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { attemptsOf, dataOf, errorOf, withCall } from '../testing.ts';

const FAR = { connect_ms: 30_000, first_byte_ms: 30_000, idle_ms: 30_000, total_ms: 60_000 };
const target = (limits: Record<string, number>, more: object = {}) => ({
  targets: [{ name: 'first', timeouts: { ...FAR, ...limits }, ...more }],
  policy: { retry_budget: { attempts: 1 } },
});

for (const stream of [false, true]) {
  for (const fault of ['stall-before-headers', 'headers-only']) {
    test(
      `first byte: ${fault}, stream ${stream} is 504 and ends the upstream call`,
      withCall(target({ first_byte_ms: 100 }), async (call) => {
        // A process' first call compiles its way; on a busy machine the limit was over before the upstream had read anything.
        await (await call.ask({ stream })).text();
        const before = call.llms.seen.length;
        call.faults.first = fault;
        const response = await call.ask({ stream });
        assert.equal(response.status, 504);
        const error = await errorOf(response);
        assert.equal(error.code, 'upstream_timeout');
        assert.match(error.message, /no byte of the answer came within 100 ms/);
        assert.equal(await call.llms.seen[before]!.ended, false);
      }),
    );
  }
}

test(
  'idle: a plain answer that falls silent is 504',
  withCall(target({ idle_ms: 100 }), async (call) => {
    call.faults.first = 'stall-after-headers';
    const response = await call.ask();
    assert.equal(response.status, 504);
    assert.match((await errorOf(response)).message, /silent for 100 ms/);
  }),
);

test(
  'idle: a stream that falls silent before content is 504, after content it ends with an error event',
  withCall(target({ idle_ms: 100 }), async (call) => {
    call.faults.first = 'stall-in-stream:0';
    call.respond = () => ({ chunks: [Buffer.from(': thinking\n\n')], stall: true });
    call.faults.first = undefined;
    assert.equal((await call.ask({ stream: true })).status, 504);
    call.faults.first = 'stall-in-stream:2';
    const response = await call.ask({ stream: true });
    assert.equal(response.status, 200);
    const last = JSON.parse(dataOf(await response.text()).at(-1)!);
    assert.equal(last.error.code, 'upstream_timeout');
    assert.equal(call.last().incomplete, true);
    assert.equal(await call.llms.seen.at(-1)!.ended, false);
  }),
);

test(
  'total: an answer that drips for too long ends',
  withCall(target({ total_ms: 300 }), async (call) => {
    call.faults.first = 'slow-drip:100';
    const text = await (await call.ask({ stream: true })).text();
    assert.equal(JSON.parse(dataOf(text).at(-1)!).error.code, 'upstream_timeout');
    assert.equal((await call.ask()).status, 504);
  }),
);

test(
  'slow but steady is no timeout',
  withCall(target({ idle_ms: 5_000, first_byte_ms: 5_000 }), async (call) => {
    call.faults.first = 'slow-drip:20';
    const text = await (await call.ask({ stream: true })).text();
    assert.equal(dataOf(text).at(-1), '[DONE]');
  }),
);

test('connect: a host that takes the connection and never finishes TLS', async () => {
  const silent: Server = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  try {
    const api_base = `https://127.0.0.1:${port}`;
    await withCall(target({ connect_ms: 200 }, { api_base }), async (call) => {
      const response = await call.ask();
      assert.equal(response.status, 504);
      assert.match((await errorOf(response)).message, /connection was not made in time/);
      assert.deepEqual(
        call.events.filter((event) => event.startsWith('attempt')),
        ['attempt first timeout_connect'],
      );
    })();
  } finally {
    silent.close();
  }
});

test(
  'a client that reads slowly is not the upstream’s silence',
  withCall(target({ idle_ms: 300 }), async (call) => {
    // Larger than all buffers on the way, so that the relay has to wait for the client.
    const event = Buffer.from(`data: {"choices":[{"delta":{"content":"${'x'.repeat(60_000)}"}}]}\n\n`);
    const chunks = [...Array(400).fill(event), Buffer.from('data: [DONE]\n\n')];
    call.respond = () => ({ chunks });
    const response = await call.ask({ stream: true });
    const reader = response.body!.getReader();
    let size = (await reader.read()).value!.length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      size += value.length;
    }
    assert.equal(size, 400 * event.length + 14);
    assert.equal(call.last().incomplete, false);
  }),
);

test(
  'a timeout falls back',
  withCall(
    { targets: [{ name: 'first', timeouts: { ...FAR, first_byte_ms: 100 } }, { name: 'second' }] },
    async (call) => {
      call.faults.first = 'stall-before-headers';
      assert.equal((await call.ask()).headers.get('x-llm-router-model'), 'second');
      assert.deepEqual(attemptsOf(call.last()), [
        ['first', 'timeout_first_byte'],
        ['second', 'ok'],
      ]);
    },
  ),
);

test(
  'an error whose body never ends does not hold up the fallback',
  withCall({ targets: [{ name: 'first' }, { name: 'second' }] }, async (call) => {
    call.respond = ({ body }) =>
      body.model === 'first' ? { status: 503, chunks: [Buffer.from('{')], stall: true } : null;
    assert.equal((await call.ask()).headers.get('x-llm-router-model'), 'second');
  }),
);
