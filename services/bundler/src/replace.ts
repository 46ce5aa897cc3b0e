import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file beside and moves it into its place: who reads meanwhile finds the old one or the new one, never half of one. */
export function replace(path: string, content: string | Uint8Array): void {
  const half = `${path}.${process.pid}`;
  writeFileSync(half, content);
  renameSync(half, path);
}
