/** What a form says of the text that it is filled from, in every dialect's place for it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyJson } from '../testing.ts';
import { formWords, isForm } from './form.ts';

const schema = {
  type: 'object',
  properties: {
    answer: { type: 'string' },
    vendor: { type: 'string' },
    kind: { $ref: '#/$defs/Kind' },
    mood: { anyOf: [{ enum: ['good', 'bad'] }, { type: 'null' }] },
    lines: { type: 'array', items: { $ref: '#/$defs/Line' } },
  },
  $defs: { Kind: { enum: ['invoice', 'offer'] }, Line: { properties: { price: {}, name: {} } } },
};
const WORDS =
  'Give these fields of the text: vendor, kind (invoice, offer), mood (good, bad), lines, price, name';
const tool = { type: 'function', function: { name: 'Invoice', parameters: schema } };

describe('the fields of a form', () => {
  const forms: Record<string, object> = {
    'a chat’s response format': { response_format: { type: 'json_schema', json_schema: { schema } } },
    'a response’s text format': { text: { format: { type: 'json_schema', schema } } },
    'a message’s output': { output_config: { format: { type: 'json_schema', schema } } },
    'vLLM’s own member': { guided_json: schema },
    'vLLM’s own member of today': { structured_outputs: { json: schema } },
    'the tool of a chat': {
      tools: [tool],
      tool_choice: { type: 'function', function: { name: 'Invoice' } },
    },
    'the only tool where one is required': { tools: [tool], tool_choice: 'required' },
    'a function as they were': { functions: [tool.function], function_call: { name: 'Invoice' } },
    'the tool of a response': {
      tools: [{ type: 'function', name: 'Invoice', parameters: schema }],
      tool_choice: { type: 'function', name: 'Invoice' },
    },
    'the tool of a message': {
      tools: [{ name: 'Invoice', input_schema: schema }],
      tool_choice: { type: 'any' },
    },
  };
  for (const [name, body] of Object.entries(forms))
    test(`of ${name}`, () => assert.equal(formWords(body as Record<string, unknown>), WORDS));

  test('a choice of words is one', () => {
    const words = 'Which of these is it: spam, ham?';
    assert.equal(formWords({ guided_choice: ['spam', 'ham'] }), words);
    assert.equal(formWords({ structured_outputs: { choice: ['spam', 'ham'] } }), words);
  });

  test('are none where any answer stands in them, where the model may choose, or without a schema', () => {
    const plain = { properties: { answer: {}, reasoning: {} } };
    assert.equal(
      formWords({ response_format: { type: 'json_schema', json_schema: { schema: plain } } }),
      null,
    );
    assert.equal(formWords({ response_format: { type: 'json_object' } }), null);
    assert.equal(formWords({ tools: [tool], tool_choice: 'auto' }), null);
    assert.equal(formWords({ tools: [tool, tool], tool_choice: 'required' }), null);
    assert.equal(isForm({ tools: [tool] }), false);
  });

  test('are bounded, and no JSON throws', () => {
    const many = Object.fromEntries([...Array(10_000).keys()].map((at) => [`field ${at}`.repeat(20), {}]));
    assert.ok(formWords({ guided_json: { properties: many } })!.length < 24 * 80);
    const circle = { properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { $ref: '#/$defs/a' } } };
    assert.equal(formWords({ guided_json: circle }), 'Give these fields of the text: a');
    fc.assert(
      fc.property(anyJson(), (value) => {
        formWords({ guided_json: value, text: { format: value }, tools: [value], tool_choice: value });
        formWords({ response_format: { json_schema: { schema: { properties: value, $defs: value } } } });
      }),
    );
  });
});
