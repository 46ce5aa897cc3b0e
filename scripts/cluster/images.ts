/** Images of ours for a cluster: built by the engine from their Dockerfiles, as compose has them, and written into one archive. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASES, setupEngine, setupTritonBase } from '../engine/bases.ts';
import { saveImages, withEngine } from '../engine/engine.ts';
import { CACHE } from '../parts/lib.ts';
import { buildImages } from '../proof/compose/images.ts';

/** Of compose: router-server, stand-ins for the models, the controller. */
const PROFILES = ['light', 'demo'];
const WANTED = /controller|server|stand-in/;

const [repository, tag] = BASES.redis.split(':') as [string, string];
/** The chart's values for a Redis out of Debian's package. */
export const REDIS_IMAGE = { repository, tag, pullPolicy: 'Never' };

/**
 * Builds what has changed of these profiles, and writes images into one archive.
 *
 * @param wanted of the images that were built.
 * @param more others that the engine has.
 * @returns the archive's path.
 */
async function archiveOf(
  file: string,
  profiles: readonly string[],
  wanted: RegExp,
  more: readonly string[] = [],
): Promise<string> {
  const built = await buildImages(profiles);
  for (const { name, size } of built.filter(({ name }) => wanted.test(name)))
    console.log(`  ${name}: ${Math.round(size / 1_000_000)} MB`);
  const names = [...built.map(({ name }) => name).filter((name) => wanted.test(name)), ...more];
  const folder = join(CACHE, 'cluster');
  const archive = join(folder, `${file}.tar`);
  const stamp = join(folder, `${file}.json`);
  mkdirSync(folder, { recursive: true });
  await withEngine({ network: 'machine' }, async (engine) => {
    const all = await engine.api.images();
    const ids = names.map((name) => [name, all.find(({ RepoTags }) => RepoTags?.includes(name))?.Id]);
    const now = JSON.stringify(ids);
    if (existsSync(archive) && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
    // Whole or not at all.
    await saveImages(engine, names, `${archive}.new`);
    renameSync(`${archive}.new`, archive);
    writeFileSync(stamp, now);
  });
  return archive;
}

/** Controller, router-server, stand-ins, Redis. @returns the archive's path. */
export async function productImages(): Promise<string> {
  await setupEngine();
  return archiveOf('images', PROFILES, WANTED, [BASES.redis]);
}

/** Triton with the models, for CPUs. @returns the archive's path. */
export async function tritonImage(): Promise<string> {
  await setupTritonBase();
  return archiveOf('triton', ['cpu'], /triton/);
}
