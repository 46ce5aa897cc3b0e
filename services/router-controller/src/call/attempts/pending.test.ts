/** 202 of NVIDIA Cloud Functions: polled with the target's key, on its own host, within limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, type RawRequest, type Wire } from '../raw-upstream.ts';
import { errorOf, withRaw } from '../testing.ts';

const ID = '11111111-2222-3333-4444-555555555555';
const pending = (wire: Wire, headers: Record<string, string> = {}, body = '{}') =>
  wire.plain(body, {
    status: '202 Accepted',
    headers: { 'nvcf-reqid': ID, 'nvcf-status': 'pending-evaluation', 'retry-after': '0.02', ...headers },
  });
/** Pending so often, then the answer. */
const after = (times: number, headers: Record<string, string> = {}) => {
  let left = times;
  return (wire: Wire, { method }: RawRequest) => {
    if (left-- > 0) pending(wire, headers, method === 'GET' ? '' : '{}');
    else wire.plain(answerOf('at last'), { headers: { 'nvcf-status': 'fulfilled' } });
  };
};

test(
  'the answer comes when it is there; the key goes with each poll, the prompt with none',
  withRaw({ answer: after(3) }, async (call, upstream) => {
    const response = await call.ask();
    assert.equal(response.headers.get('x-llm-router-model'), 'first');
    assert.equal(await response.text(), answerOf('at last'));
    assert.deepEqual(
      upstream.seen.map(({ method, url }) => `${method} ${url}`),
      ['POST /v1/chat/completions', ...Array(3).fill(`GET /v1/status/${ID}`)],
    );
    for (const { headers } of upstream.seen) assert.equal(headers.authorization, 'Bearer upstream-key');
    assert.equal(upstream.seen.at(-1)!.raw, '');
  }),
);

test(
  'under the functions’ own address, the status is there too',
  withRaw({ answer: after(1), target: { path: '/v2/nvcf/pexec/functions/f' } }, async (call, upstream) => {
    await (await call.ask()).text();
    assert.equal(upstream.seen.at(-1)!.url, `/v2/nvcf/pexec/status/${ID}`);
  }),
);

for (const [location, polled] of [
  ['/elsewhere/7', '/elsewhere/7'],
  ['http://127.0.0.1:9/steal', `/v1/status/${ID}`],
  ['//127.0.0.1:9/steal', `/v1/status/${ID}`],
  ['file:///etc/passwd', `/v1/status/${ID}`],
] as const)
  test(
    `a status address of ${location}: the key stays with its host`,
    withRaw({ answer: after(1, { location }), alone: true }, async (call, upstream) => {
      assert.equal((await call.ask()).status, 200);
      assert.equal(upstream.seen.at(-1)!.url, polled);
    }),
  );

test(
  'what is pending too long is left for the fallback',
  withRaw({ answer: (wire) => pending(wire), upstream: { pending_ms: 100 } }, async (call) => {
    assert.equal((await call.ask()).headers.get('x-llm-router-model'), 'second');
    assert.equal(call.last().attempts[0]!.outcome, 'timeout_first_byte');
  }),
);

test(
  'alone it is polled up to the first-byte limit; a redirect to another place is refused',
  withRaw(
    {
      answer: (wire) => pending(wire),
      alone: true,
      target: { timeouts: { first_byte_ms: 300 } },
      upstream: { pending_ms: 1 },
      policy: { retry_budget: { attempts: 1 } },
    },
    async (call, upstream) => {
      assert.equal((await call.ask()).status, 504);
      assert.ok(upstream.seen.length > 3);
      upstream.answer = (wire, { method }) =>
        method === 'GET'
          ? wire.plain('', { status: '302 Found', headers: { location: 'http://127.0.0.1:9/' } })
          : pending(wire);
      const response = await call.ask();
      assert.equal(response.status, 502);
      assert.match((await errorOf(response)).message, /status 302/);
    },
  ),
);

test(
  'a client that leaves ends the polling',
  withRaw({ answer: (wire) => pending(wire), alone: true }, async (call, upstream) => {
    const leaving = new AbortController();
    const asked = call.ask({}, { signal: leaving.signal });
    while (upstream.seen.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    leaving.abort();
    await assert.rejects(asked);
    while (call.outcomes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { length } = upstream.seen;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(upstream.seen.length <= length + 1);
    assert.equal(call.last().status, 499);
  }),
);
