/** Five megabytes each way, held or not, streamed or not. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { withCall } from '../testing.ts';

const MB = 1024 * 1024;
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Text with characters of one to four bytes. */
const text = (bytes: number) => 'Größe → 🙂 x'.repeat(Math.ceil(bytes / 18));

test(
  'a request of 5 MB arrives whole',
  withCall({}, async (call) => {
    const content = text(5 * MB);
    assert.equal((await call.ask({ messages: [{ role: 'user', content }] })).status, 200);
    assert.ok(call.llms.seen[0]!.raw.length > 5 * MB);
    assert.equal((call.llms.seen[0]!.body.messages![0] as { content: string }).content, content);
  }),
);

for (const [held, limit] of [
  ['held', 16 * MB],
  ['not held', MB],
] as const) {
  test(
    `a plain answer of 5 MB, ${held}, comes back byte for byte`,
    withCall({ upstream: { held_body_bytes: limit } }, async (call) => {
      const answer = Buffer.from(
        JSON.stringify({
          choices: [{ message: { content: text(5 * MB) } }],
          usage: { prompt_tokens: 1, completion_tokens: 2 },
        }),
      );
      const chunks = Array.from({ length: 9 }, (_, i) =>
        answer.subarray((i * answer.length) / 9, ((i + 1) * answer.length) / 9),
      );
      call.respond = () => ({
        headers: { 'content-type': 'application/json', 'content-length': String(answer.length) },
        chunks,
      });
      const response = await call.ask();
      assert.equal(response.headers.get('content-length'), String(answer.length));
      assert.equal(hash(new Uint8Array(await response.arrayBuffer())), hash(answer));
      assert.equal(call.last().usage?.source, held === 'held' ? 'upstream' : 'estimate');
    }),
  );
}

test(
  'a stream with an event of 5 MB comes back byte for byte, and its usage event is still hidden',
  withCall({}, async (call) => {
    const event = Buffer.from(
      `data: ${JSON.stringify({ choices: [{ delta: { content: text(5 * MB) } }] })}\n\n`,
    );
    const usage = Buffer.from('data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n');
    const done = Buffer.from('data: [DONE]\n\n');
    call.respond = () => ({ chunks: [event, usage, done] });
    const received = new Uint8Array(await (await call.ask({ stream: true })).arrayBuffer());
    assert.equal(hash(received), hash(Buffer.concat([event, done])));
    assert.equal(call.last().usage?.completionTokens, 2);
  }),
);
