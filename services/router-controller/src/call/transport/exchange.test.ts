import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import { eventually } from '../testing.ts';
import { Exchange } from './exchange.ts';
import { ENOUGH, type UpstreamBody } from './upstream-answer.ts';

async function withUpstream(
  answer: (response: ServerResponse) => void,
  run: (
    send: (signal?: AbortSignal) => ReturnType<typeof Exchange.send>,
    sockets: () => number,
  ) => Promise<void>,
): Promise<void> {
  const server = createServer((_request, response) => answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ connections: 1 });
  const request = { origin: `http://127.0.0.1:${port}`, path: '/', method: 'POST', body: Buffer.from('{}') };
  let sockets = 0;
  server.on('connection', (socket) => {
    sockets++;
    socket.once('close', () => sockets--);
  });
  try {
    await run(
      (signal = new AbortController().signal) => Exchange.send(agent, request, signal),
      () => sockets,
    );
  } finally {
    await agent.destroy();
    server.closeAllConnections();
    server.close();
  }
}

async function all(body: UpstreamBody): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const { value, done } = await body.next();
    if (done) return Buffer.concat(parts);
    parts.push(value);
  }
}

test('a body is read whole, and a slow reader holds the upstream back', async () => {
  const bytes = Buffer.from(Array.from({ length: 4 * 1024 * 1024 }, (_, at) => at % 251));
  let taken = 0;
  const slowly = (response: ServerResponse) => {
    let at = 0;
    const next = () => {
      while (at < bytes.length) {
        const piece = bytes.subarray(at, at + 16_384);
        at += piece.length;
        taken = at;
        if (!response.write(piece)) return void response.once('drain', next);
      }
      response.end();
    };
    next();
  };
  await withUpstream(slowly, async (send) => {
    const { status, body } = await send();
    assert.equal(status, 200);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = taken;
    await new Promise((resolve) => setTimeout(resolve, 100));
    // What fits into the sockets and the exchange, not all.
    assert.equal(taken, before);
    assert.ok(before < bytes.length);
    assert.ok((await all(body)).equals(bytes));
    assert.deepEqual(await body.next(), { done: true, value: undefined });
  });
});

test('an abort ends the call at once in each of its phases, and leaves no listener', async () => {
  let respond = (_response: ServerResponse) => {};
  await withUpstream(
    (response) => respond(response),
    async (send, sockets) => {
      const waiting = new AbortController();
      const unanswered = send(waiting.signal);
      const behind = new AbortController();
      // The only connection is taken.
      const queued = send(behind.signal);
      await eventually('it is connected', () => sockets() === 1);
      behind.abort(new Error('left the queue'));
      await assert.rejects(queued, /left the queue/);
      waiting.abort(new Error('left'));
      await assert.rejects(unanswered, /left/);
      await eventually('its connection is closed', () => sockets() === 0);

      respond = (response) => void response.write('beginning');
      const reading = new AbortController();
      const { body } = await send(reading.signal);
      assert.equal(String((await body.next()).value), 'beginning');
      const next = body.next();
      reading.abort(new Error('left in the middle'));
      await assert.rejects(next, /left in the middle/);
      await assert.rejects(body.next(), /left in the middle/);
      for (const { signal } of [waiting, behind, reading])
        assert.equal(getEventListeners(signal, 'abort').length, 0);
      await assert.rejects(send(AbortSignal.abort(new Error('before'))), /before/);
    },
  );
});

test('a body that breaks off rejects after what came; one that is ignored leaves its connection', async () => {
  let respond = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half', () => response.destroy());
  };
  await withUpstream(
    (response) => respond(response),
    async (send, sockets) => {
      const { body } = await send();
      assert.equal(String((await body.next()).value), 'half');
      await assert.rejects(body.next());
      respond = (response) => void response.end('x'.repeat(1_000_000));
      const ignored = await send();
      ignored.body.ignore();
      assert.equal((await all((await send()).body)).length, 1_000_000);
      assert.equal(sockets(), 1);
      const ended = await send();
      ended.body.destroy();
      await assert.rejects(ended.body.next());
    },
  );
});

