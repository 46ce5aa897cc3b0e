/** What setting up real parts has in common: progress, a stamp, a lock. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const ROOT = resolve(import.meta.dirname, '../..');
/** Everything that is installed for this checkout; ignored by git, safe to delete. */
export const CACHE = join(ROOT, '.cache');

/** Last lines of a command's output, shown when it fails. */
const TAIL = 30;

/**
 * Runs a command with a progress line whenever it has been silent for two seconds.
 *
 * @throws Error with the end of its output.
 */
export async function run(
  what: string,
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const started = Date.now();
  console.log(`  ${what} …`);
  const child = spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let last = '';
  const take = (chunk: Buffer) => {
    output += chunk.toString();
    last = output.trimEnd().split('\n').at(-1)?.slice(0, 100) ?? '';
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ticker = setInterval(
    () => console.log(`  ${what} … ${Math.round((Date.now() - started) / 1000)} s  ${last}`),
    5_000,
  );
  const code = await new Promise<number>((done, fail) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ENOENT' ? new Error(`${what}: ${command} is not installed`) : error),
    );
    child.once('close', (status) => done(status ?? 1));
  }).finally(() => clearInterval(ticker));
  if (code !== 0)
    throw new Error(
      `${what} failed (exit ${code}):\n${output.trimEnd().split('\n').slice(-TAIL).join('\n')}`,
    );
  return output;
}

/** Hash of the texts that a part is made from; the part is made again when it changes. */
export const hashOf = (...texts: readonly string[]) =>
  createHash('sha256').update(texts.join('\u0000')).digest('hex').slice(0, 16);

export const readText = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const LOCK_STALE_MS = 30 * 60_000;

/**
 * Makes a part unless its stamp says that it is there. Two processes at once: the second waits for the first.
 *
 * @param stamp changes when the part must be made again.
 */
export async function ensure(name: string, stamp: string, make: () => Promise<void>): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const file = join(CACHE, `${name}.stamp`);
  const done = () => existsSync(file) && readFileSync(file, 'utf8') === stamp;
  if (done()) return;
  const lock = join(CACHE, `${name}.lock`);
  for (let waited = 0; ; waited++) {
    try {
      closeSync(openSync(lock, 'wx'));
      break;
    } catch {
      const age = existsSync(lock) ? Date.now() - statSync(lock).mtimeMs : 0;
      if (age > LOCK_STALE_MS) rmSync(lock, { force: true });
      else if (waited % 10 === 0) console.log(`  waiting for another set-up of ${name} …`);
      await sleep(500);
    }
  }
  try {
    if (done()) return;
    rmSync(file, { force: true });
    console.log(`setting up ${name}`);
    await make();
    writeFileSync(file, stamp);
  } finally {
    rmSync(lock, { force: true });
  }
}

/** The first Python of at least 3.10 on the machine. @throws Error that says what to install. */
export async function findPython(): Promise<{ command: string; version: string }> {
  for (const command of ['python3', 'python3.12', 'python3.11', 'python3.10']) {
    const output = await run(`looking at ${command}`, command, [
      '-c',
      'import sys; print("%d.%d" % sys.version_info[:2])',
    ]).catch(() => '');
    const version = output.trim();
    const [major, minor] = version.split('.').map(Number);
    if (major === 3 && minor! >= 10 && minor! <= 12) return { command, version };
  }
  throw new Error(
    'Python 3.10, 3.11 or 3.12 with venv is needed for the real Triton (Debian and Ubuntu: apt-get install python3 python3-venv)',
  );
}

/** A virtual environment with pinned requirements. */
export async function venv(
  name: string,
  requirements: readonly string[],
  extra: readonly (readonly string[])[] = [],
): Promise<string> {
  const { command } = await findPython();
  const folder = join(CACHE, name);
  const python = join(folder, 'bin', 'python');
  rmSync(folder, { recursive: true, force: true });
  await run('python venv', command, ['-m', 'venv', folder]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  await run('pip install', python, [...pip, ...requirements]);
  for (const more of extra) await run('pip install', python, [...pip, ...more]);
  return python;
}
