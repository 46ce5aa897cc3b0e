/** What a request needs and what its key may use bound the choice; the label orders it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../config/index.ts';
import { RouterError } from '../../errors.ts';
import { needsOf } from '../../understand/index.ts';
import { orderTargets } from './choose.ts';
import { largerThan, saysContextOverflow } from './overflow.ts';
import { type Bounds, NO_BOUNDS, withinPossible } from './possible.ts';

const policy = parseConfig(
  `
targets:
  - { name: small, api_base: "http://a", model: m-small, capabilities: { vision: false, tools: false, context_tokens: 8000 }, price: { input: 0.05, output: 0.05 } }
  - { name: mid, api_base: "http://a", model: m-mid, capabilities: { vision: false, context_tokens: 32000 }, price: { input: 0.6, output: 0.6 } }
  - { name: big, api_base: "http://a", model: m-big, capabilities: { vision: false, context_tokens: 64000 }, price: { input: 3, output: 8 } }
  - { name: vlm, api_base: "http://a", model: m-vlm, capabilities: { vision: true, context_tokens: 200000 }, price: { input: 1, output: 2 } }
policies:
  - name: p
    url: grpc://h:1/m
    fallback: Chat
    llms:
      - { name: Chat, target: mid, fallbacks: [vlm] }
      - { name: Easy, target: small, fallbacks: [mid] }
      - { name: Code, target: big }
`,
  't.yaml',
).table.policies.get('p')!;

function choose(entry: string, body: Record<string, unknown>, bounds: Partial<Bounds> = {}, leave = true) {
  const wanted = policy.entries.get(entry)!;
  const all = { ...NO_BOUNDS, ...bounds };
  const found = withinPossible(
    policy,
    wanted,
    orderTargets(wanted, () => 0),
    needsOf(body),
    all,
    { leave },
  );
  return [found.entry.name, found.targets.map(({ name }) => name), found.moved] as const;
}
const image = {
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }],
};
const long = (tokens: number) => ({ messages: [{ role: 'user', content: 'x'.repeat(4 * tokens) }] });
const tools = { tools: [{ type: 'function', function: { name: 'f' } }] };

describe('the choice', () => {
  test('stays in its entry while a target of it can', () => {
    assert.deepEqual(choose('Easy', {}), ['Easy', ['small', 'mid'], null]);
    assert.deepEqual(choose('Easy', tools), ['Easy', ['mid'], null]);
    assert.deepEqual(choose('Easy', long(9_000)), ['Easy', ['mid'], null]);
  });

  test('goes to the fallback entry, then to the cheapest of the policy that can', () => {
    assert.deepEqual(choose('Easy', image), ['Chat', ['vlm'], 'capability']);
    assert.deepEqual(choose('Easy', long(40_000)), ['Chat', ['vlm', 'big'], 'capability']);
    assert.deepEqual(choose('Code', {}, { allowed: ['small', 'vlm'] }), [
      'Chat',
      ['vlm', 'small'],
      'allowed',
    ]);
  });

  test('weighs the answer asked for apart: servers clamp it', () => {
    assert.deepEqual(choose('Easy', { max_tokens: 32_001 }), ['Chat', ['vlm', 'big'], 'capability']);
    assert.deepEqual(choose('Easy', { max_tokens: 900_000 }), ['Easy', ['small', 'mid'], null]);
  });

  test('obeys what the request itself asks for', () => {
    assert.deepEqual(choose('Code', {}, { exclude: ['big'] })[1], ['mid', 'vlm', 'small']);
    assert.deepEqual(choose('Code', {}, { only: ['m-vlm'] }), ['Chat', ['vlm'], 'allowed']);
    assert.deepEqual(choose('Code', {}, { maxPrice: 0.1 })[1], ['small']);
  });

  const error = (...args: Parameters<typeof choose>) => {
    try {
      return choose(...args);
    } catch (raised) {
      assert.ok(raised instanceof RouterError);
      return [raised.status, raised.code, raised.message] as const;
    }
  };

  test('a prompt that nobody takes is told in OpenAI’s words', () => {
    const [status, code, message] = error('Easy', long(300_000));
    assert.deepEqual([status, code], [400, 'context_length_exceeded']);
    assert.match(
      String(message),
      /maximum context length is 200000 tokens.*300000 tokens.*reduce the length of the messages/,
    );
  });

  test('what nobody left can do, and nobody left at all', () => {
    assert.equal(error('Easy', image, { allowed: ['small', 'mid'] })[1], 'no_capable_target');
    assert.equal(error('Easy', {}, { allowed: ['none'] })[1], 'permission_denied');
    assert.equal(error('Easy', {}, { exclude: ['small', 'mid', 'big', 'vlm'] })[1], 'invalid_request');
  });

  test('by hand no other entry is taken', () => {
    assert.equal(error('Code', image, {}, false)[1], 'no_capable_target');
    assert.equal(error('Code', {}, { allowed: ['small'] }, false)[1], 'permission_denied');
  });
});

describe('a prompt that turns out too long', () => {
  for (const body of [
    { error: { code: 'context_length_exceeded', message: 'x' } },
    {
      error: {
        message: "This model's maximum context length is 8192 tokens.",
        type: 'BadRequestError',
        code: 400,
      },
    },
    { object: 'error', message: 'The prompt (total length 9000) is too long, max_model_len is 8192' },
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' },
    },
    {
      error: {
        code: 400,
        message: 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      },
    },
    { message: 'Input is too long for requested model.' },
    '{"error":{"message":"the request exceeds the available context size"}}',
    'prompt is too long',
  ])
    test(`is told by ${JSON.stringify(body).slice(0, 60)}`, () =>
      assert.equal(saysContextOverflow(body), true));

  for (const body of [
    { error: { message: "'messages' must be an array", code: 'invalid_request_error' } },
    { error: { message: 'Rate limit reached: too many requests', code: 'rate_limit_exceeded' } },
    { error: { message: 'max_tokens must be at least 1' } },
    null,
    '',
    'Bad Request',
  ])
    test(`is not told by ${JSON.stringify(body)?.slice(0, 60)}`, () =>
      assert.equal(saysContextOverflow(body), false));

  test('goes to what is larger, the smallest first', () => {
    const wanted = policy.entries.get('Easy')!;
    const { larger: all } = withinPossible(
      policy,
      wanted,
      orderTargets(wanted, () => 0),
      needsOf({}),
      NO_BOUNDS,
      { leave: true },
    );
    const larger = all();
    const names = (of: string) =>
      largerThan(larger.find(({ name }) => name === of)!, larger).map(({ name }) => name);
    assert.deepEqual(names('small'), ['mid', 'big', 'vlm']);
    assert.deepEqual(names('big'), ['vlm']);
    assert.deepEqual(names('vlm'), []);
  });
});
