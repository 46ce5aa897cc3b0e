/** The pages of runs: whole, safe against names from elsewhere, and drawn from the numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, differences } from '../compare.ts';
import { readOptions } from '../options.ts';
import { type Report, reportOf } from '../report.ts';
import type { Sample } from '../send.ts';
import { Tally } from '../tally.ts';
import { Timeline } from '../timeline.ts';
import { lineChart, roundUp } from './chart.ts';
import { comparePage, reportPage } from './report-page.ts';

/** Ten answers, one a second, each so much slower than the one before. */
function reportWith(step: number, more: Partial<Sample> = {}, args: readonly string[] = []): Report {
  const options = readOptions(['--seconds', '10', ...args], {})!;
  const tally = new Tally();
  const timeline = new Timeline(10);
  for (let i = 0; i < 10; i++) {
    const sample: Sample = {
      ...{ status: 200, label: 'Open QA', model: 'm', latencyMs: 100 + i * step, ttftMs: 20 },
      ...{ tokens: { prompt: 1, completion: 5 }, error: null, said: null, isUnfinished: false },
      ...more,
    };
    tally.begun(0);
    tally.ended(sample);
    timeline.ended(sample, i * 1000);
  }
  return reportOf(options, tally, 10_000, timeline, null);
}

test('a page holds the numbers and the pictures, and asks for nothing from elsewhere', () => {
  const text = reportPage(reportWith(10));
  assert.equal([...text.matchAll(/<svg /g)].length, 4);
  assert.match(text, /<b>10<\/b><span>answered<\/span>/);
  assert.match(text, /<td>Open QA<\/td><td class="n">10<\/td>/);
  assert.doesNotMatch(text, /<script|<link|src=|url\(|https?:\/\/(?!127\.0\.0\.1:8084)/);
});

test('names from the other side are text', () => {
  const text = reportPage(reportWith(1, { label: '<img onerror=x>', model: '"><script>' }));
  assert.doesNotMatch(text, /<img|<script/);
  assert.match(text, /&lt;img onerror=x&gt;/);
});

test('a line goes through its points, and has a gap where there is none', () => {
  const chart = lineChart('c', 'ms', [
    {
      name: 'p50',
      colour: 0,
      points: [
        [0, 0],
        [5, 10],
        [6, null],
        [10, 10],
      ],
    },
  ]);
  const [, path] = /<path d="([^"]*)"/.exec(chart)!;
  assert.equal(path, 'M60.0 212.0h0.1L475.0 10.0M890.0 10.0h0.1');
  assert.deepEqual([0, 0.03, 1, 7, 1234].map(roundUp), [1, 0.05, 1, 10, 2000]);
});

test('two runs beside each other: figures, change, and what was not the same', () => {
  const [a, b] = [reportWith(10), reportWith(20, { label: 'Chatbot' }, ['--mix', 'real'])];
  const rows = compare(a, b);
  const row = (name: string) => rows.find(([first]) => first === name);
  assert.deepEqual(row('latency p99'), ['latency p99', '190 ms', '280 ms', '+47.4 %']);
  assert.deepEqual(row('answered'), ['answered', '10', '10', '=']);
  assert.deepEqual(row('label Chatbot'), ['label Chatbot', '0.0 %', '100.0 %', 'new']);
  assert.deepEqual(differences(a, b), ['mix: short and real']);
  const text = comparePage(a, b, rows);
  assert.match(text, /<td>latency p99<\/td><td class="n">190 ms<\/td>/);
  assert.match(text, /p50, A/);
});
