/** An event that is known by its shape says what it would say if it were parsed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SseSplitter } from '../sse.ts';
import { Shape } from './shape.ts';
import { ChatStreamReader } from './stream.ts';

/** Texts that stand elsewhere in the event too, that end strings, that look like members, and that anybody writes. */
const text = fc.oneof(
  fc.constantFrom(
    '',
    'm',
    'c',
    'content',
    'x',
    'null',
    '"usage":null',
    '","usage":null,"',
    '\\',
    '"',
    '\n',
    '\t',
    '\u007f',
  ),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const name = fc.constantFrom('content', 'reasoning_content', 'reasoning', 'refusal');
const delta = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(name, text).map(([key, value]) => ({ [key]: value })) },
  text.map((value) => ({ role: 'assistant', content: value, tool_calls: null })),
  text.map((value) => ({ reasoning: value, reasoning_content: value })),
  text.map((value) => ({ content: [{ type: 'text', text: value }] })),
  text.map((value) => ({ tool_calls: [{ index: 0, function: { arguments: value } }] })),
  fc.constant({}),
);
const choice = fc.record({
  index: fc.constantFrom(0, 0, 0, 1),
  delta,
  finish_reason: fc.constantFrom(null, null, null, 'stop'),
});
/** Members before and after the choices, as upstreams have them. */
const around = fc.constantFrom<[object, object]>(
  [{ id: 'c', model: 'm' }, {}],
  [{ id: 'c', model: 'content' }, { usage: null }],
  [{ usage: null, model: 'm' }, {}],
  [{ model: 'm' }, { usage: null, obfuscation: 'x' }],
  [{ obfuscation: 'abc', usage: null }, {}],
  [{}, { timings: { usage: null } }],
  [{}, { usage: { completion_tokens: 1 } }],
  [{}, { usage: { completion_tokens: 2 } }],
  [{}, { x_groq: { usage: null } }],
  [{}, { error: { message: 'no' } }],
);
const written = fc.constantFrom(
  (json: string) => `data: ${json}\n\n`,
  (json: string) => `data: ${json}\n\n`,
  (json: string) => `data:${json}\r\n\n`,
  (json: string) => `: "usage":null\ndata: ${json}\n\n`,
  (json: string) => `data: ${json}\nid: 1\n\n`,
  (json: string) => `data: ${json.replaceAll('\\t', '\t')}\n\n`,
  (json: string) => `event: error\ndata: ${json}\n\n`,
  (json: string) => `data: ${json.replace('{', '{\ndata: ')}\n\n`,
  (json: string) => `data: ${json.replace('"delta":', '"delta":{"content":"m"},"delta":')}\n\n`,
  (json: string) =>
    `data: ${json.replaceAll(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n\n`,
);
/** Some events of one making and another text, then some of another. */
const stream = fc
  .array(
    fc
      .tuple(around, written, choice, fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 8 }))
      .map(([[before, after], write, one, texts]) =>
        texts.map(([said, noise]) => {
          const json = JSON.stringify({ ...before, choices: [one], ...after }, (key, value) =>
            key === 'obfuscation' ? noise : value,
          );
          return write(
            json.replace(
              /"(content|reasoning_content|refusal|text)":"[^"\\]*"/,
              (_, key) => `"${key}":${JSON.stringify(said)}`,
            ),
          );
        }),
      ),
    { minLength: 1, maxLength: 6 },
  )
  .map((runs) => runs.flat());

const eventsOf = (texts: readonly string[]) => new SseSplitter().push(Buffer.from(texts.join('')));

test('what a stream says, and what is left of it without usage, is what its events say one by one', (t) => {
  let knew = 0;
  const read = Shape.prototype.read;
  t.mock.method(Shape.prototype, 'read', function (this: Shape, data: string) {
    const known = read.call(this, data);
    knew += Number(known !== null);
    return known;
  });
  fc.assert(
    fc.property(stream, (texts) => {
      const reader = new ChatStreamReader({});
      const apart: string[] = [];
      let content = 0;
      for (const event of eventsOf(texts)) {
        // A reader that has read nothing knows no shapes.
        const fresh = new ChatStreamReader({});
        const kind = fresh.read(event);
        assert.equal(reader.read(event), kind);
        assert.deepEqual(reader.withoutUsage(event, kind), fresh.withoutUsage(event, kind));
        if (fresh.usage !== null) assert.deepEqual(reader.usage, fresh.usage);
        content += fresh.contentEvents;
        apart.push(...fresh.written.read().texts);
        assert.equal(reader.contentEvents, content);
      }
      const sorted = (each: readonly string[]) => [...each.join('')].sort().join('');
      assert.equal(sorted(reader.written.read().texts), sorted(apart));
    }),
    { numRuns: 3_000 },
  );
  assert.ok(knew > 3_000, `${knew} events were known`);
});

const known = (...texts: string[]): (string | null)[] => {
  const [first, ...others] = eventsOf(texts).map(({ data }) => data!);
  const one = (data: string) => {
    const { choices } = JSON.parse(data) as { choices: [{ delta: { content: string } }] };
    return { run: 0, text: choices[0].delta.content };
  };
  const shape = Shape.of(first!, one(first!), one)!;
  return others.map((data) => shape.read(data)?.text ?? null);
};
const event = (content: string, more = '') =>
  `data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":${content}},"finish_reason":null}]${more}}\n\n`;

test('an event that differs in nothing but a plain text is known; one with escapes, no text, or another member is not', () => {
  assert.deepEqual(
    known(
      event('"a"'),
      event('"b c"'),
      event('"\u00fc"'),
      event('"\\n"'),
      event('""'),
      event('null'),
      event('"b"', ',"error":1'),
    ),
    ['b c', 'ü', null, null, null, null],
  );
});

test('the text is found where it stands elsewhere too, and noise beside it may differ', () => {
  const noisy = (content: string, noise: string) => event(content, `,"usage":null,"obfuscation":"${noise}"`);
  assert.deepEqual(known(event('"m"'), event('"c"')), ['c']);
  assert.deepEqual(known(noisy('"a"', 'xy'), noisy('"b"', ''), noisy('"c"', '\\n')), ['b', null]);
});

test('where no shape can be learned, or none is of use, it is not tried for ever', (t) => {
  const of = t.mock.method(Shape, 'of');
  const twice = (text: string) =>
    `data: {"choices":[{"delta":{"reasoning":"${text}","reasoning_content":"${text}"}}]}\n\n`;
  const unlike = (text: string) => `data: {"id":"${text}","choices":[{"delta":{"content":"${text}"}}]}\n\n`;
  for (const make of [twice, unlike]) {
    const reader = new ChatStreamReader({});
    of.mock.resetCalls();
    for (const each of eventsOf(Array.from({ length: 100 }, (_, at) => make(`w${at}`)))) reader.read(each);
    assert.equal(reader.contentEvents, 100);
    assert.equal(of.mock.callCount(), 3);
  }
});
