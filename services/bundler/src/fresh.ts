/** The bundle of a service as its sources are now. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleFile, ROOT } from './place.ts';
import { replace } from './replace.ts';

/** How a bundle is made. */
const MAKER = join(import.meta.dirname, 'bundle.ts');

interface Made {
  /** Sources that it was made from, relative to the repository. */
  readonly inputs: readonly string[];
  readonly stamp: string;
}

/** @throws Error when one of them is no longer there. */
function stampOf(root: string, inputs: readonly string[]): string {
  const hash = createHash('sha256');
  // Besides its sources: how it is made, and the versions of the packages.
  const files = [MAKER, join(root, 'pnpm-lock.yaml'), ...inputs.map((path) => join(root, path))];
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function isFresh(root: string, file: string, note: string): boolean {
  try {
    const { inputs, stamp } = JSON.parse(readFileSync(note, 'utf8')) as Made;
    // A new source comes in by an import of one that was there, which has another content then.
    return existsSync(file) && stampOf(root, inputs) === stamp;
  } catch {
    return false;
  }
}

/**
 * Makes the bundle of a service anew when what it is made from has changed.
 *
 * @returns its file, to be run by Node 24.
 * @throws Error when it can't be made or written.
 */
export async function freshBundle(service: string, root: string = ROOT): Promise<string> {
  const file = bundleFile(service, root);
  const note = join(dirname(file), 'made-from.json');
  if (isFresh(root, file, note)) return file;
  const { bundle } = await import('./bundle.ts');
  const inputs = await bundle(service, root);
  replace(note, JSON.stringify({ inputs, stamp: stampOf(root, inputs) } satisfies Made));
  return file;
}
