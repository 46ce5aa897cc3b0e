/** A client that leaves takes its upstream call with it, whatever phase that is in, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { RouterError } from '../../errors.ts';
import { rawBodyOf } from '../../receive/index.ts';
import type { RoutedRequest } from '../../request.ts';
import { type CallTest, eventually, USER, withCall } from '../testing.ts';
import type { ClientResponse } from './client-response.ts';

/** Leaves once the condition holds; then looks for what was left behind. */
async function leave(call: CallTest, body: Record<string, unknown>, there: () => boolean): Promise<void> {
  const ended = call.outcomes.length;
  const controller = new AbortController();
  const asked = call.ask(body, { signal: controller.signal }).then((response) => response.text());
  asked.catch(() => {});
  await eventually('the request is under way', there);
  controller.abort();
  await assert.rejects(asked);
  await eventually('the call has ended', () => call.outcomes.length === ended + 1);
  assert.equal(call.last().status, 499);
  await eventually('its upstream connection is closed', () => call.llms.sockets() === 0);
  for (const signal of call.signals) assert.equal(getEventListeners(signal, 'abort').length, 0);
}

for (const stream of [false, true]) {
  for (const [phase, fault] of [
    ['before the upstream’s headers', 'stall-before-headers'],
    ['after its headers', 'headers-only'],
    ['within its body', 'stall-after-headers'],
    ['while it drips', 'slow-drip:20'],
  ]) {
    test(
      `${phase}, stream ${stream}`,
      withCall({}, async (call) => {
        call.faults.first = fault;
        await leave(call, { stream }, () => call.llms.seen.length === 1);
        assert.equal(await call.llms.seen[0]!.ended, false);
        assert.equal(call.llms.seen.length, 1);
      }),
    );
  }
}

test(
  'in the pause before a retry: no retry follows',
  withCall({ policy: { retry_budget: { attempts: 4, time_ms: 60_000 } } }, async (call) => {
    call.faults.first = 'status:429:30';
    const started = performance.now();
    const controller = new AbortController();
    const asked = assert.rejects(call.ask({}, { signal: controller.signal }));
    await eventually('the first attempt has failed', () => call.events.includes('attempt first status_429'));
    controller.abort();
    await asked;
    await eventually('the call has ended', () => call.outcomes.length === 1);
    assert.ok(performance.now() - started < 30_000);
    assert.equal(call.last().status, 499);
    assert.equal(call.llms.seen.length, 1);
    assert.equal(getEventListeners(call.signals[0]!, 'abort').length, 0);
  }),
);

test('while a target’s limit is asked: no call follows', async () => {
  const held = Promise.withResolvers<{ release: () => void }>();
  let asked = 0;
  const hooks = {
    admitTarget: () => {
      asked++;
      return held.promise;
    },
  };
  await withCall({ hooks }, async (call) => {
    const controller = new AbortController();
    const left = assert.rejects(call.ask({}, { signal: controller.signal }));
    await eventually('the limit is asked', () => asked === 1);
    controller.abort();
    await left;
    await eventually('the router knows', () => call.signals[0]!.aborted);
    held.resolve({ release: () => {} });
    await eventually('the call has ended', () => call.outcomes.length === 1);
    assert.equal(call.llms.seen.length, 0);
  })();
});

test(
  'while pings go out',
  withCall({ policy: { heartbeat_ms: 10 } }, async (call) => {
    call.faults.first = 'stall-before-headers';
    const controller = new AbortController();
    const response = await call.ask({ stream: true }, { signal: controller.signal });
    const reader = response.body!.getReader();
    await reader.read();
    controller.abort();
    await eventually('the call has ended', () => call.outcomes.length === 1);
    assert.equal(call.last().status, 499);
    assert.equal(await call.llms.seen[0]!.ended, false);
  }),
);

test(
  'in the middle of a stream, what was generated is accounted by estimate',
  withCall({}, async (call) => {
    call.faults.first = 'slow-drip:20';
    const controller = new AbortController();
    const response = await call.ask({ stream: true }, { signal: controller.signal });
    const reader = response.body!.getReader();
    for (let i = 0; i < 3; i++) await reader.read();
    controller.abort();
    await eventually('the call has ended', () => call.outcomes.length === 1);
    const { status, target, usage, incomplete } = call.last();
    assert.deepEqual([status, target?.name, incomplete], [499, 'first', true]);
    assert.ok(usage!.source === 'estimate' && usage!.completionTokens > 0);
    assert.ok(!call.events.includes('incomplete first'), 'not the upstream’s fault');
  }),
);

