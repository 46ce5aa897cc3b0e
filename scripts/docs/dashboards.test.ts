/** Dashboards and alerts say what they promise: names that exist, words for who is woken up, links that lead somewhere. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build, panelsOf } from '../../deploy/grafana/src/board.ts';
import { BOARDS } from '../../deploy/grafana/src/boards.ts';
import { ALERTS } from '../../deploy/prometheus/src/alerts.ts';
import { runbookOf } from '../../deploy/prometheus/src/files.ts';
import { CATALOGUE, type MetricSpec } from '../../services/router-controller/src/observe/catalogue.ts';
import { ROOT } from '../parts/lib.ts';

const specs: readonly MetricSpec[] = Object.values(CATALOGUE);
/** Every name that Prometheus has after a scrape, with the labels it may be asked for. */
const NAMES = new Map(
  specs.flatMap(({ name, kind, labels }) =>
    (kind === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).map(
      (suffix) => [name + suffix, [...labels, ...(suffix === '_bucket' ? ['le'] : [])]] as const,
    ),
  ),
);
/** Of Node, of Prometheus itself, and of Triton. */
const FOREIGN = /^(?:process|nodejs|nv|scrape)_/;

function check(expr: string, where: string): void {
  for (const [, name, labels] of expr.matchAll(/\b([a-z][a-z0-9_]*)\{([^}]*)\}/g)) {
    if (FOREIGN.test(name!)) continue;
    const known = NAMES.get(name!);
    assert.ok(known, `${where}: no metric ${name}`);
    for (const [, label] of labels!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
      assert.ok(
        [...known, 'job', 'instance', 'namespace'].includes(label!),
        `${where}: ${name} has no label ${label}`,
      );
  }
}

test('every panel has a description, a unit, queries over metrics that exist, and the chosen data source', () => {
  for (const board of BOARDS) {
    const specified = panelsOf(board);
    assert.equal(
      new Set(specified.map(({ id }) => id)).size,
      specified.length,
      `${board.uid}: ids are unique`,
    );
    for (const { title, description, queries } of specified) {
      assert.ok(description.length > 20, `${board.uid}: ${title}`);
      for (const { expr } of queries) check(expr, `${board.uid}: ${title}`);
    }
    const json = build(board);
    const panels = (json.panels ?? []).filter((panel) => panel.type !== 'row');
    assert.equal(panels.length, specified.length);
    for (const panel of panels) {
      assert.ok('fieldConfig' in panel && panel.fieldConfig?.defaults.unit, `${board.uid}: unit`);
      assert.equal('datasource' in panel && panel.datasource?.uid, '${datasource}');
    }
    const variables = new Set(json.templating?.list?.map(({ name }) => name));
    for (const [, name] of JSON.stringify(panels).matchAll(/\$\{?(\w+)/g))
      assert.ok(variables.has(name!) || name!.startsWith('__'), `${board.uid}: no variable ${name}`);
  }
  assert.equal(new Set(BOARDS.map(({ uid }) => uid)).size, BOARDS.length);
});

test('every alert has a summary, what to do, a panel that exists, a runbook, and metrics that exist', () => {
  for (const alert of ALERTS) {
    check(alert.expr, alert.name);
    assert.match(alert.summary, /\S/);
    assert.ok(alert.todo.length > 30, alert.name);
    const board = BOARDS.find(({ uid }) => uid === alert.panel.board);
    assert.ok(
      board && panelsOf(board).some(({ id }) => id === alert.panel.id),
      `${alert.name}: no such panel`,
    );
    const runbook = join(ROOT, runbookOf(alert));
    assert.ok(existsSync(runbook), `${alert.name}: ${runbookOf(alert)} is missing`);
    assert.ok(readFileSync(runbook, 'utf8').startsWith(`# ${alert.name}\n`), alert.name);
    const proofs = [alert.proof, ...(alert.proofs ?? [])];
    for (const { quiet, fires, clears } of proofs)
      assert.ok(quiet < fires && fires < clears, `${alert.name}: quiet, then firing, then quiet`);
    const sides = alert.expr.split(/\nor(?: on \(\))?\n/).length;
    assert.ok(proofs.length >= sides, `${alert.name}: a proof for each side of its or`);
  }
  assert.equal(new Set(ALERTS.map(({ name }) => name)).size, ALERTS.length);
  const pages = readdirSync(join(ROOT, 'docs', 'runbooks')).map((name) => name.replace(/\.md$/, ''));
  assert.deepEqual(pages.sort(), ALERTS.map(({ name }) => name).sort(), 'a runbook without its alert');
});
