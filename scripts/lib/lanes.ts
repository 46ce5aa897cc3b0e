/** Which suites run beside which, and in what order. */
import type { Suite } from './suites.ts';

/** What only one suite at a time may use, and who uses it: first letters of suites' names. */
export const OWNED: Readonly<Record<string, readonly string[]>> = {
  // Containers and clusters of their own; each also looks that the machine is as it was before.
  engine: ['scripts/test/box', 'scripts/test/cluster-live', 'scripts/test/compose-live'],
  // One writes folders into it as its readers do (my-bank, my-notebook), the other looks that nothing in it has changed.
  checkout: ['scripts/test/tutorial', 'scripts/test/release'],
};

/**
 * Suites that get the processor when they want it, and why: whatever runs beside them has a lower priority, and no two of them run at
 * once.
 */
export const FIRST: Readonly<Record<string, string>> = {
  'scripts/test/cluster-live': 'a release rolls under load and no request may be lost, cut or fall back',
  'scripts/test/compose-live':
    'no request may fail while a classifier is lost and another configuration is taken',
  'scripts/test/tutorial':
    'the pages show where requests went, and beside much other work some are decided without the classifier',
  'services/router-controller/test/attacks':
    'no request of another tenant may fail while a router is under attack',
  'services/router-controller/test/limits-proof':
    '64 clients must ask for more than their limit all the time, or a part of it is not used up',
  'services/router-controller/test/redis-failover':
    '64 clients must ask for more than their limit all the time, or a part of it is not used up',
};

/** A suite where it has two cores to itself: how long it runs, and how many of them it keeps busy. */
export interface Cost {
  readonly seconds: number;
  readonly cores: number;
}
const cost = (seconds: number, cores: number): Cost => ({ seconds, cores });

/**
 * The longest suites, which begin first, and those that wait for most of their time, beside which others have room: for a checkout that has
 * not run them yet (`costs`).
 */
export const COSTS: Readonly<Record<string, Cost>> = {
  'scripts/test/check-dashboards': cost(26, 1),
  'scripts/test/cluster-live': cost(158, 0.6),
  'scripts/test/compose-live': cost(58, 0.5),
  'scripts/test/evaluate': cost(30, 1),
  'scripts/test/examples': cost(25, 1.5),
  'scripts/test/images': cost(40, 0.75),
  'scripts/test/phones-home': cost(35, 0.25),
  'scripts/test/stack': cost(45, 0.5),
  'scripts/test/start': cost(30, 0.25),
  'scripts/test/tutorial': cost(75, 0.75),
  'docs/test/site': cost(40, 0.75),
  'services/cli/test/terminal': cost(22, 0.1),
  'services/cli/test/wrong-address': cost(12, 0.75),
  'services/playground/test/playground': cost(23, 0.75),
  'services/playground/test/tabs': cost(40, 0.75),
  'services/router-controller/test/attacks': cost(45, 0.5),
  'services/router-controller/test/classifier-tls': cost(20, 0.5),
  'services/router-controller/test/classifier-trouble': cost(18, 0.75),
  'services/router-controller/test/conformance': cost(45, 1),
  'services/router-controller/test/details-model': cost(10, 0.5),
  'services/router-controller/test/lifecycle': cost(23, 1),
  'services/router-controller/test/limits-proof': cost(58, 0.5),
  'services/router-controller/test/notify': cost(11, 0.25),
  'services/router-controller/test/redis-failover': cost(37, 0.75),
  'services/router-controller/test/redis-modes': cost(16, 0.25),
  'services/router-controller/test/redis-tls': cost(16, 0.25),
  'services/router-controller/test/redis-trouble': cost(13, 0.25),
  'services/router-controller/test/soak': cost(68, 0.4),
  'services/trainer (pytest)': cost(46, 1),
  'services/triton/test/triton': cost(31, 0.5),
};
const SHORT = cost(5, 0.9);

const ofName = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.entries(table).find(([start]) => name.startsWith(start))?.[1];

/** Why it goes before others; undefined: it need not. */
export const firstBecause = ({ name }: Suite): string | undefined => ofName(FIRST, name);

/** What it owns while it runs. */
export const ownedBy = (suite: Suite): string[] => [
  ...Object.entries(OWNED)
    .filter(([, starts]) => starts.some((start) => suite.name.startsWith(start)))
    .map(([what]) => what),
  ...(firstBecause(suite) ? ['first'] : []),
];

export const tableCost = ({ name }: Suite): Cost => ofName(COSTS, name) ?? SHORT;

/** How many run at most for each core: of those that wait there may be many. */
const EACH_CORE = 2;
/**
 * Cores that suites may ask for beyond those that are there: none keeps as many busy as it does on the average all the time, and one that would
 * need a little more than is left is better begun than a core left idle. Beside those of FIRST there are none: with five suites at once on two slow
 * cores the proof of the limits did not ask for as much as its limit.
 */
const SPARE = 0.5;

/** Cores that suites which run together may ask for. */
export const coresFor = (together: readonly Suite[], cores: number): number =>
  together.some(firstBecause) ? cores : cores + SPARE;

/**
 * Runs each suite once, never two at once that own the same: those of FIRST, which can't run beside each other, begin at once; then come the
 * short ones, so that what is plainly wrong is told early; then the longest.
 *
 * @param cores how many the suites that run together may keep busy; with one they run one by one.
 * @param run never rejects.
 * @param short begun in their own order.
 */
export async function runLanes(
  suites: readonly Suite[],
  cores: number,
  run: (suite: Suite) => Promise<void>,
  costOf: (suite: Suite) => Cost = tableCost,
  short: readonly Suite[] = [],
): Promise<void> {
  const longest = suites.toSorted((a, b) => costOf(b).seconds - costOf(a).seconds);
  const waiting = [
    ...longest.filter(firstBecause),
    ...short,
    ...longest.filter((suite) => !firstBecause(suite)),
  ];
  const running = new Map<Suite, Promise<void>>();
  const hasRoom = (suite: Suite) => {
    if (running.size === 0) return true;
    if (cores === 1 || running.size >= EACH_CORE * cores) return false;
    const together = [...running.keys(), suite];
    const busy = together.reduce((sum, each) => sum + costOf(each).cores, 0);
    const taken = [...running.keys()].flatMap(ownedBy);
    return busy <= coresFor(together, cores) && !ownedBy(suite).some((what) => taken.includes(what));
  };
  while (waiting.length + running.size > 0) {
    for (;;) {
      const at = waiting.findIndex(hasRoom);
      if (at < 0) break;
      const [next] = waiting.splice(at, 1);
      running.set(
        next!,
        run(next!).then(() => void running.delete(next!)),
      );
    }
    await Promise.race(running.values());
  }
}
