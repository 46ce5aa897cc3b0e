/**
 * Tells of changed files below folders. Each folder is watched by itself: Node's own recursive watch follows a file's inode on Linux,
 * so that what an editor or git has once put in a file's place is never heard of again.
 */
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/**
 * @param passes whether a folder of that path is looked into
 * @param onChange is told a file's path, or that of one which is gone
 * @returns ends it
 */
export function watchFolders(
  roots: readonly string[],
  passes: (folder: string) => boolean,
  onChange: (path: string) => void,
): () => void {
  const watchers = new Map<string, FSWatcher>();

  /** @param isNew what is in it already has come with it, and is told. */
  const add = (folder: string, isNew: boolean): void => {
    if (watchers.has(folder) || !passes(folder)) return;
    const watcher = watch(folder, (_event, name) => {
      if (name === null) return;
      const path = join(folder, name);
      if (!isFolder(path)) return onChange(path);
      try {
        add(path, true);
      } catch (error) {
        // It was gone again at once.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    });
    // The folder is gone.
    watcher.on('error', () => {
      watcher.close();
      watchers.delete(folder);
    });
    watchers.set(folder, watcher);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) add(path, isNew);
      else if (isNew) onChange(path);
    }
  };

  for (const root of roots) add(root, false);
  return () => {
    for (const watcher of watchers.values()) watcher.close();
  };
}
