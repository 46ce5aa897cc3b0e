/** The batch tab without a browser: files as requests, many questions, what they cost, and files again. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { downloadCsv, downloadJsonl, estimated } from '../page/batch-row.ts';
import { FileProblem, parseCsv, toCsv } from '../page/csv.ts';
import type { FullDecision } from '../page/decision.ts';
import { costOf, dearest, pricesOf } from '../page/prices.ts';
import { bodyOf, decoded, excerptOf, guess, MAX_ROWS, readTable, WHOLE_LINE } from '../page/rows.ts';
import { type RunOptions, runRows } from '../page/run-rows.ts';

describe('CSV', () => {
  test('is read as it was written, whatever the fields hold', () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', ' ', 'ü', '🙂', '\t') });
    fc.assert(
      fc.property(fc.array(fc.record({ a: field, b: field }), { minLength: 1, maxLength: 5 }), (rows) => {
        const read = parseCsv(toCsv(['a', 'b'], rows));
        // What spreadsheets would take for a formula, or for white space to drop, comes back with its apostrophe.
        const wanted = rows.map(({ a, b }) =>
          [a, b].map((text) => (/^[\t\r\n]/.test(text) ? `'${text}` : text)),
        );
        assert.deepEqual(read, [['a', 'b'], ...wanted]);
      }),
    );
  });

  test('of other hands is read too: semicolons, tabs, a byte order mark, no last line break', () => {
    assert.deepEqual(parseCsv('\uFEFFa;b\r\n"1;2";3'), [
      ['a', 'b'],
      ['1;2', '3'],
    ]);
    assert.deepEqual(parseCsv('a\tb\n1\t\n\n'), [
      ['a', 'b'],
      ['1', ''],
    ]);
    assert.throws(() => parseCsv('a,b\n1,"never'), /Line 2: a quoted field is never closed/);
    assert.throws(() => parseCsv('a,b\n"1"2,3'), /Line 2: text stands behind the quote/);
  });

  test('that is written runs no formula', () => {
    const risky = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =HYPERLINK("x")', '＝1'];
    const lines = parseCsv(
      toCsv(
        ['text'],
        risky.map((text) => ({ text })),
      ),
    ).slice(1);
    assert.deepEqual(
      lines.map(([text]) => text),
      risky.map((text) => `'${text}`),
    );
    assert.equal(toCsv(['n'], [{ n: -1.5 }, { n: null }]), 'n\r\n-1.5\r\n\r\n', 'numbers stay numbers');
  });
});

describe('a file', () => {
  const meant = (text: string) => {
    const table = readTable(text);
    const { column, as } = guess(table);
    return { column, as, bodies: table.rows.map((row) => bodyOf(row, column, as)) };
  };
  const said = (content: string) => [{ role: 'user', content }];

  test('is understood by its columns', () => {
    assert.deepEqual(meant('id,Prompt\n1,"Hi, you"\n'), {
      column: 'Prompt',
      as: 'prompt',
      bodies: [{ messages: said('Hi, you') }],
    });
    assert.deepEqual(meant('{"text":"a"}\n\n{"text":"b"}').bodies, [
      { messages: said('a') },
      { messages: said('b') },
    ]);
    assert.equal(meant(`{"messages":${JSON.stringify(said('a'))}}`).as, 'messages');
    const whole = { model: 'x', messages: said('a'), tools: [] };
    assert.deepEqual(meant(JSON.stringify(whole)), { column: WHOLE_LINE, as: 'body', bodies: [whole] });
    assert.deepEqual(meant(JSON.stringify({ id: 1, body: whole })).bodies, [whole]);
    assert.deepEqual(meant(`messages\n"${JSON.stringify(said('a')).replaceAll('"', '""')}"`).bodies, [
      { messages: said('a') },
    ]);
  });

  test('of JSON is a list of rows as well, or a row over several lines', () => {
    const rows = [{ prompt: 'a' }, { prompt: 'b', tier: 1 }];
    for (const text of [JSON.stringify(rows), `\uFEFF${JSON.stringify(rows, null, 2)}\n`])
      assert.deepEqual(meant(text).bodies, [{ messages: said('a') }, { messages: said('b') }]);
    assert.deepEqual(meant(JSON.stringify(rows[0], null, 2)).bodies, [{ messages: said('a') }]);
    const many = readTable(JSON.stringify(Array.from({ length: MAX_ROWS + 1 }, () => rows[0])));
    assert.deepEqual([many.rows.length, many.cut], [MAX_ROWS, true]);
  });

  test('in another encoding is refused, and not routed with holes in it', () => {
    assert.equal(decoded(Buffer.from('prompt\nGrüße 日本\n')), 'prompt\nGrüße 日本\n');
    for (const encoding of ['latin1', 'utf16le'] as const)
      assert.throws(() => decoded(Buffer.from('\uFEFFprompt\nGrüße\n', encoding)), /not UTF-8; save it as/);
  });

  test('that is wrong is refused with the line and what would be right', () => {
    for (const [text, words] of [
      ['', /empty/],
      ['a,b\n', /no rows/],
      ['a,a\n1,2', /Column 2 has the name 'a' again/],
      ['a,\n1,2', /Column 2 has no name/],
      ['a,b\n1,2,3', /Row 1 has 3 fields, and the heading 2/],
      ['{"a":1}\n{', /Line 2 is not JSON/],
      ['[1]', /Entry 1 of the list is no object/],
      ['[{"a":1},\n 2]', /Entry 2 of the list is no object/],
      ['[{"a":1},\n', /Line 1 is not JSON/],
      ['[]', /no rows/],
    ] as const)
      assert.throws(
        () => readTable(text),
        (error: unknown) => error instanceof FileProblem && words.test(error.message),
        text,
      );
    assert.throws(() => bodyOf({ a: ' ' }, 'a', 'prompt'), /prompt is empty/);
    assert.throws(() => bodyOf({ a: '{' }, 'a', 'body'), /no JSON/);
    assert.throws(() => bodyOf({ a: '[1]' }, 'a', 'messages'), /no list of/);
    assert.throws(() => bodyOf({ a: '[1]' }, 'a', 'body'), /no JSON object/);
  });

  test('is taken up to a number of rows, and told to be cut', () => {
    for (const head of ['p\n', '']) {
      const line = head === '' ? '{"p":"x"}\n' : 'x\n';
      const exact = readTable(head + line.repeat(MAX_ROWS));
      assert.deepEqual([exact.rows.length, exact.cut], [MAX_ROWS, false]);
      const more = readTable(head + line.repeat(MAX_ROWS + 1));
      assert.deepEqual([more.rows.length, more.cut], [MAX_ROWS, true]);
    }
  });

  test('is known again by the last words of each request', () => {
    const parts = [{ type: 'text', text: 'What is' }, { type: 'image_url' }, { type: 'text', text: 'this?' }];
    assert.equal(excerptOf({ messages: [...said('a'), { role: 'assistant', content: 'b' }] }), 'a');
    assert.equal(excerptOf({ messages: [{ role: 'user', content: parts }] }), 'What is this?');
    assert.equal(excerptOf({ input: 'plain' }), 'plain');
  });
});

describe('many questions', () => {
  const run = async (options: Partial<RunOptions<number>>) => {
    const told: string[] = [];
    const all: RunOptions<number> = {
      count: 5,
      width: 2,
      signal: new AbortController().signal,
      ask: async (index) => index,
      refused: (error) => (typeof error === 'number' ? { retryAfter: error } : null),
      done: (index) => void told.push(`${index}`),
      failed: (index, error) => void told.push(`${index} ${error}`),
      waiting: (seconds) => void told.push(`wait ${seconds}`),
      sleep: async () => {},
      ...options,
    };
    await runRows(all);
    return told;
  };

  test('are asked each once, no more at a time than told', async () => {
    let now = 0;
    let most = 0;
    const told = await run({
      count: 20,
      width: 3,
      ask: async (index) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        if (index === 7) throw new Error('bad');
        return index;
      },
    });
    assert.equal(most, 3);
    assert.equal(told.length, 20);
    assert.ok(told.includes('7 Error: bad'));
    assert.deepEqual(new Set(told.map((each) => Number.parseInt(each, 10))).size, 20);
  });

  test('wait when they are told to, all together, and none is lost', async () => {
    const asked: number[] = [];
    const told = await run({
      count: 4,
      ask: async (index) => {
        asked.push(index);
        if (asked.length <= 2) throw 3;
        return index;
      },
    });
    assert.deepEqual(
      told.filter((each) => each.startsWith('wait')),
      ['wait 3', 'wait 0'],
    );
    assert.deepEqual(told.filter((each) => !each.startsWith('wait')).toSorted(), ['0', '1', '2', '3']);
    assert.equal(asked.length, 6);
  });

  test('end where the wait is too long to be waited out, and where they are stopped', async () => {
    await assert.rejects(
      run({
        ask: async () => {
          throw 86_400;
        },
      }),
      (error) => error === 86_400,
    );
    const stop = new AbortController();
    const told = await run({
      signal: stop.signal,
      width: 1,
      ask: async (index) => {
        if (index === 2) stop.abort();
        return index;
      },
    });
    assert.deepEqual(told, ['0', '1']);
  });
});

describe('money', () => {
  const prices = pricesOf([
    { id: 'a', pricing: { prompt: '0.000001', completion: '0.000002', input_cache_read: '0.0000005' } },
    { id: 'b', pricing: { prompt: '0.00001', completion: '0.00001' } },
    { id: 'c' },
    { id: 'd', pricing: { prompt: 'x', completion: '1' } },
  ]);

  test('goes by the prices of the list of models, cached input by its own', () => {
    assert.deepEqual([...prices.keys()], ['a', 'b']);
    const tokens = { promptTokens: 1000, cachedTokens: 400, completionTokens: 100 };
    assert.ok(Math.abs(costOf(prices.get('a')!, tokens) - 0.001) < 1e-12);
    assert.deepEqual(dearest(['a', 'b', 'c'], prices, tokens)?.model, 'b');
    assert.equal(dearest(['c'], prices, tokens), null);
  });

  const decision = {
    policy: 'p',
    label: '=Evil',
    entry: 'E',
    target: 't',
    model: 'a',
    reason: 'classified',
    confidence: 0.5,
  } as unknown as FullDecision;

  test('of a row is estimated from its characters and its own limit, or as the policy says', () => {
    const body = { messages: [{ role: 'user', content: 'x'.repeat(400) }], max_tokens: 50 };
    const row = estimated(decision, body, prices, 300);
    assert.deepEqual([row.prompt, row.completion], [100, 50]);
    assert.ok(Math.abs(row.usd! - 0.0002) < 1e-12);
    assert.equal(estimated({ ...decision, model: 'c' }, body, prices, 300).usd, null);
    const offer = {
      target: 't',
      quality: 1,
      cost_usd: 7,
      input_tokens: 5,
      cached_tokens: 0,
      output_tokens: 6,
      why: null,
    };
    const valued = estimated(
      { ...decision, value: { choose: {}, familiarity: null, targets: [offer] } },
      body,
      prices,
      300,
    );
    assert.deepEqual([valued.prompt, valued.completion, valued.usd], [5, 6, 7]);
  });

  test('and the decision are written for spreadsheets and for programs; rows not asked are left out', () => {
    const answer = estimated(decision, { messages: [{ role: 'user', content: 'x' }] }, prices, 10);
    const rows = [
      { number: 1, text: '=cmd', answer, problem: null },
      { number: 2, text: 'y', answer: null, problem: 'refused' },
      { number: 3, text: 'z', answer: null, problem: null },
    ];
    const [head, first, second, ...none] = parseCsv(downloadCsv(rows));
    assert.deepEqual(none, []);
    const told = Object.fromEntries(head!.map((name, at) => [name, first![at]]));
    assert.deepEqual([told.row, told.prompt, told.label, told.target], ['1', "'=cmd", "'=Evil", 't']);
    assert.equal(second!.at(-1), 'refused');
    const lines = downloadJsonl(rows).trimEnd().split('\n');
    assert.equal(lines.length, 2);
    assert.equal(JSON.parse(lines[0]!).prompt, '=cmd');
    assert.equal(JSON.parse(lines[0]!).decision.label, '=Evil');
  });
});
