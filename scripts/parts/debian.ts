/** System programs that tests start: taken from the machine, else from its package manager. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run, withLock } from './lib.ts';

/** Full path of a program on PATH (and in Debian's usual places), or null. */
export function findProgram(...names: readonly string[]): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin'];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  return null;
}

const APT = [
  '-y',
  '--no-install-recommends',
  // Two set-ups at once, or the machine's own updates: wait for dpkg's lock.
  '-o',
  'DPkg::Lock::Timeout=300',
];
// Debian starts the daemons it installs; with a run level told, its policy leaves them alone.
const QUIET = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };

function byHand(what: string, packages: readonly string[]): string {
  return (
    `${what} is not on this machine and can’t be installed without root. ` +
    `Install it and run this again (Debian, Ubuntu: sudo apt-get install ${packages.join(' ')})`
  );
}

async function install(what: string, packages: readonly string[]): Promise<void> {
  const apt = findProgram('apt-get');
  if (!apt) throw new Error(byHand(what, packages));
  const asRoot = process.getuid?.() === 0;
  const sudo = asRoot ? null : findProgram('sudo');
  if (!asRoot) {
    if (!sudo) throw new Error(byHand(what, packages));
    // Without a password only: a set-up must not wait for one.
    await run('asking for sudo', sudo, ['-n', 'true']).catch(() => {
      throw new Error(byHand(what, packages));
    });
  }
  const call = (title: string, ...args: string[]) => {
    const env = Object.entries(QUIET).map(([key, value]) => `${key}=${value}`);
    return asRoot
      ? run(title, apt, args, { env: QUIET })
      : run(title, sudo!, ['-n', 'env', ...env, apt, ...args]);
  };
  await call('apt-get update', 'update');
  await call(`apt-get install ${packages.join(' ')}`, 'install', ...APT, ...packages);
}

/**
 * Something of the system, installed from Debian's packages when it is missing and this user may.
 *
 * @param find where it is, or null.
 * @throws Error that says what to install by hand.
 */
export async function systemPart(
  what: string,
  find: () => string | null,
  packages: readonly string[],
): Promise<string> {
  const there = find();
  if (there) return there;
  // One installation at a time, whatever the part.
  await withLock('apt', async () => {
    if (!find()) await install(what, packages);
  });
  const installed = find();
  if (!installed) throw new Error(`${packages.join(', ')} was installed, but ${what} is still missing`);
  return installed;
}

/** A program under any of its names. @returns its full path. */
export const systemProgram = (
  what: string,
  names: readonly string[],
  packages: readonly string[],
): Promise<string> => systemPart(what, () => findProgram(...names), packages);
