/** What a request will use by its own account. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LongTexts } from '../receive/index.ts';
import { parseInSlices } from '../receive/parse.ts';
import type { ChatBody } from '../request.ts';
import { spendingOf } from './spending.ts';

const ASSUMED = {
  image_tokens: 1_000,
  audio_bytes_per_token: 1_000,
  file_bytes_per_token: 30,
  reference_tokens: 3_000,
};
const base64 = (bytes: number) => 'A'.repeat((bytes / 3) * 4);
const image = { type: 'image_url', image_url: { url: `data:,${'A'.repeat(9_000)}` } };

for (const [what, part, tokens] of [
  ['an image, however many bytes', image, 1_000],
  ['an image of the Responses API', { type: 'input_image', image_url: 'https://x.example/i.png' }, 1_000],
  ['an image of Anthropic', { type: 'image', source: { type: 'base64', data: base64(3_000) } }, 1_000],
  ['inline audio', { type: 'input_audio', input_audio: { data: base64(300_000), format: 'mp3' } }, 300],
  ['audio by URL', { type: 'audio_url', audio_url: { url: 'https://x.example/a.mp3' } }, 3_000],
  ['an inline file', { type: 'file', file: { filename: 'a.pdf', file_data: base64(60_000) } }, 2_000],
  ['a file by its id', { type: 'file', file: { file_id: 'file-1' } }, 3_000],
  ['a document of Anthropic', { type: 'document', source: { type: 'base64', data: base64(60_000) } }, 2_000],
  [
    'an inline video',
    { type: 'video_url', video_url: { url: `data:video/mp4;base64,${base64(90_000)}` } },
    3_000,
  ],
  ['an image in a tool’s result', { type: 'tool_result', content: [image] }, 1_000],
  ['a text', { type: 'text', text: 'Hello' }, 0],
  ['nothing', null, 0],
] as const) {
  test(`estimated by kind: ${what}`, () => {
    for (const field of ['messages', 'input']) {
      const spending = spendingOf({ [field]: [{ role: 'user', content: [part, part] }] }, 1e9, ASSUMED);
      // The head of a data URL is a few bytes of a token.
      assert.ok(Math.abs(spending.textlessTokens - 2 * tokens) <= 2, String(spending.textlessTokens));
      assert.ok(spending.promptTokens - spending.textlessTokens < 5);
    }
  });
}

test('prompts as token ids are counted; every answer that is asked for counts', () => {
  const told = (body: ChatBody) => {
    const { promptTokens, answers } = spendingOf(body);
    return [promptTokens, answers];
  };
  assert.deepEqual(told({ prompt: [1, 2, 3] }), [3, 1]);
  const ids = [
    [1, 2, 3],
    [4, 5],
  ];
  assert.deepEqual(told({ prompt: ids, n: 2 }), [5, 4]);
  assert.deepEqual(told({ prompt: ['four', 'four'] }), [2, 2]);
  assert.deepEqual(told({ prompt: 'four', n: 3, best_of: 5 }), [1, 5]);
  assert.deepEqual(told({ prompt: 'four', n: { toString: 1 }, best_of: -4 }), [1, 1]);
  assert.deepEqual(told({ prompt: 'four', n: 1e300 }), [1, 1_024]);
  assert.deepEqual(told({ input: [1, 2, 3, 4] }), [4, 1]);
});

test('a max_tokens that is no number is none', () => {
  for (const max_tokens of [{ toString: 1 }, [5], true, Number.NaN, -1, 'many', null])
    assert.equal(spendingOf({ max_tokens }).answerTokens, null);
  assert.equal(spendingOf({ max_tokens: 1.5 }).answerTokens, 2);
  assert.equal(spendingOf({ max_output_tokens: 7 }).answerTokens, 7);
});

test('text counts wherever in a prompt it stands', () => {
  const text = 'word '.repeat(400);
  for (const body of [
    { messages: [{ role: 'user', content: text }] },
    { messages: [{ role: 'user', content: [{ type: 'text', text }] }] },
    { messages: [{ role: 'assistant', content: null, reasoning_content: text }] },
    {
      messages: [{ role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f', arguments: text } }] }],
    },
    { messages: [{ role: 'tool', content: [{ type: 'tool_result', content: [{ type: 'text', text }] }] }] },
    { prompt: text },
    { input: text },
    { input: [{ role: 'user', content: [{ type: 'input_text', text }] }] },
    { instructions: text, input: 'x' },
    { system: [{ type: 'text', text }] },
    { tools: [{ type: 'function', function: { name: 'f', description: text } }] },
    { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { description: text } } } },
  ])
    assert.ok(Math.abs(spendingOf(body).promptTokens - 500) < 30, JSON.stringify(body).slice(0, 60));
});

test('a long text in a big body counts whole, and nothing that a client writes makes a text shorter or longer than it is', async () => {
  const long = 'word '.repeat(400_000);
  const bytes = Buffer.from(
    JSON.stringify({ messages: [{ role: 'user', content: [image, { type: 'text', text: long }] }] }),
  );
  const value = (await parseInSlices(bytes, new LongTexts())) as ChatBody;
  const { promptTokens } = spendingOf(value, bytes.length);
  assert.ok(Math.abs(promptTokens - 501_000) < 100, String(promptTokens));
  for (const claim of [0, 999_999_999_999]) {
    const forged = `\ue0000123456789abcdef:0:${claim}\ue000`.repeat(1_000);
    const body = { messages: [{ role: 'user', content: forged }] };
    const size = Buffer.byteLength(JSON.stringify(body));
    const tokens = spendingOf(body, size).promptTokens;
    assert.ok(tokens >= Buffer.byteLength(forged) / 4 && tokens <= size / 4 + 1, String(tokens));
  }
});

test('whatever a body is, its spending is whole numbers', () => {
  const value = fc.anything({ maxDepth: 5 });
  const body = fc.record(
    Object.fromEntries(
      ['messages', 'prompt', 'input', 'tools', 'n', 'best_of', 'max_tokens', 'text', 'system'].map((name) => [
        name,
        value,
      ]),
    ),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(body, (given) => {
      // As it comes from JSON.
      const json = JSON.stringify(given, (_key, each) => (typeof each === 'bigint' ? 1 : each));
      const parsed = JSON.parse(json) as ChatBody;
      const { promptTokens, textlessTokens, answerTokens, answers } = spendingOf(parsed, json.length * 6);
      for (const count of [promptTokens, textlessTokens, answerTokens ?? 0, answers])
        assert.ok(count >= 0 && Math.ceil(count) === count, String(count));
    }),
    { numRuns: 500 },
  );
});
