import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BadRows, readRows } from './rows.ts';
import { percentile, Scores, table } from './scores.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-evaluate-'));
after(() => rmSync(folder, { recursive: true }));
const LABELS = ['Chatbot', 'Summarization'];

async function read(text: string, policy = 'task_router', name = 'rows.jsonl') {
  const file = join(folder, name);
  writeFileSync(file, text);
  return Array.fromAsync(readRows(file, policy, LABELS));
}

describe('rows', () => {
  test('the label under the policy’s own key; null labels and blank lines are passed over', async () => {
    const rows = await read(
      '\uFEFF{"prompt": "a", "task": "Chatbot", "complexity": "Reasoning"}\r\n\n{"prompt": "b", "task": null}\n{"prompt": "", "task": "Summarization"}',
    );
    assert.deepEqual(rows, [
      { prompt: 'a', label: 'Chatbot' },
      { prompt: '', label: 'Summarization' },
    ]);
  });

  test('of a spreadsheet, as training takes it', async () => {
    const csv = '\uFEFFText;Label;Lang\r\n"a; ""b""\nc";Chatbot;de\r\nd;;\r\ne; Summarization ;\r\n';
    assert.deepEqual(await read(csv, 'mine', 'rows.csv'), [
      { prompt: 'a; "b"\nc', label: 'Chatbot', language: 'de' },
      { prompt: 'e', label: 'Summarization' },
    ]);
    for (const [text, words] of [
      ['text,label\na,b,Chatbot\n', /rows\.csv: row 1: 3 fields under 2 columns/],
      ['text,label\n"a,Chatbot\n', /rows\.csv: Line 2: a quoted field is never closed/],
      ['text,label\na,Chatbto\n', /rows\.csv: row 1: 'Chatbto' is no label.*Did you mean 'Chatbot'/],
      ['a,b\nx,Chatbot\n', /rows\.csv: row 1: no "prompt"/],
    ] as const)
      await assert.rejects(
        read(text, 'mine', 'rows.csv'),
        (error) => error instanceof BadRows && words.test(error.message),
      );
  });

  test('what stands around a label is none of it, as in training', async () => {
    const rows = await read(
      '{"prompt": " a ", "task": " Chatbot\\t"}\n{"body": {}, "task": ["Chatbot ", "Summarization"]}',
    );
    assert.deepEqual(
      rows.map((row) => ('label' in row ? [row.prompt, row.label] : row.labels)),
      [[' a ', 'Chatbot'], LABELS],
    );
  });

  test('`label`, or the only label there is, for policies of other names', async () => {
    const rows = await read(
      '{"prompt": "a", "label": "Chatbot"}\n{"text": "b", "intent": "Summarization"}',
      'my_policy',
    );
    assert.deepEqual(
      rows.map((row) => 'label' in row && row.label),
      LABELS,
    );
  });

  test('whole requests, with one label or several, and the target that they should go to', async () => {
    const rows = await read(
      '{"body": {"messages": []}, "task": "Chatbot"}\n' +
        '{"body": {"prompt": "x"}, "task": ["Chatbot", "Summarization"], "target": "small", "headers": {"X-Tier": "a"}}\n' +
        '{"body": {"input": "x"}, "task": null, "target": ["small", "large"]}\n{"body": {"input": "x"}, "task": null}',
    );
    assert.deepEqual(
      rows.map((row) => 'body' in row && [row.path, row.labels, row.targets, row.headers]),
      [
        ['/v1/chat/completions', ['Chatbot'], [], {}],
        ['/v1/completions', ['Chatbot', 'Summarization'], ['small'], { 'x-tier': 'a' }],
        ['/v1/responses', [], ['small', 'large'], {}],
      ],
    );
  });

  test('the language that a row says, under either name', async () => {
    const rows = await read(
      '{"prompt": "a", "task": "Chatbot", "lang": "de"}\n{"prompt": "b", "task": "Chatbot", "language": "pt-BR", "lang": "xx"}\n' +
        '{"body": {"input": "x"}, "task": "Chatbot", "lang": "JA"}\n{"prompt": "c", "task": "Chatbot", "lang": 7}',
    );
    assert.deepEqual(
      rows.map((row) => row.language),
      ['de', 'pt', 'ja', undefined],
    );
  });

  for (const [what, text, message] of [
    ['a body that is none', '{"body": "x", "task": "Chatbot"}', /rows\.jsonl:1: "body" must be a request/],
    [
      'a target that is none',
      '{"body": {}, "task": "Chatbot", "target": 7}',
      /"target" must be a target's name/,
    ],
    ['a body without a label', '{"body": {}}', /rows\.jsonl:1: no label under "task"/],
    ['not JSON', '{"prompt": "a", "task": "Chatbot"}\n{oops', /rows\.jsonl:2: not JSON .*; want \{"prompt"/],
    ['no object', '[1]', /rows\.jsonl:1: want an object/],
    ['no prompt', '{"task": "Chatbot"}', /rows\.jsonl:1: no "prompt" that is a string/],
    [
      'no label',
      '{"prompt": "a"}',
      /rows\.jsonl:1: no label under "task" or "task_router" or "label"; the row has: prompt/,
    ],
    [
      'a label of no model',
      '{"prompt": "a", "task": "Sumarization"}',
      /'Sumarization' is no label of the model\. Did you mean 'Summarization'\?/,
    ],
  ] as const) {
    test(`${what} is told by line`, () =>
      assert.rejects(read(text), (error: Error) => {
        assert.ok(error instanceof BadRows);
        assert.match(error.message, message);
        return true;
      }));
  }

  test('a file that is not there', () =>
    assert.rejects(
      Array.fromAsync(readRows(join(folder, 'none'), 'x', LABELS)),
      /none: can’t be read: there is no such file/,
    ));

  test('a folder', () =>
    assert.rejects(
      Array.fromAsync(readRows(folder, 'x', LABELS)),
      (error: Error) =>
        error instanceof BadRows && /can’t be read: it is a folder, not a file/.test(error.message),
    ));

  test('a row of megabytes', async () => {
    const [row] = await read(JSON.stringify({ prompt: 'x'.repeat(5_000_000), task: 'Chatbot' }));
    assert.ok(row && 'prompt' in row);
    assert.equal(row.prompt.length, 5_000_000);
  });
});

describe('figures', () => {
  test('by hand: accuracy, F1, calibration', () => {
    const scores = new Scores(['a', 'b', 'c']);
    scores.add('a', 'a', 0.9, 1, null);
    scores.add('a', 'b', 0.6, 2, null);
    scores.add('b', 'b', 0.8, 3, null);
    scores.add('b', 'b', 0.7, 100, null);
    const report = scores.report();
    assert.equal(report.accuracy, 0.75);
    assert.deepEqual(report.per_label.a, { precision: 1, recall: 0.5, f1: 2 / 3, support: 2 });
    assert.equal(report.per_label.b!.f1, 0.8);
    // The label that does not occur counts for nothing.
    assert.ok(Math.abs(report.macro_f1 - (2 / 3 + 0.8) / 2) < 1e-12);
    // Four answers in bins of their own: |0.9−1| + |0.6−0| + |0.8−1| + |0.7−1|, over 4.
    assert.ok(Math.abs(report.ece - 1.2 / 4) < 1e-12);
    assert.deepEqual([report.p50_ms, report.p99_ms], [2, 100]);
    assert.deepEqual(scores.pairs(3), [{ gold: 'a', predicted: 'b', n: 1 }]);
    assert.match(table(report, scores), /1 × a taken for b/);
  });

  test('certainty of one falls into the last bin', () => {
    const scores = new Scores(['a', 'b']);
    scores.add('a', 'a', 1, 1, null);
    assert.equal(scores.report().ece, 0);
  });

  test('by language, most rows first; where nobody tells it is unknown', () => {
    const scores = new Scores(['a', 'b']);
    scores.add('a', 'a', 1, 1, null);
    scores.add('a', 'b', 1, 1, 'de');
    scores.add('b', 'b', 1, 1, 'de');
    const report = scores.report();
    assert.deepEqual(Object.entries(report.by_language), [
      ['de', { n: 2, accuracy: 0.5 }],
      ['unknown', { n: 1, accuracy: 1 }],
    ]);
    assert.match(table(report, scores), /languages: de 0\.500 \(2\), unknown 1\.000 \(1\)/);
  });

  test('targets are counted where rows name one', () => {
    const scores = new Scores(['a', 'b']);
    scores.add('a', 'an entry that is no label', 1, 1, null);
    assert.equal(scores.report().targets_ok, undefined);
    scores.addTarget(true);
    scores.addTarget(false);
    const { accuracy, targets_ok, targets_n } = scores.report();
    assert.deepEqual([accuracy, targets_ok, targets_n], [0, 1, 2]);
  });

  test('percentiles', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.deepEqual([percentile(values, 0.5), percentile(values, 0.99), percentile([], 0.5)], [50, 99, 0]);
  });
});
