import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutMiddle, promptText } from './prompt-text.ts';

const options = { turns: 1, max_chars: 1000 };
const user = (content: unknown) => ({ role: 'user', content });

test('the last user message is classified', () => {
  const messages = [
    user('first'),
    { role: 'assistant', content: 'answer' },
    user('second'),
    { role: 'tool', content: 'x' },
  ];
  assert.equal(promptText({ messages }, options).text, 'second');
  assert.equal(promptText({ messages }, { ...options, turns: 2 }).text, 'first\n\nsecond');
});

test('text parts are joined; images and empty turns are passed over', () => {
  const image = { type: 'image_url', image_url: { url: 'data:,' } };
  const parts = [{ type: 'text', text: 'a' }, image, { type: 'text', text: 'b' }];
  assert.equal(promptText({ messages: [user(parts)] }, options).text, 'a\nb');
  assert.equal(promptText({ messages: [user('before'), user([image])] }, options).text, 'before');
  assert.equal(promptText({ messages: [user(null), 7, null] }, options).text, '');
  assert.equal(promptText({ prompt: ['x', 'y'] }, options).text, 'x\ny');
});

test('over-long text keeps head and tail', () => {
  const { text, cut, chars } = promptText({ messages: [user(`HEAD${'x'.repeat(5000)}TAIL`)] }, options);
  assert.deepEqual([cut, chars, text.slice(0, 4), text.slice(-4)], [true, 5008, 'HEAD', 'TAIL']);
  assert.ok(text.length <= 1000);
});

test('a cut never goes through a character, and never makes the text longer than allowed', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
      fc.integer({ min: 4, max: 60 }),
      (text, max) => {
        fc.pre(text.isWellFormed());
        const result = cutMiddle(text, max);
        assert.equal(result.cut, text.length > max);
        assert.ok(result.text.isWellFormed());
        // A pair that straddles the middle is kept whole on the head's side.
        assert.ok(result.text.length <= Math.max(max + 1, text.length > max ? 0 : text.length));
      },
    ),
  );
});
