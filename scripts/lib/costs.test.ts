import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { costs, keepCosts } from './costs.ts';
import { COSTS, runLanes } from './lanes.ts';
import type { Result, Suite } from './suites.ts';
import { suite } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-costs-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const result = (name: string, seconds: number, cpu: number | null, failed = 0): Result => ({
  name,
  passed: 1,
  failed,
  skipped: 0,
  seconds,
  cpu,
  output: '',
});
const [inTable, inTableToo] = Object.keys(COSTS) as [string, string];

test('what a suite took the last time goes before the table; what failed is not kept, and what others took stays', () => {
  const file = join(folder, 'kept.json');
  assert.deepEqual(costs(file)(suite(inTable)), COSTS[inTable]);
  keepCosts([result(inTable, 200, 50), result('other', 4, 2)], file);
  keepCosts([result('other', 8, 2), result(inTableToo, 1, 1, 1), result('killed', 9, null)], file);
  assert.deepEqual(costs(file)(suite(inTable)), { seconds: 200, cores: 0.25 });
  assert.deepEqual(costs(file)(suite('other')), { seconds: 8, cores: 0.25 });
  assert.deepEqual(costs(file)(suite(inTableToo)), COSTS[inTableToo]);
  assert.deepEqual(costs(file)(suite('killed')), costs(join(folder, 'none.json'))(suite('killed')));
});

test('a file that is no JSON counts as none', () => {
  const file = join(folder, 'torn.json');
  writeFileSync(file, '{"a": ');
  assert.deepEqual(costs(file)(suite(inTable)), COSTS[inTable]);
});

test('suites begin in the order of what they took', async () => {
  const file = join(folder, 'order.json');
  keepCosts([result('short', 1, 1), result('long', 30, 30), result('middle', 10, 10)], file);
  const begun: string[] = [];
  const run = async ({ name }: Suite) => void begun.push(name);
  await runLanes(['short', 'middle', 'long'].map(suite), 1, run, costs(file));
  assert.deepEqual(begun, ['long', 'middle', 'short']);
});
