/**
 * Watches the configuration file and the secret files it names. The kernel's notice only shortens the wait: looking
 * again every few seconds finds what it misses (network drives, Kubernetes' swap of a symlink two folders up).
 */
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

export interface WatchTimes {
  /** Longest time until a change is seen that the kernel does not tell of, ms. */
  readonly pollMs: number;
  /** The content must be the same for so long, ms: a file that is written in two halves is read once. */
  readonly settleMs: number;
  /** For so long where it looks cut: shorter than what is in force, without its last line end, empty or away. */
  readonly cutSettleMs: number;
  /** A file that never rests is read after so long all the same, ms. */
  readonly latestMs: number;
}

export const WATCH_TIMES: WatchTimes = {
  pollMs: 5_000,
  settleMs: 1_000,
  cutSettleMs: 3_000,
  latestMs: 30_000,
};

export interface WatchOptions extends Partial<WatchTimes> {
  readonly path: string;
  /** Files that count as part of it: those that `file:PATH` names. */
  readonly also: () => readonly string[];
  /**
   * Called when the content differs from what is in force, and has stopped changing. Calls never overlap.
   *
   * @param rests to be asked once it has been read: whether it is still what was found to be at rest.
   * @returns true: it is in force now; false: it was refused, and is not asked for again until it changes.
   */
  readonly onChange: (rests: () => Promise<boolean>) => Promise<boolean>;
  /** Told when the files begin to differ from what is in force (Unix time, seconds), and, with null, when they no longer do. */
  readonly onDiffers?: (since: number | null) => void;
}

interface Content {
  /** Of all files together. */
  readonly hash: string;
  /** Bytes of each; null: it can't be read. */
  readonly sizes: readonly (number | null)[];
  /** The first file ends with the end of a line. */
  readonly endsLine: boolean;
}

const LF = 10;

/** Content of all files as one value; a file that is away counts as such. */
async function contentOf(paths: readonly string[]): Promise<Content> {
  const hash = createHash('sha256');
  const sizes: (number | null)[] = [];
  let endsLine = false;
  for (const [index, path] of paths.entries()) {
    const content = await readFile(path).catch((error: NodeJS.ErrnoException) => `unreadable: ${error.code}`);
    hash.update(path).update('\0').update(String(content.length)).update('\0').update(content);
    sizes.push(typeof content === 'string' ? null : content.length);
    if (index === 0 && typeof content !== 'string') endsLine = content.at(-1) === LF;
  }
  return { hash: hash.digest('hex'), sizes, endsLine };
}

/** A file's time of change may lag behind the clock by so much, ms. */
const CLOCK_LAG_MS = 20;

/** Whether one of the files has changed since then (Unix time, ms), by its content or its place. */
async function changedSince(paths: readonly string[], then: number): Promise<boolean> {
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ ctimeMs }) => ctimeMs,
        () => Number.NEGATIVE_INFINITY,
      ),
    ),
  );
  return times.some((time) => time >= then - CLOCK_LAG_MS);
}

/** Signs of a file that is still being written: what is cut off would be a key, a limit, or all of them. */
function looksCut(now: Content, inForce: Content): boolean {
  if (inForce.endsLine && !now.endsLine) return true;
  return now.sizes.some((size, index) => {
    const before = inForce.sizes[index];
    return size === null || size === 0 || (typeof before === 'number' && size < before);
  });
}

/** Kubernetes' volumes change by a symlink of this name beside the files. */
const KUBERNETES = '..data';

/** Calls `noticed` for changes of these files, and of nothing else in their folders. */
function watchFolders(files: readonly string[], noticed: () => void): FSWatcher[] {
  const byFolder = Map.groupBy(files, (file) => dirname(file));
  // The folder, not the file: editors and Kubernetes put a new file in its place.
  return [...byFolder].flatMap(([folder, inIt]): FSWatcher[] => {
    const names = new Set([...inIt.map((file) => basename(file)), KUBERNETES]);
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || names.has(name)) noticed();
      });
      watcher.on('error', () => watcher.close());
      return [watcher];
    } catch {
      // No watches left, or a file system without them: looking every few seconds has to do.
      return [];
    }
  });
}

/** @returns stop. */
export async function watchFiles(options: WatchOptions): Promise<() => void> {
  const { path, also, onChange, onDiffers = () => {} } = options;
  const { pollMs, settleMs, cutSettleMs, latestMs } = { ...WATCH_TIMES, ...options };
  const files = () => [path, ...also()];
  let watched = files();
  let inForce = await contentOf(watched);
  let refused: string | null = null;
  /** What stands there and differs: since when it does, and since when it has been the same. */
  let differs: { hash: string; since: number; restsSince: number } | null = null;
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;
  let due = Number.POSITIVE_INFINITY;
  let looking = false;
  let again = false;

  /** Never later than a look that is due already: notices that go on and on must not put it off. */
  const lookIn = (ms: number) => {
    const at = performance.now() + ms;
    if (stopped || at >= due) return;
    if (timer) clearTimeout(timer);
    due = at;
    timer = setTimeout(() => void look(), ms);
    timer.unref();
  };

  async function look(): Promise<void> {
    due = Number.POSITIVE_INFINITY;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    again = false;
    try {
      await lookOnce();
    } finally {
      looking = false;
    }
    if (again) lookIn(settleMs);
  }

  async function lookOnce(): Promise<void> {
    const now = await contentOf(watched);
    const time = performance.now();
    if (now.hash === inForce.hash) {
      if (differs) onDiffers(null);
      differs = null;
      refused = null;
      return;
    }
    if (!differs) onDiffers(Date.now() / 1000);
    if (differs?.hash !== now.hash)
      differs = { hash: now.hash, since: differs?.since ?? time, restsSince: time };
    if (now.hash === refused) return;
    const settle = looksCut(now, inForce) ? cutSettleMs : settleMs;
    const restsIn = differs.restsSince + settle - time;
    const latestIn = differs.since + latestMs - time;
    if (restsIn > 0 && latestIn > 0) {
      lookIn(Math.min(restsIn, latestIn));
      return;
    }
    if (stopped) return;
    let rested = true;
    const readFrom = Date.now();
    const applied = await onChange(async () => {
      rested = (await contentOf(watched)).hash === now.hash;
      return rested;
    });
    if (applied) {
      // What stood there when it was found to be at rest; a change made meanwhile is one for the next look.
      inForce = now;
      differs = null;
      refused = null;
      onDiffers(null);
      if (files().join('\0') !== watched.join('\0')) {
        const added = files().filter((file) => !watched.includes(file));
        watched = files();
        rewatch();
        inForce = await contentOf(watched);
        if (await changedSince(added, readFrom)) {
          // Nobody looked at it before it was read, so what was read of it may be older than what stands there.
          inForce = { ...inForce, hash: '' };
          lookIn(settleMs);
        }
      }
    } else if (rested) {
      refused = now.hash;
      differs = { ...differs, since: time };
    } else {
      // Nothing is said against what stood there: should it come to rest again, it is read again.
      differs = { hash: now.hash, since: time, restsSince: performance.now() };
      lookIn(settle);
    }
  }

  // A notice is answered soon, and the look then waits for the file to rest.
  const noticed = () => lookIn(Math.min(50, settleMs));
  let watchers = watchFolders(watched, noticed);
  const rewatch = () => {
    for (const watcher of watchers) watcher.close();
    watchers = stopped ? [] : watchFolders(watched, noticed);
  };
  const poll = setInterval(() => void look(), pollMs);
  poll.unref();
  return () => {
    stopped = true;
    clearInterval(poll);
    if (timer) clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
