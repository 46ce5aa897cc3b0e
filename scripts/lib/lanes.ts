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
  'docs/test/site': cost(38, 0.75),
  'scripts/test/box': cost(11, 0.25),
  'scripts/test/check-dashboards': cost(27, 0.6),
  'scripts/test/cluster-live': cost(158, 0.45),
  'scripts/test/compose-live': cost(58, 0.3),
  'scripts/test/endings': cost(11, 1),
  'scripts/test/evaluate': cost(40, 0.6),
  'scripts/test/examples': cost(16, 1.5),
  'scripts/test/helm-live': cost(14, 0.6),
  'scripts/test/helm-scale-out': cost(18, 0.6),
  'scripts/test/helm-values': cost(12, 0.75),
  'scripts/test/images': cost(50, 0.6),
  'scripts/test/phones-home': cost(36, 0.25),
  'scripts/test/stack': cost(45, 0.3),
  'scripts/test/start': cost(30, 0.25),
  'scripts/test/tutorial': cost(75, 0.6),
  'scripts/test/value-log': cost(24, 0.7),
  'services/cli/test/terminal': cost(23, 0.1),
  'services/cli/test/wrong-address': cost(11, 0.5),
  'services/load-generator/test/barred': cost(12, 0.1),
  'services/load-generator/test/load': cost(19, 0.5),
  'services/playground/test/playground': cost(16, 0.75),
  'services/playground/test/tabs': cost(32, 0.75),
  'services/router-controller/test/admin-page': cost(13, 0.5),
  'services/router-controller/test/attacks': cost(45, 0.5),
  'services/router-controller/test/classifier-tls': cost(20, 0.3),
  'services/router-controller/test/classifier-trouble': cost(19, 0.4),
  'services/router-controller/test/conformance': cost(45, 0.75),
  'services/router-controller/test/details-model': cost(12, 0.3),
  'services/router-controller/test/key-administration': cost(16, 0.5),
  'services/router-controller/test/keys': cost(15, 0.3),
  'services/router-controller/test/lifecycle': cost(18, 0.75),
  'services/router-controller/test/limits-proof': cost(57, 0.6),
  'services/router-controller/test/notify': cost(11, 0.1),
  'services/router-controller/test/redis-failover': cost(37, 0.75),
  'services/router-controller/test/redis-modes': cost(16, 0.1),
  'services/router-controller/test/redis-tls': cost(16, 0.1),
  'services/router-controller/test/redis-trouble': cost(13, 0.1),
  'services/router-controller/test/soak': cost(69, 0.3),
  'services/router-controller/test/traces': cost(10, 0.2),
  'services/router-controller/test/whole-way': cost(17, 0.5),
  'services/trainer (pytest)': cost(50, 1),
  'services/triton/test/kserve': cost(13, 0.3),
  'services/triton/test/own-layers': cost(40, 0.75),
  'services/triton/test/parity': cost(19, 0.75),
  'services/triton/test/triton': cost(36, 0.2),
};
const SHORT = cost(3, 0.6);

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
