/** The harness of `npm run bench` counts what is there: its own reader of HTTP, its streams and its ratios. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MessageReader } from '../bench/http-messages.ts';
import { load } from '../bench/load.ts';
import { startMockUpstream } from '../bench/mock-upstream.ts';
import { type Row, summary } from '../bench/report.ts';

const sized = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (body: string) =>
  `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${[...body].map((letter) => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`;

test('property: messages are read whole, however their bytes are cut', () => {
  const message = fc.record({ body: fc.string({ unit: 'grapheme-ascii' }), chunked: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(message),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (all, cuts) => {
        const bytes = Buffer.from(all.map((each) => (each.chunked ? chunked : sized)(each.body)).join(''));
        const seen: string[] = [];
        let body = '';
        const reader = new MessageReader({
          head: (head) => assert.match(head, /^HTTP\/1\.1 200 OK/),
          body: (piece) => {
            body += piece.toString('latin1');
          },
          end: () => {
            seen.push(body);
            body = '';
          },
        });
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const end = at + cuts[turn % cuts.length]!;
          reader.push(bytes.subarray(at, end));
          at = end;
        }
        assert.deepEqual(
          seen,
          all.map((each) => each.body),
        );
      },
    ),
  );
});

test('the load counts answers, failures and events', async () => {
  const upstream = await startMockUpstream();
  upstream.set({ together: 1, bodyBytes: 10, chunks: 7, delayMs: 0 });
  const ask = (body: string) =>
    load({ url: upstream.url, headers: {}, body: () => body, connections: 3, requests: 9 });
  const plain = await ask('{}');
  assert.deepEqual([plain.ok, plain.failed, plain.events, plain.totals.length], [9, 0, 0, 9]);
  const streams = await ask('{"stream":true}');
  // Role, seven of content, the reason, usage and the end.
  assert.deepEqual([streams.ok, streams.events, streams.firsts.length], [9, 9 * 11, 9]);
  upstream.close();
  assert.ok((await ask('{}')).failed > 0);
});

test('ratios are of one round', () => {
  const cell = (round: number, target: string, cpuMs: number) =>
    ({ round, scenario: 'c64', target, cpuMs, rps: 1, rssMb: 1 }) as Row;
  const rows = [cell(1, 'ours', 2), cell(1, 'undici-raw', 1), cell(2, 'ours', 30), cell(2, 'undici-raw', 10)];
  const { cpu_ms_c64, x_undici_raw, cpu_us_per_chunk } = summary(rows);
  assert.deepEqual([cpu_ms_c64, x_undici_raw, cpu_us_per_chunk], [16, 2.5, null]);
});
