/** Usage of streams: always asked for, and hidden where the client did not ask for it in so many words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatBody } from '../../request.ts';
import { dataOf, withCall } from '../testing.ts';
import { asksForUsage } from '../usage.ts';

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

for (const options of [
  { include_usage: false },
  { include_usage: null },
  { include_usage: 'no', include_obfuscation: false },
  null,
  'nonsense',
  ['include_usage'],
]) {
  test(
    `the client's ${JSON.stringify(options)} does not keep the router from knowing: it is asked for, counted and hidden`,
    withCall({}, async (call) => {
      const text = await (await call.ask({ stream: true, stream_options: options })).text();
      const kept = JSON.stringify(options).includes('obfuscation');
      assert.deepEqual(call.llms.seen[0]!.body.stream_options, {
        ...(kept && { include_obfuscation: false }),
        include_usage: true,
      });
      assert.equal(hasUsage(text), false);
      assert.match(text, /\[DONE\]/);
      assert.equal(call.last().usage?.source, 'upstream');
    }),
  );
}

test(
  'an error that repeats the client’s words does not end the asking for all others',
  withCall({}, async (call) => {
    call.respond = ({ body }) =>
      body.temperature === undefined
        ? null
        : {
            status: 400,
            chunks: [Buffer.from(JSON.stringify({ error: { message: `bad: ${body.temperature}` } }))],
          };
    const refused = await call.ask({ stream: true, temperature: 'stream_options' });
    assert.equal(refused.status, 400);
    await refused.text();
    await (await call.ask({ stream: true })).text();
    assert.equal(call.last().usage?.source, 'upstream');
    assert.deepEqual(
      call.events.filter((event) => event.startsWith('usage-refused')),
      [],
    );
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

test(
  'an upstream that refuses the option is asked again without, once, and remembered',
  withCall({ policy: { retry_budget: { attempts: 1 } } }, async (call) => {
    call.faults.first = 'no-stream-options';
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

test(
  'an upstream that refuses the client’s own stream_options is the client’s business',
  withCall({}, async (call) => {
    call.faults.first = 'no-stream-options';
    const response = await call.ask({ stream: true, stream_options: { include_usage: true } });
    assert.equal(response.status, 400);
    assert.equal(call.llms.seen.length, 1);
  }),
);

test('it is asked for unless the client asks itself', () => {
  const cases: [ChatBody, boolean][] = [
    [{ stream: true }, true],
    [{ stream: true, stream_options: null }, true],
    [{ stream: true, stream_options: {} }, true],
    [{ stream: true, stream_options: { include_usage: false } }, true],
    [{ stream: true, stream_options: { include_usage: true } }, false],
    [{ stream: true, stream_options: 'nonsense' }, true],
    [{ stream: true, stream_options: [] }, true],
    [{ stream: false }, false],
    [{ stream: 'true' }, true],
    [{ stream: 1 }, true],
    [{}, false],
  ];
  for (const [body, asks] of cases) assert.equal(asksForUsage(body), asks, JSON.stringify(body));
});
