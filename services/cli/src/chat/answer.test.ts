import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStream, readWhole } from './answer.ts';

const read = (...parts: (string | Error)[]) =>
  readStream(
    (async function* () {
      for (const part of parts) {
        if (part instanceof Error) throw part;
        yield new TextEncoder().encode(part);
      }
    })(),
    () => {},
  );
const event = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: finish }] })}\n\n`;

test('a whole stream has no error, in whatever pieces it comes', async () => {
  const [first, ...rest] = `${event('a')}${event('b', 'stop')}data: [DONE]\n\n`;
  assert.deepEqual(await read(first!, ...rest), { text: 'ab', usage: null, finish: 'stop', error: null });
});

test('what breaks a stream is told, and what came before is kept', async () => {
  for (const [parts, told] of [
    [[event('a'), new Error('terminated')], /broke off \(terminated\)/],
    [[event('a')], /ended early/],
    [[event('a'), 'data: <html>\n\n', event('', 'stop')], /not JSON/],
    [[event('a'), 'data: {"error": {"message": "too much"}}\n\n'], /^too much$/],
  ] as const) {
    const { text, error } = await read(...parts);
    assert.equal(text, 'a');
    assert.match(error ?? '', told);
  }
});

test('an answer that came whole is read, anything else is none', () => {
  const whole = {
    choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1 },
  };
  assert.deepEqual(readWhole(whole), {
    text: 'hi',
    usage: { prompt_tokens: 1 },
    finish: 'stop',
    error: null,
  });
  for (const other of [undefined, null, {}, [], 'x', { choices: [] }, { choices: 3 }])
    assert.equal(readWhole(other), null);
});
