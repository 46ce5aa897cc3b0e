/** Images of one program each, made without an engine: the archive that `ctr images import` and `docker load` take. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

export interface ProgramImage {
  /** With its tag. */
  readonly name: string;
  /** The program's path on this machine; it becomes the image's entry point. */
  readonly program: string;
  readonly user: string;
  /** In the image; absent: its root. */
  readonly folder?: string;
  /** Further files, which lie in the image where they lie on this machine: libraries, where the program is not static. */
  readonly files?: readonly string[];
}

/** @param file where the archive is written. */
export async function writeImageArchive(
  file: string,
  { name, program, user, folder: home = '/', files = [] }: ProgramImage,
): Promise<void> {
  const inside = join(home, basename(program));
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-image-'));
  try {
    mkdirSync(join(folder, 'root'));
    mkdirSync(join(folder, 'archive'));
    for (const [from, to] of [[program, inside], ...files.map((each) => [each, each])] as const) {
      const target = join(folder, 'root', to);
      mkdirSync(dirname(target), { recursive: true });
      // Follows links: libraries' names are.
      copyFileSync(from, target);
    }
    const layer = join(folder, 'archive', 'layer.tar');
    await run('tar', [
      '--create',
      '--file',
      layer,
      '--directory',
      join(folder, 'root'),
      '--owner=0',
      '--group=0',
      '.',
    ]);
    const config = JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Entrypoint: [inside], User: user },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(readFileSync(layer))}`] },
      history: [{ created_by: 'llm-router' }],
    });
    const configName = `${sha256(config)}.json`;
    writeFileSync(join(folder, 'archive', configName), config);
    const manifest = [{ Config: configName, RepoTags: [name], Layers: ['layer.tar'] }];
    writeFileSync(join(folder, 'archive', 'manifest.json'), JSON.stringify(manifest));
    const names = ['manifest.json', configName, 'layer.tar'];
    await run('tar', ['--create', '--file', file, '--directory', join(folder, 'archive'), ...names]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
