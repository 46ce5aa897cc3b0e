/** The model repository on disk: which models are there, whether they changed, their label files. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { whyUnread } from '../../process/src/unread.ts';
import type { ModelConfig } from './model-config.ts';
import { elements } from './tensor.ts';

/**
 * Folders with a `config.pbtxt` whose name begins with no dot. Others are not there yet: writers write beside and
 * rename.
 */
export async function listModels(repository: string): Promise<Set<string>> {
  const found = new Set<string>();
  const entries = await readdir(repository, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no such folder' : whyUnread(error);
    throw new Error(`the model repository ${repository} can’t be read: ${why}`);
  });
  for (const entry of entries) {
    if (entry.name.startsWith('.') || !(entry.isDirectory() || entry.isSymbolicLink())) continue;
    const there = await stat(join(repository, entry.name, 'config.pbtxt')).catch(() => null);
    if (there?.isFile()) found.add(entry.name);
  }
  return found;
}

/** The highest numeric folder, as Triton's default policy picks it. */
export async function newestVersion(folder: string): Promise<string> {
  const names = await readdir(folder);
  const versions = names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  if (versions.length === 0) throw new Error('has no version folder (1/, 2/, …)');
  return String(Math.max(...versions));
}

/**
 * Sizes and times of what makes the model; it changes when they do. Model cards, caches that Python writes beside its
 * source, and versions that are not served do not count.
 */
export async function stampOf(folder: string): Promise<string> {
  const version = await newestVersion(folder).catch(() => '');
  const top = (await readdir(folder)).filter((name) => !/^\.|\.md$/.test(name));
  const inside = version ? await readdir(join(folder, version), { recursive: true }) : [];
  const files = [
    ...top,
    ...inside.filter((name) => !/(^|\/)(\.|__pycache__)/.test(name)).map((name) => join(version, name)),
  ];
  const parts = await Promise.all(
    files.sort().map(async (name) => {
      const info = await stat(join(folder, name));
      return info.isFile() ? `${name}:${info.ino}:${info.size}:${info.mtimeMs}` : '';
    }),
  );
  return `${version}|${parts.join('|')}`;
}

/** Label lists by output name; a list that does not fit its output would tell wrong labels, so it is refused. */
export async function readLabels(
  folder: string,
  config: ModelConfig,
): Promise<Map<string, readonly string[]>> {
  const labels = new Map<string, readonly string[]>();
  for (const { name, labelFilename, dims } of config.outputs) {
    if (!labelFilename) continue;
    const text = await readFile(join(folder, labelFilename), 'utf8').catch(() => null);
    if (text === null)
      throw new Error(`output ${name}: its label_filename '${labelFilename}' is not in the folder`);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
    const size = elements(dims);
    if (size > 0 && lines.length !== size)
      throw new Error(`output ${name}: ${labelFilename} has ${lines.length} labels, its dims want ${size}`);
    labels.set(name, lines);
  }
  return labels;
}
