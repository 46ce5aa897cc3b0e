/** `npm run check:dashboards` as a user runs it: every panel of a real run has data, and every alert is proven. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { panelsOf } from '../../deploy/grafana/src/board.ts';
import { BOARDS } from '../../deploy/grafana/src/boards.ts';
import { ALERTS } from '../../deploy/prometheus/src/alerts.ts';
import { descendants, isAlive, Script, until } from './processes.ts';

test('it ends with its counts, writes the report, and leaves nothing behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-report-'));
  const script = new Script('check:dashboards', ['--json', '--report', folder]);
  const family = new Set<number>();
  const watch = setInterval(() => {
    for (const pid of descendants(script.process.pid!)) family.add(pid);
  }, 500);
  try {
    const code = await script.exit;
    const last = JSON.parse(script.output.trim().split('\n').at(-1)!);
    const { panels, panels_with_data, panels_not_here, alerts, alerts_proven } = last;
    assert.equal(panels_with_data, panels, script.output);
    assert.equal(panels + panels_not_here, BOARDS.flatMap(panelsOf).length);
    assert.equal(
      panels_not_here,
      BOARDS.flatMap(panelsOf).filter(({ needs }) => needs && needs !== 'triton').length,
    );
    assert.equal(alerts, ALERTS.length);
    assert.equal(alerts_proven, ALERTS.length);
    assert.equal(code, 0, script.output);
    const files = readdirSync(folder);
    assert.equal(files.filter((name) => name.endsWith('.svg')).length, BOARDS.length);
    const page = readFileSync(join(folder, 'dashboards.md'), 'utf8');
    for (const panel of BOARDS.flatMap(panelsOf)) assert.ok(page.includes(`| ${panel.title} |`), panel.title);
    const overview = readFileSync(join(folder, 'overview.svg'), 'utf8');
    assert.match(overview, /<polyline [^>]*points="\d/);
    assert.match(overview, /font-size="8"[^>]*>[\d.]+ ms</, 'lines have a scale');
    await until(
      () => ![...family].some(isAlive),
      () => `left behind: ${[...family].filter(isAlive).join(', ')}`,
    );
  } finally {
    clearInterval(watch);
    rmSync(folder, { recursive: true, force: true });
  }
});

test('wrong flags are told', async () => {
  const script = new Script('check:dashboards', ['--seconds', '5']);
  assert.equal(await script.exit, 2);
  assert.match(script.output, /--seconds must be an integer from 30 on, not '5'/);
});
