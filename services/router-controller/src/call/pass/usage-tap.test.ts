import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventsTap, UsageTap } from './usage-tap.ts';

const feed = (tap: EventsTap | UsageTap, text: string) => {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 7_000) tap.push(bytes.subarray(at, at + 7_000));
  return tap.read();
};

test('the usage of a JSON answer of any size is read, one deeper in is none of it', () => {
  const numbers = JSON.stringify(Array.from({ length: 50_000 }, (_, index) => index));
  const read = feed(new UsageTap(), `{"data":${numbers},"usage":{"prompt_tokens":8,"total_tokens":8}}`);
  assert.equal(read?.promptTokens, 8);
  assert.equal(feed(new UsageTap(), '{"data":[{"usage":{"prompt_tokens":8}}]}'), null);
});

test('the last usage of an event stream is read', () => {
  const events =
    `data: {"type":"a","usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n` +
    `data: {"b64":"${'A'.repeat(60_000)}"}\n\ndata: {"type":"done","usage":{"input_tokens":5,"output_tokens":7}}\n\n`;
  const read = feed(new EventsTap(), events);
  assert.deepEqual([read?.promptTokens, read?.completionTokens], [5, 7]);
  assert.equal(feed(new EventsTap(), 'data: {"usage":\n\n: x\n\n'), null);
});
