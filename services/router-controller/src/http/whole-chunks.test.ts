import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { writeWholeChunks } from './whole-chunks.ts';

class Response extends ServerResponse {}
writeWholeChunks(Response.prototype);

type Step = { readonly chunk: string | Uint8Array } | 'turn' | 'cork' | 'uncork';

async function answer(response: ServerResponse, steps: readonly Step[], last: string | null): Promise<void> {
  for (const step of steps) {
    if (step === 'turn') await turn();
    else if (typeof step === 'string') response[step]();
    else response.write(step.chunk);
  }
  response.end(last ?? undefined);
}

/** All bytes that a connection gets, without the date. */
async function bytesOf(request: string, handle: (response: ServerResponse) => unknown, own: boolean) {
  const server = createServer(own ? { ServerResponse: Response } : {}, (_request, response) => {
    response.sendDate = false;
    handle(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(`${request}host: x\r\nconnection: close\r\n\r\n`);
  const bytes = Buffer.concat(await socket.toArray()).toString('latin1');
  server.close();
  return bytes;
}

const chunk = fc
  .oneof(
    fc.string({ maxLength: 20 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  )
  .map((each) => ({ chunk: each }));
const step = fc.oneof({ weight: 6, arbitrary: chunk }, fc.constantFrom<Step>('turn', 'cork', 'uncork'));

test('an answer has the bytes that node gives it, whatever is written and when', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.option(fc.string({ maxLength: 5 })),
      fc.constantFrom('GET / HTTP/1.1\r\n', 'HEAD / HTTP/1.1\r\n', 'GET / HTTP/1.0\r\n'),
      fc.constantFrom({}, { 'content-length': '7' }, null),
      async (steps, last, request, headers) => {
        const handle = (response: ServerResponse) => {
          if (headers) response.writeHead(200, headers);
          return answer(response, steps, last);
        };
        assert.equal(await bytesOf(request, handle, true), await bytesOf(request, handle, false));
      },
    ),
    { numRuns: 300 },
  );
});

test('a reader that is slower is told of, and the writer hears when it goes on', async () => {
  const seen: unknown[] = [];
  const handle = async (response: ServerResponse) => {
    response.write('head');
    const more = response.write(Buffer.alloc(4_000_000, 0x61), () => seen.push('written'));
    seen.push(more);
    if (!more) await once(response, 'drain');
    seen.push('drained');
    response.end();
  };
  const bytes = await bytesOf('GET / HTTP/1.1\r\n', handle, true);
  assert.deepEqual(seen, [false, 'written', 'drained']);
  assert.ok(bytes.endsWith(`\r\n3d0900\r\n${'a'.repeat(4_000_000)}\r\n0\r\n\r\n`));
});
