/** What the cue words see; that they are quick is in observe/linear-regexes.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../config/index.ts';
import { guessLabel } from './heuristic.ts';

const policyOf = (labels: string[]) =>
  parseConfig(
    JSON.stringify({
      policies: [
        {
          name: 'p',
          url: 'grpc://h:1/m',
          llms: labels.map((name) => ({ name, api_base: 'http://a', model: name })),
        },
      ],
    }),
    't.yaml',
  ).table.policies.get('p')!;

test('examples with their answers are few-shot, also numbered, indented and with a blank line between', () => {
  const policy = policyOf(['Few-Shot', 'Text Generation']);
  for (const text of [
    'Q: 1+1\nA: 2\nQ: 2+2\nA:',
    'Translate.\n\n  Input 1: dog\n  Output 1: chien\n',
    'Example 2 - x\r\n\r\nAnswer 2 - y',
    'q1:a\n\n\na1:b',
  ])
    assert.equal(guessLabel(policy, text), 'Few-Shot', text);
  for (const text of ['Q: what?', 'Q: a\nnothing here', 'a: b\nq: c', 'q\n: x\na: y'])
    assert.equal(guessLabel(policy, text), null, text);
});

test('a letter to be written is text generation, in one line and in this order', () => {
  const policy = policyOf(['Text Generation']);
  assert.equal(guessLabel(policy, 'hello\nPlease write me a nice letter'), 'Text Generation');
  assert.equal(guessLabel(policy, 'write this\nthe letter came'), null);
  assert.equal(guessLabel(policy, 'the letter that they write'), null);
});
