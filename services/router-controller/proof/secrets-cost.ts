/**
 * What it costs a stream that every byte of it is searched for the process' secrets: CPU of one event with and without, next to
 * what the router does with the event anyway (splitting, reading, and writing to a socket on loopback).
 *
 *     node services/router-controller/proof/secrets-cost.ts [--secrets 20] [--events 200000]
 *
 * Ends with one JSON line, times in microseconds an event.
 */
import { randomBytes } from 'node:crypto';
import { createServer, get, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { writeTo } from '../src/call/stream/client-response.ts';
import { ChatStreamReader } from '../src/dialects/chat/stream.ts';
import { SseSplitter } from '../src/dialects/sse.ts';
import { guardResponses, KnownSecrets } from '../src/observe/secrets/index.ts';

const { values } = parseArgs({
  options: { secrets: { type: 'string', default: '20' }, events: { type: 'string', default: '200000' } },
});
const EVENTS = Number(values.events);
const known = new KnownSecrets();
known.know(
  {},
  Array.from({ length: Number(values.secrets) }, () => randomBytes(36).toString('base64url')),
);

class GuardedResponse extends ServerResponse {}
guardResponses(GuardedResponse.prototype, known);

const event = (content: string) =>
  Buffer.from(
    `data: ${JSON.stringify({
      id: 'chatcmpl-9f8d7c6b5a4e3f2d1c0b',
      object: 'chat.completion.chunk',
      created: 1_761_234_567,
      model: 'meta/llama-3.1-8b-instruct',
      choices: [{ index: 0, delta: { content }, finish_reason: null, logprobs: null }],
    })}\n\n`,
  );
const events = 'The quick brown fox jumps over the lazy dog, and then it goes home'
  .split(' ')
  .map((word) => event(` ${word}`));

const cpu = () => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

/** Microseconds of this thread an event, its way to the socket included. The reader is a process' other end, not counted. */
async function streamed(guarded: boolean): Promise<number> {
  const server = createServer(
    guarded ? { ServerResponse: GuardedResponse } : {},
    async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const splitter = new SseSplitter();
      const reader = new ChatStreamReader({});
      const before = cpu();
      for (let n = 0; n < EVENTS; n++)
        for (const each of splitter.push(events[n % events.length]!)) {
          reader.read(each);
          await writeTo(response, each.bytes);
        }
      spent = cpu() - before;
      response.end();
    },
  );
  let spent = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve, reject) =>
    get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, (answer) =>
      answer.on('end', resolve).on('error', reject).resume(),
    ).on('error', reject),
  );
  await new Promise((resolve) => server.close(resolve));
  return spent / EVENTS;
}

/** Microseconds of the search alone. */
function searched(): number {
  const stream = known.stream()!;
  const before = cpu();
  for (let n = 0; n < EVENTS * 10; n++) stream.push(events[n % events.length]!);
  return (cpu() - before) / (EVENTS * 10);
}

const median = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
const without: number[] = [];
const with_: number[] = [];
searched();
for (let round = 0; round < 7; round++) {
  // In turn, so that what else the machine does falls on both.
  without.push(await streamed(false));
  with_.push(await streamed(true));
}
const search = searched();
const round3 = (us: number) => Math.round(us * 1000) / 1000;
console.log(
  JSON.stringify({
    secrets: Number(values.secrets),
    event_bytes: Math.round(events.reduce((sum, each) => sum + each.length, 0) / events.length),
    without_us: round3(median(without)),
    with_us: round3(median(with_)),
    search_us: round3(search),
    search_percent: round3((100 * search) / median(without)),
  }),
);