test('a body that flows comes whole and in order, and waits where its taker does', async () => {
  const bytes = Buffer.from(Array.from({ length: 8 * 1024 * 1024 }, (_, at) => at % 251));
  let taken = 0;
  const steadily = (response: ServerResponse) => {
    const next = () => {
      while (taken < bytes.length) {
        const piece = bytes.subarray(taken, taken + 16_384);
        taken += piece.length;
        if (!response.write(piece)) return void response.once('drain', next);
      }
      response.end();
    };
    next();
  };
  await withUpstream(steadily, async (send) => {
    const { body } = await send();
    const parts: Buffer[] = [];
    let begun = false;
    const whole = body.flow!((chunk) => {
      parts.push(chunk);
      if (begun) return null;
      begun = true;
      return sleep(200).then(async () => {
        const before = taken;
        await sleep(100);
        assert.equal(taken, before);
        assert.ok(before < bytes.length);
        assert.equal(parts.length, 1);
      });
    });
    assert.equal(await whole, true);
    assert.ok(Buffer.concat(parts).equals(bytes));
  });
});

test('a flow ends where its taker has had enough, and the rest is there to be read', async () => {
  const respond = (response: ServerResponse) => {
    response.write('one');
    setTimeout(() => response.end('two'), 20);
  };
  await withUpstream(respond, async (send) => {
    const { body } = await send();
    assert.equal(await body.flow!(() => ENOUGH), false);
    assert.equal(String(await all(body)), 'two');
  });
});

test('a flow that breaks off rejects after what came, and so does one whose taker fails, now or later', async () => {
  const respond = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half', () => setTimeout(() => response.destroy(), 20));
  };
  await withUpstream(respond, async (send) => {
    const { body } = await send();
    const seen: string[] = [];
    const take = (chunk: Buffer) => {
      seen.push(String(chunk));
      return null;
    };
    await assert.rejects(body.flow!(take));
    assert.deepEqual(seen, ['half']);
    await assert.rejects(body.flow!(take));

    const failing = await send();
    const fail = () => {
      throw new Error('can’t take it');
    };
    await assert.rejects(failing.body.flow!(fail), /can’t take it/);
    const later = await send();
    await assert.rejects(
      later.body.flow!(() => Promise.reject(new Error('gone'))),
      /gone/,
    );
    const leaving = new AbortController();
    const left = await send(leaving.signal);
    const waits = left.body.flow!(() => null);
    leaving.abort(new Error('left'));
    await assert.rejects(waits, /left/);
  });
});

/** An exchange whose answer has begun, and undici's side of it. */
async function begun() {
  let handler: Dispatcher.DispatchHandler | null = null;
  const controller = { paused: false, abort: () => {}, pause: () => {}, resume: () => {} };
  const dispatcher = {
    dispatch: (_request: unknown, given: Dispatcher.DispatchHandler) => {
      handler = given;
      return true;
    },
  };
  const answer = Exchange.send(
    dispatcher as unknown as Dispatcher,
    { path: '/', method: 'POST' },
    new AbortController().signal,
  );
  const undici = controller as unknown as Dispatcher.DispatchController;
  handler!.onRequestStart!(undici, null);
  handler!.onResponseStart!(undici, 200, {}, 'OK');
  const { body } = await answer;
  const come = (...pieces: string[]) => {
    for (const piece of pieces) handler!.onResponseData!(undici, Buffer.from(piece));
  };
  const end = () => handler!.onResponseEnd!(undici, {});
  const fail = (error: Error) => handler!.onResponseError!(undici, error);
  return { body, come, end, fail };
}
const told = ({ value, done }: IteratorResult<Buffer, undefined>) => (done ? null : value.toString());

test('what comes in one step is read in one, whether it was waited for or not', async () => {
  const { body, come } = await begun();
  const waiting = body.next();
  come('a', 'b', 'c');
  assert.equal(told(await waiting), 'abc');
  come('d', 'e');
  assert.equal(told(await body.next()), 'de');
  const again = body.next();
  come('f');
  assert.equal(told(await again), 'f');
});

test('what came before an end, or before the answer broke off, is read before that', async () => {
  const ended = await begun();
  const waiting = ended.body.next();
  ended.come('a', 'b');
  ended.end();
  assert.equal(told(await waiting), 'ab');
  assert.equal(told(await ended.body.next()), null);

  const broken = await begun();
  const last = broken.body.next();
  broken.come('a', 'b');
  broken.fail(new Error('cut'));
  assert.equal(told(await last), 'ab');
  await assert.rejects(broken.body.next(), /cut/);
});
