/** Comments before a slow first token. After the first, failures can only be told by an error event. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { dataOf, type OpenAiError, USER, withCall } from '../testing.ts';

const beating = (more: object = {}) => ({ policy: { heartbeat_ms: 20, ...more } });
const LIMITS = { connect_ms: 5_000, first_byte_ms: 300, idle_ms: 20_000, total_ms: 60_000 };

test('headers and pings go out early, then the stream as it came', async () => {
  const whole = Buffer.from('data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n');
  const held = Promise.withResolvers<{ release: () => void }>();
  await withCall({ ...beating(), hooks: { admitTarget: () => held.promise } }, async (call) => {
    call.respond = () => ({ chunks: [whole] });
    const response = await call.ask({ stream: true });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    assert.equal(response.headers.get('x-chosen-classifier'), 'Entry');
    held.resolve({ release: () => {} });
    const text = await response.text();
    assert.match(text, /^(?:: ping\n\n)+data: /);
    assert.equal(text.replaceAll(': ping\n\n', ''), whole.toString());
  })();
});

test(
  'targets still fall back behind the pings',
  withCall(
    { targets: [{ name: 'first', timeouts: LIMITS }, { name: 'second' }], ...beating() },
    async (call) => {
      call.faults.first = 'stall-before-headers';
      const text = await (await call.ask({ stream: true })).text();
      assert.match(text, /^: ping\n\n/);
      assert.match(text, /"model":"second"/);
      assert.equal(dataOf(text).at(-1), '[DONE]');
    },
  ),
);

test(
  'a failure after the first ping is an error event: the upstream’s words, or the router’s',
  withCall(
    {
      targets: [{ name: 'first', timeouts: LIMITS }, { name: 'second' }],
      ...beating({ retry_budget: { attempts: 2 } }),
    },
    async (call) => {
      call.faults.first = 'stall-before-headers';
      for (const [fault, code, message] of [
        ['status:400', 'stand_in', /told to answer 400/],
        ['status:401', 'upstream_bad_credentials', /refused the router’s own key/],
      ] as const) {
        call.faults.second = fault;
        const response = await call.ask({ stream: true });
        assert.equal(response.status, 200);
        const text = await response.text();
        const { error } = JSON.parse(dataOf(text).at(-1)!) as OpenAiError;
        assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.doesNotMatch(text, /\[DONE\]/);
      }
    },
  ),
);

test(
  'a plain answer behind the pings is told as the stream that was asked for',
  withCall(
    { targets: [{ name: 'first', timeouts: LIMITS }, { name: 'second' }], ...beating() },
    async (call) => {
      call.faults.first = 'stall-before-headers';
      call.faults.second = 'no-stream';
      const events = dataOf(await (await call.ask({ stream: true })).text());
      assert.equal(events.length, 2);
      const { object, choices, usage } = JSON.parse(events[0]!);
      assert.deepEqual(
        [object, choices[0].finish_reason, usage],
        ['chat.completion.chunk', 'stop', undefined],
      );
      assert.match(choices[0].delta.content, /stand-in for second/);
      assert.equal(events[1], '[DONE]');
      assert.equal(call.last().usage?.source, 'upstream');
    },
  ),
);

test(
  'plain answers get no pings, and fast streams none either',
  withCall({ policy: { heartbeat_ms: 10_000 } }, async (call) => {
    assert.doesNotMatch(await (await call.ask({ stream: true })).text(), /ping/);
    assert.doesNotMatch(await (await call.ask()).text(), /ping/);
  }),
);

test(
  'the openai SDK reads a stream with pings, and throws on its error event',
  withCall(
    { targets: [{ name: 'first', timeouts: LIMITS }, { name: 'second' }], ...beating() },
    async (call) => {
      call.faults.first = 'stall-before-headers';
      const sdk = new OpenAI({ baseURL: `${call.url}/v1`, apiKey: 'none', maxRetries: 0 });
      const read = async () => {
        const stream = await sdk.chat.completions.create({
          model: 'm',
          messages: USER as OpenAI.ChatCompletionMessageParam[],
          stream: true,
        });
        let said = '';
        for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? '';
        return said;
      };
      assert.match(await read(), /stand-in for second/);
      call.faults.second = 'cut:900';
      await assert.rejects(
        read(),
        (error: unknown) => error instanceof OpenAI.APIError && /broke off/.test(error.message),
      );
    },
  ),
);
