import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ALONE, aloneBecause, LONG, OWNED, ownedBy, runLanes } from './lanes.ts';
import { wholeSuites } from './suite-table.ts';
import type { Suite } from './suites.ts';

const suite = (name: string): Suite => ({
  name,
  command: 'true',
  args: [],
  needs: [],
  minutes: 1,
  read: 'exit',
});

/** Runs them, each for some turns. @returns what ran when each began, itself first. */
async function beginnings(suites: readonly Suite[], atOnce: number): Promise<string[][]> {
  const running = new Set<string>();
  const seen: string[][] = [];
  await runLanes(suites, atOnce, async ({ name }) => {
    seen.push([name, ...running]);
    running.add(name);
    for (let n = 0; n < 3 + (name.length % 5); n++) await turn();
    running.delete(name);
  });
  return seen;
}

test('each name of the tables is that of a suite, and each suite alone has a reason', () => {
  const names = wholeSuites().map(({ name }) => name);
  for (const start of [...Object.keys(ALONE), ...Object.keys(LONG), ...Object.values(OWNED).flat()])
    assert.ok(
      names.some((name) => name.startsWith(start)),
      `no suite is called ${start}…`,
    );
  for (const [start, reason] of Object.entries(ALONE)) assert.match(reason, /\w+ \w+ \w+/, start);
});

test('what needs the engine owns it: two at once would see each other’s containers', () => {
  for (const each of wholeSuites())
    if (each.needs.includes('engine')) assert.ok(ownedBy(each).includes('engine'), each.name);
});

test('every suite runs once; those that run alone have nobody beside them, before or after', async () => {
  const suites = wholeSuites();
  const seen = await beginnings(suites, 3);
  assert.deepEqual(seen.map(([name]) => name).sort(), suites.map(({ name }) => name).sort());
  for (const [name, ...beside] of seen) {
    assert.ok(beside.length < 3, `${name} beside ${beside.join(' and ')}`);
    if (aloneBecause(suite(name!))) assert.deepEqual(beside, [], name);
    for (const other of beside) {
      assert.equal(aloneBecause(suite(other)), undefined, `${name} beside ${other}`);
      const both = ownedBy(suite(name!)).filter((what) => ownedBy(suite(other)).includes(what));
      assert.deepEqual(both, [], `${name} beside ${other}`);
    }
  }
  assert.ok(
    seen.some((all) => all.length === 3),
    'never three at once',
  );
});

test('a suite whose place is taken lets shorter ones go first, and comes when it is free', async () => {
  const [long, short] = OWNED.engine!.map(suite) as [Suite, Suite];
  const seen = await beginnings([short, suite('other'), long], 2);
  assert.equal(seen.length, 3);
  for (const [name, ...beside] of seen)
    if (name !== 'other') assert.ok(!beside.some((other) => other !== 'other'));
});