test(
  'while the relay waits for it to read',
  withCall({}, async (call) => {
    const event = Buffer.from(`data: {"choices":[{"delta":{"content":"${'x'.repeat(60_000)}"}}]}\n\n`);
    call.respond = () => ({ chunks: Array(500).fill(event), stall: true });
    const { port } = new URL(call.url);
    const body = JSON.stringify({ model: 'm', messages: USER, stream: true });
    // A client that sends its request and never reads.
    const socket = connect(Number(port), '127.0.0.1').pause();
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await eventually('the upstream is asked', () => call.events.includes('first-byte first'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.destroy();
    await eventually('the call has ended', () => call.outcomes.length === 1);
    assert.equal(call.last().status, 499);
    assert.equal(await call.llms.seen[0]!.ended, false);
  }),
);

test(
  'before the call began: nothing is sent',
  withCall({}, async (call) => {
    const endpoint = { dialect: 'chat', path: '/v1/chat/completions' };
    const request = { endpoint, signal: AbortSignal.abort(), body: {}, config: call.config, headers: {} };
    const policy = call.config.table.policies.get('p')!;
    const entry = policy.entries.get('Entry')!;
    const decision = { policy, entry, targets: [call.config.table.targets.get('first')!] };
    const client = { headersSent: false } as ClientResponse;
    const outcome = await call.caller.call({ ...request, decision } as unknown as RoutedRequest, client, {
      headers: () => ({}),
    });
    assert.equal(outcome.status, 499);
    assert.equal(call.llms.seen.length, 0);
  }),
);

test(
  'a router that gives a stream up tells why',
  withCall({}, async (call) => {
    const policy = call.config.table.policies.get('p')!;
    const entry = policy.entries.get('Entry')!;
    const decision = { policy, entry, targets: [call.config.table.targets.get('first')!] };
    const stopping = new AbortController();
    const written: Buffer[] = [];
    const client = {
      headersSent: false,
      writableEnded: false,
      destroyed: false,
      writeHead: () => {},
      write: (chunk: Buffer) => written.push(chunk) > 0,
      end: () => {},
      destroy: () => {},
      once: () => {},
      off: () => {},
    };
    call.faults.first = 'stall-after-headers';
    const request = {
      signal: stopping.signal,
      endpoint: { dialect: 'chat', path: '/v1/chat/completions' },
      path: '/v1/chat/completions',
      raw: rawBodyOf({ stream: true, messages: USER }),
      body: { stream: true, messages: USER },
      config: call.config,
      headers: {},
      decision,
      timings: {},
    };
    const ended = call.caller.call(request as unknown as RoutedRequest, client, { headers: () => ({}) });
    await eventually('content has gone out', () => written.length > 0);
    stopping.abort(new RouterError('shutting_down', 'This replica is stopping'));
    const outcome = await ended;
    assert.match(written.at(-1)!.toString(), /^data: {"error":{"message":"This replica is stopping"/);
    assert.equal(outcome.incomplete, true);
  }),
);

test(
  'many that leave at any moment leave no socket, listener or timer behind',
  withCall({}, async (call) => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    call.faults.first = ({ body }) =>
      (
        [
          { kind: 'slow-drip', ms: 5 },
          { kind: 'stall-before-headers' },
          { kind: 'headers-only' },
          null,
        ] as const
      )[Number(body.seed) % 4]!;
    const before = timers();
    await Promise.all(
      Array.from({ length: 80 }, async (_, seed) => {
        const controller = new AbortController();
        const asked = call.ask({ seed, stream: seed % 3 > 0 }, { signal: controller.signal });
        // Those without a fault are left to end by themselves.
        if (seed % 4 !== 3) setTimeout(() => controller.abort(), (seed * 7) % 150);
        await asked.then((response) => response.text()).catch(() => {});
      }),
    );
    await eventually('every call that arrived has ended', () => call.outcomes.length === call.signals.length);
    for (const signal of call.signals) assert.equal(getEventListeners(signal, 'abort').length, 0);
    // Whole answers leave kept-alive connections; every other one is closed.
    const whole = call.outcomes.filter((outcome) => outcome.status === 200).length;
    assert.ok(
      whole >= 20 && whole < call.outcomes.length,
      `${whole} of ${call.outcomes.length} were answered`,
    );
    await eventually('no socket of an aborted call is open', () => call.llms.sockets() <= whole);
    await eventually('no timer of a call is left', () => timers() <= before + 4);
  }),
);
