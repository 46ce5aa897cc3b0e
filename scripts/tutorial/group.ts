/** A command whose whole family ends with it: servers that a failed page or notebook left behind, too. */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

export interface Ended {
  /** Null: a signal ended it. */
  readonly code: number | null;
  readonly out: string;
  /** The last of what it said on standard error. */
  readonly err: string;
}

export interface GroupOptions {
  readonly cwd: string;
  /** Beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Longest run, minutes. */
  readonly minutes: number;
  /** Characters of standard error that are kept. */
  readonly keep: number;
}

/**
 * A reader's path: npm, when it runs us, goes before it with programs of the workspace, of which `node` may be a shell that does not
 * pass signals on.
 */
const readersPath = (path = '') =>
  path
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')))
    .join(delimiter);

/** @throws Error where the command can't be started. */
export async function runGroup(
  command: string,
  args: readonly string[],
  { cwd, env = {}, minutes, keep }: GroupOptions,
): Promise<Ended> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, PATH: readersPath(process.env.PATH), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err = (err + chunk).slice(-keep);
  });
  const end = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  };
  // Ctrl-C reaches us alone: it is a group of its own.
  process.once('exit', end);
  const limit = setTimeout(end, minutes * 60_000);
  try {
    const code = await new Promise<number | null>((done, failed) => {
      child.once('error', failed);
      child.once('exit', done);
    });
    end();
    return { code, out, err };
  } finally {
    clearTimeout(limit);
    process.off('exit', end);
  }
}
