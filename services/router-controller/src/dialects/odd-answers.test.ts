/** Whatever an upstream writes, a client hears a well-formed stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyJson } from '../testing.ts';
import { PLAIN_CHAT } from './dialect.ts';
import { SseSplitter } from './sse.ts';
import { eventsOf } from './testing.ts';
import { readerOf, translate } from './translate.ts';

const anything = anyJson(3);
const call = fc.record(
  {
    index: fc.oneof(fc.nat(3), anything),
    id: fc.oneof(fc.constantFrom('a', 'b'), anything),
    function: fc.oneof(fc.record({ name: anything, arguments: anything }, { requiredKeys: [] }), anything),
  },
  { requiredKeys: [] },
);
const delta = fc.record(
  {
    content: fc.oneof(fc.string(), anything),
    reasoning_content: fc.oneof(fc.string(), anything),
    refusal: anything,
    tool_calls: fc.oneof(fc.array(call), anything),
    function_call: anything,
    role: anything,
  },
  { requiredKeys: [] },
);
const choice = fc.record(
  {
    index: fc.oneof(fc.constant(0), anything),
    delta: fc.oneof(delta, anything),
    message: anything,
    finish_reason: fc.oneof(fc.constantFrom('stop', 'length', 'tool_calls'), anything),
    logprobs: anything,
    stop_reason: anything,
  },
  { requiredKeys: [] },
);
const chunk = fc.record(
  {
    choices: fc.oneof(fc.array(choice), anything),
    usage: fc.oneof(
      fc.record(
        { prompt_tokens: anything, completion_tokens: anything, prompt_tokens_details: anything },
        { requiredKeys: [] },
      ),
      anything,
    ),
    model: anything,
  },
  { requiredKeys: [] },
);
const data = fc.oneof(
  chunk.map((value) => JSON.stringify(value)),
  anything.map((value) => JSON.stringify(value)),
  fc.string(),
);
const REQUESTS = {
  responses: { input: 'x', tools: [{ type: 'custom', name: 'a' }, { type: 'local_shell' }] },
  messages: { messages: [], thinking: { type: 'adaptive' } },
};

for (const dialect of ['responses', 'messages'] as const) {
  test(`${dialect}: any chunks at all`, () => {
    fc.assert(
      fc.property(fc.array(data, { maxLength: 8 }), fc.boolean(), (chunks, fails) => {
        const { answers } = translate(dialect, REQUESTS[dialect], PLAIN_CHAT)!;
        const stream = answers.stream();
        const text =
          chunks.map((each) => stream.push(each)).join('') +
          (fails ? stream.fail({ message: 'no' }) : stream.end());
        for (const { name, data: event } of eventsOf(text)) assert.equal(event.type, name);
        const reader = readerOf({ dialect }).stream({});
        const kinds = new SseSplitter().push(Buffer.from(text)).map((event) => reader.read(event));
        assert.equal(kinds.at(-1), fails ? 'error' : 'done');
        assert.equal(reader.complete, !fails);
      }),
      { numRuns: 400 },
    );
  });

  test(`${dialect}: any whole answer with choices`, () => {
    fc.assert(
      fc.property(chunk, (completion) => {
        if (!Array.isArray(completion.choices)) return;
        const { answers } = translate(dialect, REQUESTS[dialect], PLAIN_CHAT)!;
        assert.equal(readerOf({ dialect }).whole(answers.whole(completion), {}).kind, 'answer');
      }),
      { numRuns: 400 },
    );
  });
}
