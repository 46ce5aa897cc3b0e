/** Images of one static program each, made without an engine: the archive that `ctr images import` and `docker load` take. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

export interface StaticImage {
  /** With its tag. */
  readonly name: string;
  /** The program's path on this machine; it becomes the image's entry point. */
  readonly program: string;
  readonly user: string;
}

/** @param file where the archive is written. */
export async function writeImageArchive(file: string, { name, program, user }: StaticImage): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-image-'));
  try {
    mkdirSync(join(folder, 'root'));
    mkdirSync(join(folder, 'archive'));
    cpSync(program, join(folder, 'root', basename(program)));
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
      config: { Entrypoint: [`/${basename(program)}`], User: user },
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
