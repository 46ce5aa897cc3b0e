/** Tokens as OpenAI counts them, whatever the script and however long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promptSample } from '../call/index.ts';
import { countSample, countText } from './tokenizer.ts';

test('texts have the tokens that o200k_base gives them', () => {
  // By OpenAI's own tiktoken.
  for (const [text, tokens] of [
    ['', 0],
    ['hello world', 2],
    ['tiktoken is great!', 6],
    ['antidisestablishmentarianism', 6],
    ['2 + 2 = 4', 7],
    ['お誕生日おめでとう', 8],
  ] as const)
    assert.equal(countText(text), tokens, text);
});

test('a chat prompt counts as OpenAI charges it', () => {
  // The example of OpenAI's cookbook, for which the API of gpt-4o reports 124 prompt tokens.
  const example = (name: string, content: string) => ({ role: 'system', name, content });
  const { around, ...sample } = promptSample({
    messages: [
      {
        role: 'system',
        content:
          'You are a helpful, pattern-following assistant that translates corporate jargon into plain English.',
      },
      example('example_user', 'New synergies will help drive top-line growth.'),
      example('example_assistant', 'Things working well together will increase revenue.'),
      example(
        'example_user',
        "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
      ),
      example('example_assistant', "Let's talk later when we're less busy about how to do better."),
      {
        role: 'user',
        content: "This late pivot means we don't have time to boil the ocean for the client deliverable.",
      },
    ],
  });
  assert.equal(countSample(sample) + around, 124);
});

test('a long text counted in pieces has the tokens of the whole', () => {
  const sentence = 'The quick brown fox, who had seen 31 summers, jumps over the lazy dog. ';
  const one = countText(sentence.trim());
  const many = countText(sentence.repeat(1_000).trim());
  // The space between two sentences begins the next one's first word.
  assert.equal(many, one * 1_000);
});

test('other scripts are not taken for English', () => {
  const chinese = '请用中文写一篇关于人工智能的文章，讨论它对社会的影响。';
  const each = countText(chinese) / chinese.length;
  assert.ok(each > 0.5 && each < 1.2, `${each} tokens a character`);
  const long = chinese.repeat(1_000);
  assert.ok(Math.abs(countText(long) / long.length - each) < 0.02);
});

test('a text without a break takes time in proportion, not in its square; no character is cut in half', () => {
  // 64 K characters in one run would be hours at the square of it.
  for (const unit of ['a', '字', '🙂', '𠮷']) {
    const text = unit.repeat(64 * 1024);
    assert.ok(countText(text) >= 8_192, unit);
  }
  const emoji = countText('🙂'.repeat(3_000));
  assert.equal(emoji % 3_000, 0, 'halves would be more tokens');
});

test('text that looks like a control token is counted as text', () => {
  assert.ok(countText('<|endoftext|> and <|im_start|>') > 5);
});

test('past the sample the rest is counted by its ratio', () => {
  const text = 'one two three four five six seven eight nine ten '.repeat(200);
  const tokens = countText(text);
  assert.equal(countSample({ texts: [text], bytes: text.length }), tokens);
  assert.equal(countSample({ texts: [text], bytes: text.length * 50 }), tokens * 50);
  assert.equal(countSample({ texts: [], bytes: 0 }), 0);
});
