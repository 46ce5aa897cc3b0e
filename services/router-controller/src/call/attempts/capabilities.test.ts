import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatBody } from '../../request.ts';
import { attemptsOf, errorOf, USER, withCall } from '../testing.ts';
import { needsOf } from './capabilities.ts';

const image = [
  { type: 'text', text: 'what?' },
  { type: 'image_url', image_url: { url: `data:,${'A'.repeat(9_000)}` } },
];
const tools = [{ type: 'function', function: { name: 'f' } }];
const json_schema = { type: 'json_schema', json_schema: { name: 'x', schema: {} } };

const NEEDY: readonly [need: string, body: ChatBody][] = [
  ['vision', { messages: [{ role: 'user', content: image }] }],
  ['audio', { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] }],
  ['tools', { tools }],
  ['json_schema', { response_format: json_schema }],
  ['streaming', { stream: true }],
];

for (const [need, body] of NEEDY) {
  const lacking = { name: 'first', capabilities: { [need]: false } };

  test(
    `a request that needs ${need} skips a target that says it lacks it`,
    withCall({ targets: [lacking, { name: 'second', capabilities: { [need]: true } }] }, async (call) => {
      const response = await call.ask(body);
      await response.text();
      assert.equal(response.headers.get('x-llm-router-model'), 'second');
      assert.deepEqual(attemptsOf(call.last()), [
        ['first', 'incapable'],
        ['second', 'ok'],
      ]);
      assert.ok(call.events.includes('fell-back incapable'));
      await (await call.ask()).text();
      assert.equal(
        call.llms.seen.at(-1)!.body.model,
        'first',
        'a request without the need goes to the first',
      );
    }),
  );

  test(
    `none that can do ${need}: 400 that names the need and the targets, without a call`,
    withCall({ targets: [lacking, { ...lacking, name: 'second' }] }, async (call) => {
      const response = await call.ask(body);
      assert.equal(response.status, 400);
      const error = await errorOf(response);
      assert.equal(error.code, 'no_capable_target');
      assert.match(error.message, new RegExp(`first lacks ${need}; second lacks ${need}`));
      assert.equal(call.llms.seen.length, 0);
    }),
  );
}

test(
  'a prompt plus answer beyond the context length skips the target',
  withCall(
    { targets: [{ name: 'first', capabilities: { context_tokens: 100 } }, { name: 'second' }] },
    async (call) => {
      const model = async (body: ChatBody) => (await call.ask(body)).headers.get('x-llm-router-model');
      assert.equal(await model({}), 'first');
      assert.equal(await model({ messages: [{ role: 'user', content: 'x'.repeat(401) }] }), 'second');
      assert.equal(await model({ max_tokens: 99 }), 'second');
      assert.equal(await model({ max_completion_tokens: 90 }), 'first');
    },
  ),
);

test(
  'a target that says nothing is taken to be able',
  withCall({}, async (call) => {
    for (const [, body] of NEEDY) assert.equal((await call.ask(body)).status, 200);
  }),
);

test('inline images don’t count as text; tool descriptions and calls do', () => {
  const { prompt_tokens } = needsOf({ messages: [{ role: 'user', content: image }] });
  assert.equal(prompt_tokens, 2);
  assert.ok(needsOf({ messages: USER, tools }).prompt_tokens > needsOf({ messages: USER }).prompt_tokens);
  assert.deepEqual(needsOf({ messages: 'not a list', max_tokens: 'many', tools: [] }), {
    vision: false,
    audio: false,
    tools: false,
    json_schema: false,
    streaming: false,
    prompt_tokens: 0,
    answer_tokens: 0,
    context_tokens: 0,
  });
});
