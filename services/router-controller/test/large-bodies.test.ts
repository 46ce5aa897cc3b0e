/** Five megabytes go through, both ways; over the limit there is a 413 that says so. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { chat, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['A', 'B'];
const CONFIG = `
default_policy: p
server: { body_limit_bytes: 8000000 }
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    llms:
      - { name: A, api_base: '{LLM}', model: model-a }
      - { name: B, api_base: '{LLM}', model: model-b }
`;
const MIB = 1024 * 1024;

const PACKS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };

describe('large bodies', () => {
  let whole: Whole;
  let longest = 0;

  before(async () => {
    const classifier = scriptedClassifier(LABELS, (text) => {
      longest = Math.max(longest, text.length);
      return favour(LABELS, 'A');
    });
    const answer = Buffer.from(JSON.stringify({ choices: [{ message: { content: 'x'.repeat(12 * MIB) } }] }));
    whole = await startWhole({
      config: CONFIG,
      connect: () => classifier,
      llms: {
        respond: ({ body }) =>
          body.user === 'big answer'
            ? { headers: { 'content-type': 'application/json' }, chunks: [answer] }
            : null,
      },
    });
  });
  after(() => whole.stop());

  test('a body of 5 MB arrives upstream whole, and the classifier sees only head and tail', async () => {
    const text = 'héllo wörld '.repeat((5 * MIB) / 13);
    const response = await chat(whole.url, { messages: user(text), stream: true });
    assert.equal(response.status, 200);
    await response.text();
    const seen = whole.llms.seen.at(-1)!;
    assert.equal((seen.body.messages![0] as { content: string }).content, text);
    assert.ok(longest <= 16_384, `the classifier was sent ${longest} characters`);
  });

  for (const [coding, pack] of Object.entries(PACKS))
    test(`a body packed with ${coding} is read, and one that grows too much is not`, async () => {
      const send = (content: string) =>
        fetch(`${whole.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-encoding': coding },
          body: new Uint8Array(pack(Buffer.from(JSON.stringify({ messages: user(content) })))),
        });
      assert.equal((await send('hello')).status, 200);
      assert.equal((await send('a'.repeat(7_000_000))).status, 413);
    });

  test('over the limit: 413 with the limit in words, and the connection goes on', async () => {
    const response = await chat(whole.url, { messages: user('x'.repeat(9_000_000)) });
    assert.equal(response.status, 413);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    assert.equal(error.code, 'request_too_large');
    assert.match(error.message, /8000000 bytes/);
    assert.equal((await chat(whole.url, { messages: user('hello') })).status, 200);
  });

  test('an answer too large to be held goes through as it comes', async () => {
    const response = await chat(whole.url, { messages: user('hello'), user: 'big answer' });
    assert.equal(
      (await response.text()).length,
      12 * MIB + JSON.stringify({ choices: [{ message: { content: '' } }] }).length,
    );
  });
});
