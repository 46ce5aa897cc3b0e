/** Answers about the router's own key or account, and 403s and 404s that speak of a request alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomAnswer } from '@llm-router/stand-in-llms';
import { type CallTest, errorOf, withCall } from '../testing.ts';

const TWO = { targets: [{ name: 'first' }, { name: 'second' }], upstream: { bad_key_rest_ms: 60_000 } };
const answer = (status: number, body: unknown): CustomAnswer => ({
  status,
  headers: { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' },
  chunks: [Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))],
});
const keys = (call: CallTest) => call.events.filter((event) => /^(?:key|retired)/.test(event));
const leader = async (call: CallTest, content = 'a harmless one') => {
  call.respond = null;
  const response = await call.ask({ messages: [{ role: 'user', content }] });
  return response.headers.get('x-llm-router-model');
};

for (const [told, status, body] of [
  ['401', 401, { error: { message: 'told to answer 401' } }],
  ['403 with a code', 403, { error: { message: 'told to', type: 'permission_error' } }],
  ['403 in words', 403, { status: 403, title: 'Forbidden', detail: 'Authorization failed, told to' }],
  ['403 of Google', 403, [{ error: { code: 403, message: 'told to', status: 'PERMISSION_DENIED' } }]],
] as const) {
  test(
    `${told} alone is 502 upstream_bad_credentials, without the upstream’s words`,
    withCall({}, async (call) => {
      call.respond = () => answer(status, body);
      const response = await call.ask();
      assert.equal(response.status, 502);
      assert.equal(response.headers.get('x-should-retry'), 'false');
      assert.equal(response.headers.get('www-authenticate'), null);
      const error = await errorOf(response);
      assert.equal(error.code, 'upstream_bad_credentials');
      assert.doesNotMatch(error.message, /told to/);
      assert.deepEqual(keys(call), ['key first bad']);
    }),
  );
}

for (const [told, status, body] of [
  ['402', 402, { error: { message: 'Insufficient Balance', code: 'invalid_request_error' } }],
  [
    '429 insufficient_quota',
    429,
    { error: { message: 'You exceeded your current quota', type: 'insufficient_quota' } },
  ],
] as const) {
  test(
    `${told}: an account without credit is asked once, then last; alone its answer comes through`,
    withCall(TWO, async (call) => {
      const broke = (model: unknown) => (model === 'first' ? answer(status, body) : null);
      call.respond = (seen) => broke(seen.body.model);
      for (let i = 0; i < 5; i++) assert.equal((await call.ask()).status, 200);
      assert.equal(call.llms.seen.filter((seen) => seen.body.model === 'first').length, 1);
      assert.deepEqual(keys(call), ['key first bad']);
      call.respond = () => answer(status, body);
      assert.equal((await call.ask()).status, status);
    }),
  );
}

/** Bodies that real services and firewalls give for one request, whatever its key. */
const ABOUT_THE_REQUEST: readonly [string, number, unknown][] = [
  [
    'moderation',
    403,
    { error: { code: 403, message: 'Your chosen model requires moderation and your input was flagged' } },
  ],
  [
    'moderation that repeats the prompt',
    403,
    { error: { message: 'Your input was flagged: "my api key is invalid"' } },
  ],
  ['a firewall’s page', 403, '<html><head><title>403 Forbidden</title></head></html>'],
  ['an empty 403', 403, ''],
  ['a 403 without words', 403, { error: { code: 403, message: 'Request blocked' } }],
  ['no tools', 404, { error: { message: 'No endpoints found that support tool use', code: 404 } }],
  ['no images', 404, { error: { message: 'No endpoints found that support image input', code: 404 } }],
  [
    'too dear for the credit',
    402,
    {
      error: { message: 'This request requires more credits, or fewer max_tokens. You can only afford 100' },
    },
  ],
  ['a bad parameter', 400, { error: { message: 'temperature is too high' } }],
];
for (const [what, status, body] of ABOUT_THE_REQUEST) {
  test(
    `${what}: other requests go where they went, the key is not said to be bad, and alone the answer comes through`,
    withCall(TWO, async (call) => {
      for (let i = 0; i < 10; i++) {
        call.respond = ({ body: { model } }) => (model === 'first' ? answer(status, body) : null);
        const response = await call.ask();
        assert.equal(response.status, status === 400 ? 400 : 200);
        await response.arrayBuffer();
        assert.equal(await leader(call, `harmless ${i}`), 'first');
      }
      assert.deepEqual(keys(call), []);
      call.respond = () => answer(status, body);
      const alone = await call.ask();
      assert.equal(alone.status, status);
      assert.equal(await alone.text(), typeof body === 'string' ? body : JSON.stringify(body));
    }),
  );
}

test(
  'a 403 that says nothing is the key’s once different requests agree, and the same one again says nothing new',
  withCall(TWO, async (call) => {
    const forbid = () => {
      call.respond = ({ body: { model } }) => (model === 'first' ? answer(403, 'Forbidden') : null);
    };
    forbid();
    for (let i = 0; i < 20; i++) await (await call.ask()).text();
    assert.deepEqual(keys(call), []);
    for (let i = 0; i < 5; i++)
      await (await call.ask({ messages: [{ role: 'user', content: `other ${i}` }] })).text();
    assert.deepEqual(keys(call), ['key first bad']);
    assert.equal(await leader(call), 'second');
  }),
);

for (const [told, body] of [
  ['a code', { error: { message: 'no', code: 'model_not_found' } }],
  ['words', { error: { message: 'The model `m` does not exist or you do not have access to it.' } }],
  ['the model’s end', { detail: 'The model has been deprecated and removed' }],
] as const) {
  test(
    `404 with ${told} is a retired model`,
    withCall(TWO, async (call) => {
      call.respond = ({ body: { model } }) => (model === 'first' ? answer(404, body) : null);
      assert.equal((await call.ask()).headers.get('x-llm-router-model'), 'second');
      assert.deepEqual(keys(call), ['retired first']);
    }),
  );
}

test(
  'with a fallback the client does not notice; the target is asked last until its key works again',
  withCall(
    { targets: [{ name: 'first' }, { name: 'second' }], upstream: { bad_key_rest_ms: 60_000 } },
    async (call) => {
      call.faults.first = 'status:401';
      for (let i = 0; i < 3; i++) assert.equal((await call.ask()).status, 200);
      const asked = () => call.llms.seen.map((seen) => seen.body.model);
      assert.deepEqual(asked(), ['first', 'second', 'second', 'second']);
      call.faults.first = undefined;
      call.faults.second = 'status:500';
      assert.equal((await call.ask()).headers.get('x-llm-router-model'), 'first');
      call.faults.second = undefined;
      assert.equal((await call.ask()).headers.get('x-llm-router-model'), 'first', 'it leads again');
      assert.deepEqual(
        call.events.filter((event) => event.startsWith('key')),
        ['key first bad', 'key first good'],
      );
    },
  ),
);

test(
  'a refused key beside a busy target: the client hears of the busy one',
  withCall(
    { targets: [{ name: 'first' }, { name: 'second' }], policy: { retry_budget: { attempts: 2 } } },
    async (call) => {
      call.faults.first = 'status:429:5';
      call.faults.second = 'status:401';
      assert.equal((await call.ask()).status, 429);
    },
  ),
);
