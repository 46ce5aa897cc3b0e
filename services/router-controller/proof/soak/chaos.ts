/** What goes wrong around the controller, at random, and how long it takes to be right again. */
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Classifier } from './classifier.ts';
import type { Tally } from './clients.ts';

export interface Chaos {
  /** Milliseconds from the end of each trouble of the classifier to the first decision by label. */
  readonly recoveriesMs: number[];
  readonly swaps: { good: number; bad: number };
  /** Ends after the trouble that is under way. */
  readonly stop: () => Promise<void>;
}

export interface ChaosOptions {
  readonly classifier: Classifier;
  readonly tally: Tally;
  readonly configFile: string;
  /** A right configuration; each version differs. */
  readonly config: (version: number) => string;
  /** Longest wait for a decision by label before it counts as not recovered. */
  readonly patienceMs: number;
}

const BAD_CONFIG = ['policies: [', 'polices: []\n', 'policies: []\n'];

export function startChaos({ classifier, tally, configFile, config, patienceMs }: ChaosOptions): Chaos {
  const recoveriesMs: number[] = [];
  const swaps = { good: 0, bad: 0 };
  const ending = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: ending.signal }).catch(() => {});

  async function recovered(): Promise<void> {
    let since = performance.now();
    while (tally.classifiedAt < since && performance.now() < since + patienceMs) {
      await sleep(5);
      if (classifier.alive()) continue;
      // As a supervisor would.
      await classifier.restart();
      since = performance.now();
    }
    recoveriesMs.push(performance.now() - since);
  }

  async function trouble(): Promise<void> {
    for (let turn = 0; !ending.signal.aborted; turn++) {
      await pause(3_000 + Math.random() * 5_000);
      if (ending.signal.aborted) return;
      if (turn % 2 === 0) {
        await classifier.pause();
        await sleep(500 + Math.random() * 1_500);
        classifier.resume();
      } else {
        await classifier.kill();
        await sleep(500 + Math.random() * 1_500);
        await classifier.restart();
      }
      await recovered();
    }
  }

  async function swap(): Promise<void> {
    for (let turn = 1; !ending.signal.aborted; turn++) {
      await pause(1_000 + Math.random() * 4_000);
      const bad = turn % 3 === 0;
      writeFileSync(`${configFile}.new`, bad ? BAD_CONFIG[turn % BAD_CONFIG.length]! : config(turn));
      renameSync(`${configFile}.new`, configFile);
      swaps[bad ? 'bad' : 'good']++;
    }
  }

  const running = Promise.all([trouble(), swap()]);
  return {
    recoveriesMs,
    swaps,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}
