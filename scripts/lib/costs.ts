/** What each suite took when this checkout last ran it, so that the next run places them by it and not by a table that has aged. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replace } from '../../services/bundler/src/replace.ts';
import { ROOT } from '../parts/lib.ts';
import { type Cost, tableCost } from './lanes.ts';
import type { Result, Suite } from './suites.ts';

const FILE = join(ROOT, 'node_modules', '.cache', 'suite-costs.json');

type Costs = Readonly<Record<string, Cost>>;

function read(file: string): Costs {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Costs;
  } catch {
    // None yet, or half of one.
    return {};
  }
}

/** @returns what a suite took the last time; what the table says of one that has not run here. */
export function costs(file: string = FILE): (suite: Suite) => Cost {
  const known = read(file);
  return (suite) => known[suite.name] ?? tableCost(suite);
}

/** Keeps what those took that passed: one that failed may have ended early, or hung. */
export function keepCosts(results: readonly Result[], file: string = FILE): void {
  const took = results
    .filter(({ failed, cpu, seconds }) => failed === 0 && cpu !== null && seconds > 0)
    .map(({ name, seconds, cpu }) => [name, { seconds, cores: Math.round((100 * cpu!) / seconds) / 100 }]);
  mkdirSync(dirname(file), { recursive: true });
  replace(file, JSON.stringify({ ...read(file), ...Object.fromEntries(took) }));
}
