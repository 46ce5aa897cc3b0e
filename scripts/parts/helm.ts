/** Helm, built by Go from its module. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './debian.ts';
import { CACHE, ensure, run } from './lib.ts';

/** Pinned; a new one is a change of this line. */
const MODULE = 'helm.sh/helm/v3/cmd/helm@v3.22.0';

/**
 * @param what begins the sentence about who needs it: "Helm is built".
 * @throws Error that says what to install.
 */
export function goProgram(what: string, instead = ''): string {
  const go = findProgram('go') ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : null);
  if (go) return go;
  throw new Error(
    `${what} with Go, which is not on this machine. Install Go 1.24 or newer (Debian, Ubuntu: ` +
      `sudo apt-get install golang-go)${instead}`,
  );
}

/** @returns the path of helm. */
export async function setupHelm(): Promise<string> {
  const bin = join(CACHE, 'bin');
  const helm = join(bin, 'helm');
  await ensure('helm', MODULE, helm, async () => {
    const go = goProgram('Helm is built', `, or put helm into ${bin}`);
    await run('building helm', go, ['install', '-trimpath', MODULE], {
      env: { GOBIN: bin, CGO_ENABLED: '0', GOFLAGS: '' },
    });
  });
  return helm;
}
