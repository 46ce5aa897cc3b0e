/** Headers that cross the router, in both directions, and those that don't. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION } from '../../version.ts';
import { withCall } from '../testing.ts';
import { responseHeaders, retryAfterMs } from './headers.ts';

test(
  'upstream sees its own key and the trace, and nothing of the client or of the SDK',
  withCall(
    {
      targets: [
        {
          name: 'first',
          api_key: 'upstream-key',
          headers: { 'openai-organization': 'ours', 'x-extra': '1' },
        },
      ],
    },
    async (call) => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const headers = {
        authorization: 'Bearer client-key',
        cookie: 'session=1',
        'openai-organization': 'theirs',
        'openai-project': 'theirs',
        'x-api-key': 'client-key',
        'x-forwarded-for': '10.0.0.1',
        'x-stand-in-fault': 'status:500',
        traceparent,
      };
      await (await call.ask({ stream: true }, { headers })).text();
      const { host, 'content-length': length, connection: _connection, ...seen } = call.llms.seen[0]!.headers;
      assert.equal(`http://${host}`, call.llms.url);
      assert.equal(length, String(call.llms.seen[0]!.raw.length));
      assert.deepEqual(seen, {
        authorization: 'Bearer upstream-key',
        'accept-encoding': 'identity',
        accept: 'text/event-stream',
        'content-type': 'application/json',
        'openai-organization': 'ours',
        'x-extra': '1',
        'user-agent': `llm-router/${VERSION}`,
        traceparent,
      });
    },
  ),
);

test(
  'a target without a key gets no authorization at all',
  withCall({}, async (call) => {
    await (await call.ask({}, { headers: { authorization: 'Bearer client-key' } })).text();
    assert.equal(call.llms.seen[0]!.headers.authorization, undefined);
  }),
);

test(
  'every field of the body goes upstream, but for the model',
  withCall({ targets: [{ name: 'first', model: 'upstream/model' }] }, async (call) => {
    const fields = { temperature: 0.25, unknown: { deep: [null, 'ü🙂', 1e21] }, tools: [], user: null };
    await (await call.ask(fields)).text();
    const [seen] = call.llms.seen;
    assert.equal(seen!.body.model, 'upstream/model');
    assert.deepEqual({ ...seen!.body, model: 0, messages: 0 }, { ...fields, model: 0, messages: 0 });
    assert.equal(seen!.path, '/v1/chat/completions');
  }),
);

for (const suffix of ['', '/', '/v1', '/v1/']) {
  test(
    `api_base ending in '${suffix}' leads to /v1/chat/completions`,
    withCall({}, async (upstream) => {
      const targets = [{ name: 'first', api_base: `${upstream.llms.url}${suffix}` }];
      await withCall({ targets }, async (call) => {
        await (await call.ask()).text();
      })();
      assert.equal(upstream.llms.seen[0]!.path, '/v1/chat/completions');
    }),
  );
}

test(
  'of the answer the useful headers come back, the upstream’s own under another name',
  withCall({}, async (call) => {
    call.respond = () => ({
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'x-request-id': 'upstream-1',
        'x-ratelimit-remaining-requests': '7',
        'x-chosen-classifier': 'forged',
        'x-llm-router-label': 'forged',
        'x-should-retry': 'true',
        'set-cookie': ['a=1', 'b=2'],
        'access-control-allow-origin': '*',
        'cf-ray': 'abc',
        connection: 'keep-alive, x-hop',
        'x-hop': '1',
        'keep-alive': 'timeout=5',
        'x-latin': 'caf\u00e9',
      },
      chunks: [Buffer.from('{"choices":[{"message":{}}]}')],
    });
    const { headers } = await call.ask();
    assert.equal(headers.get('content-type'), 'application/json; charset=utf-8');
    assert.equal(headers.get('x-request-id'), 'req_test');
    assert.equal(headers.get('x-upstream-request-id'), 'upstream-1');
    assert.equal(headers.get('x-upstream-ratelimit-remaining-requests'), '7');
    assert.equal(headers.get('x-chosen-classifier'), 'Entry');
    assert.equal(headers.get('cf-ray'), 'abc');
    assert.equal(headers.get('x-latin'), 'caf\u00e9');
    for (const name of [
      'x-ratelimit-remaining-requests',
      'x-llm-router-label',
      'x-should-retry',
      'set-cookie',
      'access-control-allow-origin',
      'x-hop',
    ])
      assert.equal(headers.get(name), null, name);
  }),
);

test('what a browser or a proxy would act on does not pass, whatever it is spelt like', () => {
  const acted = [
    'clear-site-data',
    'service-worker-allowed',
    'content-disposition',
    'content-location',
    'content-security-policy',
    'content-security-policy-report-only',
    'cross-origin-opener-policy',
    'permissions-policy',
    'document-policy',
    'origin-agent-cluster',
    'speculation-rules',
    'no-vary-search',
    'supports-loading-mode',
    'accept-ch',
    'critical-ch',
    'link',
    'refresh',
    'location',
    'set-cookie',
    'set-cookie2',
    'set-login',
    'activate-storage-access',
    'sourcemap',
    'timing-allow-origin',
    'access-control-allow-origin',
    'alt-svc',
    'alt-used',
    'strict-transport-security',
    'public-key-pins',
    'expect-ct',
    'nel',
    'report-to',
    'reporting-endpoints',
    'www-authenticate',
    'authorization',
    'referrer-policy',
    'vary',
    'server',
    'via',
    'date',
    'x-frame-options',
    'x-content-type-options',
    'x-xss-protection',
    'x-permitted-cross-domain-policies',
    'x-dns-prefetch-control',
    'x-ua-compatible',
    'x-content-security-policy',
    'x-webkit-csp',
    'x-powered-by',
    'x-accel-redirect',
    'x-accel-buffering',
    'x-sendfile',
    'x-lighttpd-send-file',
    'X-Frame-Options',
    'Clear-Site-Data',
    'a-name-of-next-year',
  ];
  for (const name of acted) assert.deepEqual(responseHeaders({ [name]: 'x' }, true), {}, name);
  for (const name of [
    'etag',
    'cache-control',
    'openai-version',
    'anthropic-request-id',
    'cf-ray',
    'nvcf-status',
    'x-mine',
  ])
    assert.deepEqual(responseHeaders({ [name]: 'x' }, true), { [name]: 'x' }, name);
});

test('a type that a browser would run is told as a text', () => {
  const told = (type: string | string[]) => responseHeaders({ 'content-type': type }, true)['content-type'];
  for (const type of [
    'text/html',
    'TEXT/HTML; charset=utf-8',
    'application/xhtml+xml',
    'image/svg+xml',
    'text/xml',
    'application/rss+xml',
    'text/javascript',
    'application/ecmascript',
    'text/css',
    'application/pdf',
    'application/wasm',
    'multipart/x-mixed-replace; boundary=x',
    'message/rfc822',
    // A browser goes by the last one.
    'application/json, text/html',
    ['application/json', 'text/html'],
  ])
    assert.equal(told(type), 'text/plain; charset=utf-8', String(type));
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'application/problem+json',
    'text/event-stream; charset=utf-8',
    'text/plain',
    'text/vtt',
    'audio/mpeg',
    'image/png',
    'application/octet-stream',
    'application/x-ndjson',
  ])
    assert.equal(told(type), type);
});

test(
  'a stream tells proxies not to hold it back',
  withCall({}, async (call) => {
    const response = await call.ask({ stream: true });
    assert.equal(response.headers.get('cache-control'), 'no-cache, no-transform');
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(response.headers.get('content-length'), null);
    await response.text();
  }),
);

test('values that HTTP can’t carry are left out', () => {
  assert.deepEqual(
    responseHeaders({ 'x-bad': 'a\nb', 'x-good': 'a', 'x bad': 'a', 'x-list': ['a', 'b'] }, true),
    {
      'x-good': 'a',
      'x-list': ['a', 'b'],
    },
  );
});

test('retry-after is read as milliseconds, seconds or a date', () => {
  const now = Date.UTC(2026, 0, 1);
  const cases: [Record<string, string>, number | null][] = [
    [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 1500],
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': new Date(now + 3000).toUTCString() }, 3000],
    [{ 'retry-after': new Date(now - 3000).toUTCString() }, 0],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '-1' }, null],
    [{}, null],
  ];
  for (const [headers, ms] of cases) assert.equal(retryAfterMs(headers, now), ms, JSON.stringify(headers));
});
