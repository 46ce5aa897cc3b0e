/** Which suites run beside others, which alone, and in what order. */
import type { Suite } from './suites.ts';

/** What only one suite at a time may use, and who uses it: first letters of suites' names. */
export const OWNED: Readonly<Record<string, readonly string[]>> = {
  // Containers and clusters of their own; each also looks that the machine is as it was before.
  engine: ['scripts/test/box', 'scripts/test/cluster-live', 'scripts/test/compose-live'],
  // One writes folders into it as its readers do (my-bank, my-notebook), the other looks that nothing in it has changed.
  checkout: ['scripts/test/tutorial', 'scripts/test/release'],
};

/** Suites that nothing may run beside, by the first letters of their names, and why. */
export const ALONE: Readonly<Record<string, string>> = {
  'scripts/test/cluster-live':
    'a release rolls under load and no request may be lost, cut or fall back: a busy machine would look like a bad release',
  'scripts/test/compose-live':
    'it publishes the ports that users know (8084 and the like), and asks whether others are open on this machine',
  'scripts/test/tutorial':
    'the first minute shows where requests went, and beside much other work some are decided without the classifier',
  'services/router-controller/test/attacks':
    'no request of another tenant may fail while a router is under attack: one core is the router’s, one the attackers’',
  'services/router-controller/test/limits-proof':
    '64 clients must ask for more than their limit all the time; on a busy machine half of it was not used up',
};

/** Seconds of the longest suites where they have the machine: they begin first. All others count as 5. */
export const LONG: Readonly<Record<string, number>> = {
  'scripts/test/cluster-live': 158,
  'services/router-controller/test/soak': 75,
  'scripts/test/tutorial': 75,
  'services/router-controller/test/limits-proof': 70,
  'services/router-controller/test/attacks': 59,
  'scripts/test/compose-live': 58,
  'services/trainer (pytest)': 58,
  'scripts/test/stack': 55,
  'scripts/test/evaluate': 49,
  'scripts/test/images': 41,
  'services/router-controller/test/redis-failover': 40,
  'scripts/test/check-dashboards': 35,
  'scripts/test/phones-home': 35,
  'services/playground/test/tabs': 30,
  'services/router-controller/test/conformance': 30,
  'docs/test/site': 25,
  'services/router-controller/test/lifecycle': 25,
  'services/playground/test/playground': 25,
  'scripts/test/start': 25,
};
const SHORT = 5;

const ofName = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.entries(table).find(([start]) => name.startsWith(start))?.[1];

/** Why it runs alone; undefined: it need not. */
export const aloneBecause = ({ name }: Suite): string | undefined => ofName(ALONE, name);

/** What it owns while it runs. */
export const ownedBy = ({ name }: Suite): string[] =>
  Object.entries(OWNED)
    .filter(([, starts]) => starts.some((start) => name.startsWith(start)))
    .map(([what]) => what);

/** The longest first; else in their own order. */
const longestFirst = (suites: readonly Suite[]): Suite[] =>
  suites.toSorted((a, b) => (ofName(LONG, b.name) ?? SHORT) - (ofName(LONG, a.name) ?? SHORT));

/**
 * Runs each suite once: first those that others may run beside, so many at a time, longest first, never two that own the same;
 * then, one by one, those that run alone.
 *
 * @param run never rejects.
 */
export async function runLanes(
  suites: readonly Suite[],
  atOnce: number,
  run: (suite: Suite) => Promise<void>,
): Promise<void> {
  const waiting = longestFirst(suites.filter((suite) => !aloneBecause(suite)));
  const running = new Map<Suite, Promise<void>>();
  const isFree = (suite: Suite) => {
    const taken = [...running.keys()].flatMap(ownedBy);
    return !ownedBy(suite).some((what) => taken.includes(what));
  };
  while (waiting.length + running.size > 0) {
    while (running.size < atOnce) {
      const at = waiting.findIndex(isFree);
      if (at < 0) break;
      const [next] = waiting.splice(at, 1);
      running.set(
        next!,
        run(next!).then(() => void running.delete(next!)),
      );
    }
    await Promise.race(running.values());
  }
  for (const suite of longestFirst(suites.filter(aloneBecause))) await run(suite);
}
