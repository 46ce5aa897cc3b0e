/** The next target answers when the first fails; what is told when none does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RouterError } from '../../errors.ts';
import { attemptsOf, dataOf, errorOf, withCall } from '../testing.ts';

const TWO = { targets: [{ name: 'first' }, { name: 'second' }] };
const ONE_EACH = { ...TWO, policy: { retry_budget: { attempts: 2, time_ms: 30_000 } } };

describe('a failing first target', () => {
  for (const fault of [
    'refuse',
    'reset',
    'status:500',
    'status:503',
    'status:429',
    'status:408',
    'status:409',
    'status:404',
    'status:410',
    'status:401',
    'garbage-sse',
    'garbage-status',
    'huge-headers',
    'cut:0',
    'cut:20',
    'wrong-content-length',
    'error-in-stream:0',
  ]) {
    for (const stream of [false, true]) {
      // A stream's length is only known to be wrong once content has gone out.
      if (stream && fault === 'wrong-content-length') continue;
      test(
        `${fault}, stream ${stream}: the second answers`,
        withCall(TWO, async (call) => {
          call.faults.first = fault;
          const response = await call.ask({ stream });
          const text = await response.text();
          assert.equal(response.status, 200, text);
          assert.equal(response.headers.get('x-llm-router-model'), 'second');
          assert.match(text, /stand-in|second/);
          assert.doesNotMatch(text, /"error"/);
          if (stream) assert.equal(dataOf(text).at(-1), '[DONE]');
          const attempts = attemptsOf(call.last());
          assert.deepEqual(
            attempts.map(([name]) => name),
            ['first', 'second'],
          );
          assert.notEqual(attempts[0]![1], 'ok');
          assert.equal(attempts[1]![1], 'ok');
          assert.equal(call.last().target?.name, 'second');
          assert.ok(call.events.some((event) => event === `fell-back ${attempts[0]![1]}`));
        }),
      );
    }
  }
});

for (const status of [400, 405, 413, 415, 422, 451]) {
  test(
    `${status} is the client’s own fault: passed through at once`,
    withCall(TWO, async (call) => {
      call.faults.first = `status:${status}`;
      const response = await call.ask();
      assert.equal(response.status, status);
      assert.equal(response.headers.get('x-chosen-classifier'), 'Entry');
      assert.equal(response.headers.get('x-should-retry'), null);
      assert.match((await errorOf(response)).message, new RegExp(`told to answer ${status}`));
      assert.deepEqual(attemptsOf(call.last()), [['first', 'status_4xx']]);
      assert.equal(call.last().target?.name, 'first');
    }),
  );
}

test(
  'used up: the last upstream answer goes through with its body, and no SDK is to retry it',
  withCall(ONE_EACH, async (call) => {
    call.faults.first = 'status:503';
    call.faults.second = 'status:429:7';
    const response = await call.ask();
    assert.equal(response.status, 429);
    assert.equal(response.headers.get('retry-after'), '7');
    assert.equal(response.headers.get('x-should-retry'), 'false');
    assert.equal(response.headers.get('x-llm-router-model'), 'second');
    assert.match((await errorOf(response)).message, /told to answer 429/);
  }),
);

test(
  'used up: an upstream’s word goes before a broken connection, and "later" before "unknown model"',
  withCall(ONE_EACH, async (call) => {
    call.faults.first = 'status:500';
    call.faults.second = 'refuse';
    assert.equal((await call.ask()).status, 500);
    call.faults.second = 'status:410';
    assert.equal((await call.ask()).status, 500);
    call.faults.first = 'refuse';
    const gone = await call.ask();
    assert.equal(gone.status, 410);
    assert.match((await errorOf(gone)).message, /told to answer 410/);
    assert.ok(call.events.includes('retired second'));
  }),
);

test(
  'used up without any answer: 502 that names each target and no address',
  withCall(ONE_EACH, async (call) => {
    call.faults.first = 'reset';
    call.faults.second = 'huge-headers';
    const response = await call.ask();
    assert.equal(response.status, 502);
    assert.equal(response.headers.get('x-should-retry'), 'false');
    const error = await errorOf(response);
    assert.equal(error.code, 'upstream_error');
    assert.match(
      error.message,
      /entry 'Entry' of policy 'p'.*first the connection failed.*second its answer is no valid HTTP/,
    );
    assert.doesNotMatch(error.message, /127\.0\.0\.1/);
    assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
  }),
);

test(
  'an error answer that is cut keeps its status and gets an OpenAI body',
  withCall({ policy: { retry_budget: { attempts: 1 } } }, async (call) => {
    call.respond = () => ({
      status: 503,
      headers: { 'content-type': 'application/json', 'content-length': '1000' },
      chunks: [Buffer.from('{"error": {"mess')],
    });
    const response = await call.ask();
    assert.equal(response.status, 503);
    assert.equal((await errorOf(response)).message, 'first answered 503');
  }),
);

test(
  'a redirect is not followed with our key, and not passed on',
  withCall({ policy: { retry_budget: { attempts: 1 } } }, async (call) => {
    call.respond = () => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' }, chunks: [] });
    const response = await call.ask();
    assert.equal(response.status, 502);
    assert.equal(response.headers.get('location'), null);
    assert.match((await errorOf(response)).message, /status 302/);
  }),
);

test('a target at its limit is passed over; where all are, their refusal is the answer', async () => {
  const full = new Set(['first']);
  const hooks = {
    admitTarget: async ({ name }: { name: string }) =>
      full.has(name)
        ? new RouterError('rate_limit_exceeded', `${name} is full`, { headers: { 'retry-after': '3' } })
        : { release: () => {} },
  };
  await withCall({ ...TWO, hooks }, async (call) => {
    assert.equal((await call.ask()).headers.get('x-llm-router-model'), 'second');
    assert.deepEqual(attemptsOf(call.last()), [
      ['first', 'limited'],
      ['second', 'ok'],
    ]);
    full.add('second');
    const refused = await call.ask();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '3');
    assert.equal(call.llms.seen.length, 1);
  })();
});

test(
  'an answer that is no stream to a request for one goes through as it is',
  withCall({}, async (call) => {
    call.faults.first = 'no-stream';
    const response = await call.ask({ stream: true });
    assert.match(response.headers.get('content-type') ?? '', /application\/json/);
    assert.match(await response.text(), /"chat.completion"/);
    assert.equal(call.last().streamed, false);
    assert.equal(call.last().usage?.source, 'upstream');
  }),
);

describe('a prompt that turns out too long', () => {
  const overflow = (words: object) => ({
    status: 400,
    headers: { 'content-type': 'application/json' },
    chunks: [Buffer.from(JSON.stringify(words))],
  });
  const openai = {
    error: {
      message:
        "This model's maximum context length is 100 tokens. However, your messages resulted in 140 tokens.",
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    },
  };
  const vllm = {
    object: 'error',
    message: 'The prompt is too long: 140 tokens, max_model_len is 100.',
    code: 400,
  };
  const sizes = [
    { name: 'small', capabilities: { context_tokens: 8_000 } },
    { name: 'same', capabilities: { context_tokens: 8_000 } },
    { name: 'large', capabilities: { context_tokens: 100_000 } },
  ];

  for (const [whose, words] of Object.entries({ openai, vllm })) {
    test(
      `goes to a larger target, past one of the same size, in the words of ${whose}`,
      withCall({ targets: sizes }, async (call) => {
        call.respond = ({ body }) => (body.model === 'large' ? null : overflow(words));
        for (const stream of [false, true]) {
          const response = await call.ask({ stream });
          assert.equal(response.status, 200);
          await response.text();
          assert.equal(response.headers.get('x-llm-router-model'), 'large');
          assert.deepEqual(attemptsOf(call.last()), [
            ['small', 'context_overflow'],
            ['large', 'ok'],
          ]);
        }
      }),
    );

    test(
      `where none is larger, the client is told in OpenAI’s words what ${whose} said`,
      withCall({ targets: sizes.slice(0, 2) }, async (call) => {
        call.respond = () => overflow(words);
        const response = await call.ask();
        assert.equal(response.status, 400);
        const error = await errorOf(response);
        assert.equal(error.code, 'context_length_exceeded');
        assert.match(error.message, /maximum context length/);
        assert.equal(call.llms.seen.length, 1);
      }),
    );
  }

  test(
    'another 400 is the request’s own and ends it',
    withCall({ targets: sizes }, async (call) => {
      call.respond = () =>
        overflow({ error: { message: "'messages' is wrong", code: 'invalid_request_error' } });
      assert.equal((await call.ask()).status, 400);
      assert.equal(call.llms.seen.length, 1);
    }),
  );
});

test(
  'what an entry sets replaces the client’s own, byte for byte else',
  withCall({}, async (call) => {
    const policy = call.config.table.policies.get('p')!;
    Object.assign(policy.entries.get('Entry')!, {
      extraBody: { temperature: 0, reasoning: { effort: 'low' } },
    });
    await (await call.ask({ temperature: 1, made_up: [1] })).text();
    const { temperature, reasoning, made_up } = call.llms.seen.at(-1)!.body as Record<string, unknown>;
    assert.deepEqual([temperature, reasoning, made_up], [0, { effort: 'low' }, [1]]);
  }),
);
