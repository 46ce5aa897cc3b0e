/** What a request costs to translate grows with its size and no faster, whatever stands in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN_CHAT } from './dialect.ts';
import { translate } from './translate.ts';

const many = (count: number, item: (at: number) => object) =>
  Array.from({ length: count }, (_, at) => item(at));
const SHAPES: Record<string, (count: number) => object> = {
  'responses: answers to calls that nobody made': (count) => ({
    input: [
      ...many(count, (at) => ({ type: 'function_call', call_id: `c${at}`, name: 'f', arguments: '{}' })),
      ...many(count, (at) => ({ type: 'function_call_output', call_id: `other${at}`, output: 'x' })),
    ],
  }),
  'responses: every item refused': (count) => ({
    input: many(count, () => ({ type: 'item_reference', id: 'x' })),
  }),
  'responses: tools of one name': (count) => ({
    input: 'x',
    tools: many(count, () => ({ type: 'function', name: 'f' })),
  }),
  'messages: answers to calls that nobody made': (count) => ({
    messages: many(count, (at) => ({
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: `t${at}`, content: 'x' }],
    })),
  }),
  'messages: unknown members': (count) => ({
    messages: [],
    ...Object.fromEntries(many(count, () => ({})).map((_, at) => [`m${at}`, 1])),
  }),
};

for (const [name, shape] of Object.entries(SHAPES)) {
  test(name, () => {
    const dialect = name.startsWith('messages') ? 'messages' : 'responses';
    const count = 100_000;
    const { refusals, dropped, body } = translate(
      dialect,
      shape(count) as Record<string, unknown>,
      PLAIN_CHAT,
    )!;
    // Quadratic work at this size would take minutes, which the runner's own limit would not let pass.
    assert.ok(Array.isArray(body.messages));
    assert.ok(refusals.length <= 5 && dropped.length <= 50);
  });
}

test('what a client wrote is repeated in part only', () => {
  const long = 'x'.repeat(1_000_000);
  const { refusals, dropped } = translate('responses', { input: [{ type: long }], [long]: 1 }, PLAIN_CHAT)!;
  assert.ok(refusals[0]!.message.length < 1_000 && dropped.every((name) => name.length < 300));
});
