/** Docker Compose itself, built by Go from its module: it reads and checks compose files without an engine. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { goProgram } from './helm.ts';
import { CACHE, ensure, run } from './lib.ts';

/** Pinned; a new one is a change of this line. */
const MODULE = 'github.com/docker/compose/v2@v2.40.3';

/** @returns the path of docker-compose. */
export async function setupCompose(): Promise<string> {
  const bin = join(CACHE, 'bin');
  const compose = join(bin, 'docker-compose');
  await ensure('compose', MODULE, compose, async () => {
    const go = goProgram('Docker Compose is built', `, or put docker-compose into ${bin}`);
    mkdirSync(bin, { recursive: true });
    // Its go.mod has directives that `go install` refuses, so it is built as the main module of its own folder.
    const told = await run('reading docker compose', go, ['mod', 'download', '-json', MODULE], { cwd: bin });
    const { Dir: folder } = JSON.parse(told.slice(told.indexOf('{'))) as { Dir: string };
    await run('building docker compose', go, ['build', '-trimpath', '-o', compose, './cmd'], {
      cwd: folder,
      env: { CGO_ENABLED: '0', GOFLAGS: '' },
    });
  });
  return compose;
}
