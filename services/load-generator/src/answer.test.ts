import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorCode, StreamReader } from './answer.ts';

const event = (value: unknown) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const delta = (content: object) => ({ choices: [{ index: 0, delta: content }] });

function read(text: string, size = text.length): { reader: StreamReader; contents: number } {
  let contents = 0;
  const reader = new StreamReader(() => contents++);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) reader.take(bytes.subarray(at, at + size));
  return { reader, contents };
}

describe('a stream', () => {
  test('is read alike however it is cut into chunks', () => {
    const text = [
      ': ping\n\n',
      event(delta({ role: 'assistant', content: '' })),
      event(delta({ content: 'ü🙂' })).replaceAll('\n', '\r\n'),
      event(delta({ content: 'b' })),
      event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } }),
      event('[DONE]'),
    ].join('');
    for (let size = 1; size <= Buffer.byteLength(text); size++) {
      const { reader, contents } = read(text, size);
      assert.deepEqual(
        [reader.tokens, reader.isDone, reader.error, contents],
        [{ prompt: 3, completion: 2 }, true, null, 1],
        `chunks of ${size}`,
      );
    }
  });

  test('has its first content with text, thoughts or a tool, not with a role', () => {
    for (const [content, wanted] of [
      [{ role: 'assistant' }, 0],
      [{ content: '' }, 0],
      [{ content: null, tool_calls: [] }, 0],
      [{ content: 'a' }, 1],
      [{ reasoning_content: 'a' }, 1],
      [{ tool_calls: [{ index: 0 }] }, 1],
    ] as const)
      assert.equal(read(event(delta(content))).contents, wanted, JSON.stringify(content));
  });

  test('that holds an error, or no JSON, or no end, is not whole', () => {
    const error = read(event({ error: { code: 'upstream_error', message: 'm' } }) + event('[DONE]')).reader;
    assert.equal(error.error, 'in the stream: upstream_error');
    assert.equal(read(event('{')).reader.error, 'in the stream: not JSON');
    assert.equal(read(event(delta({ content: 'a' }))).reader.isDone, false);
  });
});

test('error codes are short words, whatever the other side says', () => {
  assert.equal(errorCode({ error: { code: 'rate_limit_exceeded' } }), 'rate_limit_exceeded');
  assert.equal(errorCode({ error: { code: null, type: 'server_error' } }), 'server_error');
  for (const odd of [
    undefined,
    null,
    'text',
    {},
    { error: { code: 'a prompt of many words' } },
    { error: 'x' },
  ])
    assert.equal(errorCode(odd), 'error');
});
