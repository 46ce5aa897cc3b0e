/**
 * Watches the configuration file and the secret files it names. The kernel's notice only shortens the wait: looking
 * again every few seconds finds what it misses (network drives, Kubernetes' swap of a symlink two folders up).
 */
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface WatchOptions {
  readonly path: string;
  /** Files that count as part of it: those that `file:PATH` names. */
  readonly also: () => readonly string[];
  /** Called when the content differs from the one before, and has stopped changing. Calls never overlap. */
  readonly onChange: () => Promise<void>;
  /** Longest time until a change is seen that the kernel does not tell of, ms. */
  readonly pollMs?: number;
  /** The content must be the same for so long, ms: an editor that writes twice is read once. */
  readonly settleMs?: number;
}

const POLL_MS = 5_000;
const SETTLE_MS = 100;

/** Content of all files as one value; a file that is away counts as such. */
async function fingerprint(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = await readFile(path).catch((error: NodeJS.ErrnoException) => `unreadable: ${error.code}`);
    hash.update(path).update('\0').update(content).update('\0');
  }
  return hash.digest('hex');
}

/** @returns stop. */
export async function watchFiles(options: WatchOptions): Promise<() => void> {
  const { path, also, onChange, pollMs = POLL_MS, settleMs = SETTLE_MS } = options;
  const files = () => [path, ...also()];
  let known = await fingerprint(files());
  let candidate = known;
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;
  let looking = false;
  let again = false;

  const lookIn = (ms: number) => {
    if (stopped) return;
    if (timer) clearTimeout(timer);
    timer = setTimeout(() => void look(), ms);
    timer.unref();
  };

  async function look(): Promise<void> {
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    again = false;
    const now = await fingerprint(files());
    let next = pollMs;
    if (now !== candidate) {
      candidate = now;
      next = settleMs;
    } else if (now !== known && !stopped) {
      // Not what stands there afterwards: a change made meanwhile is one for the next look.
      known = now;
      await onChange();
    }
    looking = false;
    lookIn(again ? settleMs : next);
  }

  // The folder, not the file: editors and Kubernetes put a new file in its place.
  const watchers = [...new Set(files().map((file) => dirname(file)))].flatMap((folder): FSWatcher[] => {
    try {
      const watcher = watch(folder, { persistent: false }, () => lookIn(settleMs));
      watcher.on('error', () => watcher.close());
      return [watcher];
    } catch {
      // No watches left, or a file system without them: looking every few seconds has to do.
      return [];
    }
  });
  lookIn(pollMs);
  return () => {
    stopped = true;
    if (timer) clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
