/** Usage of streams: asked for where the client did not say, hidden where it did not ask, never against its word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatBody } from '../../request.ts';
import { dataOf, withCall } from '../testing.ts';
import { asksForUsage, usageOf } from '../usage.ts';

const hasUsage = (text: string) => dataOf(text).some((data) => data.includes('"usage":{'));

test(
  'not asked for: it is asked upstream, counted, and hidden',
  withCall({}, async (call) => {
    const text = await (await call.ask({ stream: true })).text();
    assert.deepEqual(call.llms.seen[0]!.body.stream_options, { include_usage: true });
    assert.equal(hasUsage(text), false);
    assert.ok(!text.includes('"choices":[]'));
    assert.equal(call.last().usage?.source, 'upstream');
    assert.ok(call.last().usage!.completionTokens > 3);
  }),
);

test(
  'other stream options stay beside it',
  withCall({}, async (call) => {
    await (await call.ask({ stream: true, stream_options: { include_obfuscation: false } })).text();
    assert.deepEqual(call.llms.seen[0]!.body.stream_options, {
      include_obfuscation: false,
      include_usage: true,
    });
  }),
);

test(
  'asked for: it comes through',
  withCall({}, async (call) => {
    const text = await (await call.ask({ stream: true, stream_options: { include_usage: true } })).text();
    assert.equal(hasUsage(text), true);
  }),
);

test(
  'refused by the client: it is not asked for, and estimated',
  withCall({}, async (call) => {
    const options = { include_usage: false };
    const text = await (await call.ask({ stream: true, stream_options: options })).text();
    assert.deepEqual(call.llms.seen[0]!.body.stream_options, options);
    assert.equal(hasUsage(text), false);
    const usage = call.last().usage!;
    assert.equal(usage.source, 'estimate');
    assert.ok(usage.completionTokens > 3 && usage.promptTokens > 3);
  }),
);

test(
  'plain answers are never touched',
  withCall({}, async (call) => {
    await (await call.ask()).text();
    assert.equal('stream_options' in call.llms.seen[0]!.body, false);
    assert.equal(call.last().usage?.source, 'upstream');
  }),
);

for (const fault of ['no-stream-options', 'gzip']) {
  test(
    `an upstream with ${fault} is asked again without, once, and remembered`,
    withCall({ policy: { retry_budget: { attempts: 1 } } }, async (call) => {
      call.faults.first = fault;
      for (let i = 0; i < 2; i++) {
        const response = await call.ask({ stream: true });
        assert.equal(response.status, 200);
        assert.match(await response.text(), /\[DONE\]/);
      }
      assert.deepEqual(
        call.llms.seen.map((seen) => 'stream_options' in seen.body),
        [true, false, false],
      );
      assert.deepEqual(
        call.events.filter((event) => event.startsWith('usage-refused')),
        ['usage-refused first'],
      );
      assert.equal(call.last().usage?.source, 'estimate');
    }),
  );
}

test(
  'an upstream that refuses the client’s own stream_options is the client’s business',
  withCall({}, async (call) => {
    call.faults.first = 'no-stream-options';
    const response = await call.ask({ stream: true, stream_options: { include_usage: true } });
    assert.equal(response.status, 400);
    assert.equal(call.llms.seen.length, 1);
  }),
);

test('only a missing word is filled in', () => {
  const cases: [ChatBody, boolean][] = [
    [{ stream: true }, true],
    [{ stream: true, stream_options: null }, true],
    [{ stream: true, stream_options: {} }, true],
    [{ stream: true, stream_options: { include_usage: false } }, false],
    [{ stream: true, stream_options: { include_usage: true } }, false],
    [{ stream: true, stream_options: 'nonsense' }, false],
    [{ stream: true, stream_options: [] }, false],
    [{ stream: false }, false],
    [{ stream: 'true' }, false],
    [{}, false],
  ];
  for (const [body, asks] of cases) assert.equal(asksForUsage(body), asks, JSON.stringify(body));
});

test('usage with nonsense in it counts as none', () => {
  const usage = { prompt_tokens: -1, completion_tokens: 'x', prompt_tokens_details: { cached_tokens: 5 } };
  assert.deepEqual(usageOf({ usage }), {
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    source: 'upstream',
  });
  assert.equal(usageOf({ usage: null }), null);
  assert.equal(usageOf(null), null);
});
