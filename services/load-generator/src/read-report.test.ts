import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compare, compareTable, differences } from './compare.ts';
import { comparePage } from './page/report-page.ts';
import { readReport } from './read-report.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-report-'));
after(() => rmSync(folder, { recursive: true }));

function read(text: string) {
  const file = join(folder, 'a.json');
  writeFileSync(file, text);
  return readReport(file);
}

const WHOLE = {
  ...{
    url: 'http://r',
    at: '2026-01-01T00:00:00Z',
    loop: 'closed',
    clients: 4,
    mix: 'real',
    sent: 10,
    answered: 10,
  },
  ...{ failed: 0, not_sent: 0, answered_per_s: 5, labels: { 'Open QA': 10 }, cost_usd: 0.5 },
  latency_ms: { p50: 1, p90: 2, p99: 3, max: 4 },
  tokens: { prompt: 1, completion: 2, completion_per_s: 3 },
  timeline: [{ at_s: 0, answered: 10, latency_p50_ms: 1 }],
};

test('a result of another version is compared by what both have; what one lacks is told as not known', () => {
  const now = read(JSON.stringify({ ...WHOLE, of_a_later_version: { x: 1 } }));
  const strange = [
    { timeline: [], answered: 1 },
    {
      timeline: [null, 7, { at_s: 'x' }, { at_s: 1, answered: 'x' }],
      answered: 1,
      tokens: 5,
      labels: { a: 'b' },
    },
    { ...WHOLE, latency_ms: { p50: 1 }, by_label: { a: null }, at: 7, url: null, sent: 'x', statuses: [1] },
  ];
  for (const other of strange) {
    const then = read(`\uFEFF${JSON.stringify(other)}`);
    for (const [a, b] of [
      [then, now],
      [now, then],
    ] as const) {
      const rows = compare(a, b);
      const shown = compareTable(rows) + comparePage(a, b, rows) + differences(a, b).join();
      assert.doesNotMatch(shown, /NaN|undefined|\[object/);
    }
  }
  const then = read(JSON.stringify(strange[0]));
  const told = Object.fromEntries(compare(now, then).map(([name, ...cells]) => [name, cells]));
  assert.deepEqual(told['tokens out a second'], ['3', '–', '–']);
  assert.deepEqual(told.answered, ['10', '1', '-90.0 %']);
  assert.deepEqual(now.timeline[0]!.latency_p90_ms, null);
});

test('what is no result is refused by name', () => {
  for (const text of ['', '[]', 'null', '{}', '{"timeline": {}, "answered": 1}', '{"timeline": []}'])
    assert.throws(() => read(text), /a\.json (is no result of --out|can’t be read: it is not JSON)/);
  assert.throws(() => readReport(folder), /it is a folder, not a file/);
});
