/** A key that the upstream refuses is the operator's trouble, never the client's 401. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOf, withCall } from '../testing.ts';

for (const status of [401, 402, 403]) {
  test(
    `${status} alone is 502 upstream_bad_credentials, without the upstream’s words`,
    withCall({}, async (call) => {
      call.faults.first = `status:${status}`;
      const response = await call.ask();
      assert.equal(response.status, 502);
      assert.equal(response.headers.get('x-should-retry'), 'false');
      assert.equal(response.headers.get('www-authenticate'), null);
      const error = await errorOf(response);
      assert.equal(error.code, 'upstream_bad_credentials');
      assert.doesNotMatch(error.message, /told to answer/);
      assert.deepEqual(
        call.events.filter((event) => event.startsWith('key')),
        ['key first bad'],
      );
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
