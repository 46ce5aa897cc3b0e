import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chatAnswers } from './index.ts';
import { MAX_EVENT_BYTES, type SseEvent, SseSplitter } from './sse.ts';

/** Lines ended in any of the three ways, blank lines, half events, characters of several bytes. */
const text = fc
  .array(
    fc.constantFrom(
      'data: {"a":"ü→🙂"}',
      'data:x',
      ': ping',
      'event: error',
      '',
      'id: 1',
      '\n',
      '\r\n',
      '\r',
      'data',
      '\ufeff',
    ),
    {
      maxLength: 40,
    },
  )
  .map((pieces) => Buffer.from(pieces.join('')));

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...new Set(at.map((share) => Math.floor(share * bytes.length)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

function split(chunks: readonly Buffer[]): SseEvent[] {
  const splitter = new SseSplitter();
  const events = chunks.flatMap((chunk) => splitter.push(chunk));
  const rest = splitter.end();
  return rest ? [...events, rest] : events;
}

const share = fc.double({ min: 0, max: 1, noNaN: true });

test('events are the same for any chunking, and their bytes joined are the stream', () => {
  fc.assert(
    fc.property(text, fc.array(share, { maxLength: 12 }), (bytes, at) => {
      const events = split(cut(bytes, at));
      assert.deepEqual(Buffer.concat(events.map((event) => event.bytes)), bytes);
      assert.deepEqual(events, split([bytes]));
      assert.deepEqual(events, split([...bytes].map((byte) => Buffer.from([byte]))));
    }),
    { numRuns: 500 },
  );
});

/** What the lines of an event say, as the standard has it: read line by line. */
function naive(event: Buffer): Pick<SseEvent, 'data' | 'name'> {
  const fields = event
    .toString()
    .split(/\r\n|[\n\r]/)
    .map((line) => /^(data|event): ?(.*)$/su.exec(line))
    .filter((match) => match !== null);
  const data = fields.filter(([, field]) => field === 'data').map(([, , value]) => value!);
  return {
    data: data.length === 0 ? null : data.join('\n'),
    name: fields.findLast(([, field]) => field === 'event')?.[2] ?? null,
  };
}

test('an event says what its lines say', () => {
  const line = fc.constantFrom(
    'data: a',
    'data:  b',
    'data:c',
    'data: ',
    'data:',
    'event: e',
    'event:f',
    'event: ',
    ': data: x',
    'id: 1',
    'datum: x',
  );
  const end = fc.constantFrom('\n', '\n', '\n', '\r\n', '\r');
  const event = fc
    .tuple(
      fc.array(fc.tuple(line, end), { minLength: 1, maxLength: 3 }),
      fc.constantFrom('\n', '\n', '\r', ''),
    )
    .map(([lines, blank]) => lines.map((each) => each.join('')).join('') + blank);
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 4 }), (events) => {
      for (const { bytes, data, name } of split([Buffer.from(events.join(''))]))
        assert.deepEqual({ data, name }, naive(bytes));
    }),
    { numRuns: 2_000 },
  );
});

test('a byte order mark at the beginning is no part of the first line, and stays in its bytes; elsewhere it is text', () => {
  const stream = Buffer.from('\ufeffdata: a\n\n\ufeffdata: b\n\ndata: c\n\n');
  for (const chunks of [[stream], [...stream].map((byte) => Buffer.from([byte]))]) {
    const events = split(chunks);
    assert.deepEqual(
      events.map(({ data }) => data),
      ['a', null, 'c'],
    );
    assert.deepEqual(Buffer.concat(events.map(({ bytes }) => bytes)), stream);
  }
});

test('LF, CRLF and CR end lines; several data lines are joined; comments have no data', () => {
  const data = (stream: string) => split([Buffer.from(stream)]).map((event) => event.data);
  for (const end of ['\n', '\r\n', '\r']) {
    assert.deepEqual(data(['data: a', 'data:b', '', ': ping', '', 'data: c', '', ''].join(end)), [
      'a\nb',
      null,
      'c',
    ]);
  }
  assert.deepEqual(data('data: no end'), ['no end']);
  assert.equal(split([Buffer.from('event: error\ndata: x\n\n')])[0]!.name, 'error');
});

test('an event that is too long to hold goes on in pieces, and the next one is read again', () => {
  const long = Buffer.from(`data: ${'x'.repeat(3 * MAX_EVENT_BYTES)}\n\ndata: after\n\n`);
  const chunks = Array.from({ length: Math.ceil(long.length / 65_536) }, (_, i) =>
    long.subarray(i * 65_536, (i + 1) * 65_536),
  );
  const splitter = new SseSplitter();
  const events: SseEvent[] = [];
  let broken = 0;
  for (const chunk of chunks) {
    events.push(...splitter.push(chunk));
    if (splitter.brokenOff) broken++;
  }
  assert.deepEqual(Buffer.concat(events.map((event) => event.bytes)), long);
  assert.ok(broken > 0 && !splitter.brokenOff);
  assert.ok(events.slice(0, -1).every((event) => event.piece && event.bytes.length < 2 * MAX_EVENT_BYTES));
  assert.equal(events.at(-1)!.data, 'after');
});

test('the reader tells content, opening, usage, error, end and noise apart', () => {
  const cases: [string, string][] = [
    ['{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}', 'opening'],
    ['{"choices":[{"delta":{"content":"hi"}}]}', 'content'],
    ['{"choices":[{"delta":{"reasoning_content":"hm"}}]}', 'content'],
    ['{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}', 'content'],
    ['{"choices":[{"text":"once"}]}', 'content'],
    ['{"choices":[],"prompt_filter_results":[]}', 'other'],
    ['{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}', 'usage'],
    ['{"choices":[{"delta":{"content":"says \\"error\\": {"}}]}', 'content'],
    ['{"error":{"message":"no"}}', 'error'],
    ['{"error":{"message":"no"},"choices":[{"delta":{},"finish_reason":"error"}]}', 'error'],
    ['{"object":"error","message":"old vLLM"}', 'error'],
    ['{"choices":[{"delta":{},"finish_reason":"stop"}]}', 'content'],
    ['not json', 'other'],
    ['[DONE]', 'done'],
  ];
  for (const [data, kind] of cases) {
    assert.equal(chatAnswers.stream({}).read(split([Buffer.from(`data: ${data}\n\n`)])[0]!), kind, data);
  }
});
