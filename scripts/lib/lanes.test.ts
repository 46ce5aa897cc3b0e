import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { COSTS, coresFor, FIRST, firstBecause, OWNED, ownedBy, runLanes, tableCost } from './lanes.ts';
import { wholeSuites } from './suite-table.ts';
import type { Suite } from './suites.ts';
import { suite } from './testing.ts';

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

test('each name of the tables is that of a suite, and each that goes first has a reason', () => {
  const names = wholeSuites().map(({ name }) => name);
  for (const start of [
    ...[FIRST, COSTS].flatMap((table) => Object.keys(table)),
    ...Object.values(OWNED).flat(),
  ])
    assert.ok(
      names.some((name) => name.startsWith(start)),
      `no suite is called ${start}…`,
    );
  for (const [start, reason] of Object.entries(FIRST)) assert.match(reason, /\w+ \w+ \w+/, start);
});

test('what needs the engine owns it: two at once would see each other’s containers', () => {
  for (const each of wholeSuites())
    if (each.needs.includes('engine')) assert.ok(ownedBy(each).includes('engine'), each.name);
});

for (const cores of [1, 2, 3])
  test(`every suite runs once on ${cores} cores, which those at once keep busy and no more`, async () => {
    const suites = wholeSuites();
    const seen = await beginnings(suites, cores);
    assert.deepEqual(seen.map(([name]) => name).sort(), suites.map(({ name }) => name).sort());
    for (const names of seen) {
      const together = names.map(suite);
      const [, ...beside] = names;
      const busy = together.reduce((sum, each) => sum + tableCost(each).cores, 0);
      // Not below what adding up in another order leaves.
      const room = coresFor(together, cores) + 1e-9;
      assert.ok(beside.length === 0 || busy <= room, `${busy} cores: ${names}`);
      assert.ok(together.filter(firstBecause).length <= 1, names.join());
      const owned = together.flatMap(ownedBy);
      assert.equal(new Set(owned).size, owned.length, names.join());
    }
    const most = Math.max(...seen.map((names) => names.length));
    // Those that wait leave room for more suites than cores.
    assert.ok(cores === 1 ? most === 1 : most > cores && most <= 2 * cores, `${most} at once`);
  });

test('a suite whose place is taken lets shorter ones go first, and comes when it is free', async () => {
  const [long, short] = OWNED.engine!.map(suite) as [Suite, Suite];
  const seen = await beginnings([short, suite('other'), long], 2);
  assert.equal(seen.length, 3);
  for (const [name, ...beside] of seen)
    if (name !== 'other') assert.ok(!beside.some((other) => other !== 'other'));
});
