/** What setting up real parts has in common: progress, a stamp, a lock. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLive } from '../../services/process/src/live-line.ts';
import { waiting } from '../../services/process/src/progress.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
const cache = join(ROOT, '.cache');
/**
 * Everything that is installed for this checkout; ignored by git, safe to delete. A link (a worktree's, to its first checkout's) is
 * followed, because parts hold their own place.
 */
export const CACHE = existsSync(cache) ? realpathSync(cache) : cache;

/** Last lines of a command's output, shown when it fails. */
const TAIL = 30;

/** Takes so long that it is worth a line of its own afterwards. */
const LONG_MS = 2_000;

/** Commands of set-ups that run, by what they do. */
const underWay = new Set<string>();
/** Parts that are being made. */
const beingMade = new Set<string>();

const GOES_ON = 'What was set up before it is kept, and the next run goes on from there.';

/** What ends with this process, for who ends it; null when nothing is being set up. */
export function setUpUnderWay(): string | null {
  if (beingMade.size + underWay.size === 0) return null;
  const steps = underWay.size > 0 ? ` (${[...underWay].join('; ')})` : '';
  return `interrupted while setting up ${[...beingMade].join(', ') || 'parts'}${steps}. ${GOES_ON}`;
}

/**
 * Runs a command, and tells how long it has been at it and its last line.
 *
 * @throws Error with the end of its output, or that it was interrupted.
 */
export async function run(
  what: string,
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const started = Date.now();
  const onTerminal = isLive(process.stderr);
  if (!onTerminal) console.log(`  ${what} …`);
  const child = spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let last = '';
  let endedBy: NodeJS.Signals | null = null;
  const take = (chunk: Buffer) => {
    output += chunk.toString();
    last = output.trimEnd().split('\n').at(-1)?.slice(0, 100) ?? '';
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<number>((done, fail) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ENOENT' ? new Error(`${what}: ${command} is not installed`) : error),
    );
    child.once('close', (status, signal) => {
      endedBy = signal;
      done(status ?? 1);
    });
  });
  underWay.add(what);
  const code = await waiting(`  ${what}`, () => ended, { detail: () => last }).finally(() =>
    underWay.delete(what),
  );
  const took = Date.now() - started;
  if (onTerminal && took >= LONG_MS) console.log(`  ${what}: ${Math.round(took / 1000)} s`);
  if (code === 0) return output;
  const said = output.trimEnd().split('\n').slice(-TAIL).join('\n') || '(it printed nothing)';
  // By someone, or by a system without memory.
  if (endedBy !== null) throw new Error(`${what} was interrupted (${endedBy}). ${GOES_ON}\n${said}`);
  throw new Error(`${what} failed (exit ${code}):\n${said}`);
}

/** Hash of the texts that a part is made from; the part is made again when it changes. */
export const hashOf = (...texts: readonly string[]) =>
  createHash('sha256').update(texts.join('\u0000')).digest('hex').slice(0, 16);

/** The same of a part whose files hold their own place, as virtual environments do: in a checkout that was moved it is made again. */
export const hashHere = (...texts: readonly string[]) => hashOf(CACHE, ...texts);

export const readText = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** True while the process that took a lock lives; a lock that is just being written counts as taken. */
function holderLives(lock: string): boolean {
  let pid: number;
  try {
    pid = Number(readFileSync(lock, 'utf8'));
  } catch {
    return false;
  }
  if (!pid) return Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 5_000;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Runs `work` while no other process of this checkout runs work of that name. A lock whose holder was killed is taken over. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(CACHE, { recursive: true });
  const lock = join(CACHE, `${name}.lock`);
  for (let waited = 0; ; waited++) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (!holderLives(lock)) rmSync(lock, { force: true });
      else if (waited % 50 === 0) console.log(`  waiting for another set-up of ${name} …`);
      await sleep(200);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/**
 * Makes a part unless its stamp says that it is there. Two processes at once: the second waits for the first.
 *
 * @param stamp changes when the part must be made again.
 * @param file what the part is for; made again when it has been deleted.
 */
export async function ensure(
  name: string,
  stamp: string,
  file: string,
  make: () => Promise<void>,
): Promise<void> {
  const stampFile = join(CACHE, `${name}.stamp`);
  const done = () => existsSync(file) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  if (done()) return;
  await withLock(name, async () => {
    if (done()) return;
    rmSync(stampFile, { force: true });
    console.log(`setting up ${name}`);
    beingMade.add(name);
    await make().finally(() => beingMade.delete(name));
    if (!existsSync(file)) throw new Error(`${name} was set up, but ${file} is not there`);
    writeFileSync(stampFile, stamp);
  });
}

/** Minor versions of Python 3 that a part works with. */
export interface PythonRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The first fitting Python on the machine; `PYTHON` in the environment names one that goes first.
 *
 * @throws Error that says what to install.
 */
export async function findPython(
  what: string,
  { from, to }: PythonRange,
): Promise<{ command: string; version: string }> {
  const named = Array.from({ length: to - from + 1 }, (_, index) => `python3.${to - index}`);
  const found = new Set<string>();
  for (const command of [process.env.PYTHON, 'python3', ...named]) {
    if (!command) continue;
    const version = await pythonVersion(command);
    if (!version) continue;
    found.add(version);
    const [major, minor] = version.split('.').map(Number);
    if (major === 3 && minor! >= from && minor! <= to) return { command, version };
  }
  const seen = found.size > 0 ? `found ${[...found].join(', ')}` : 'found none';
  throw new Error(
    `${what} needs Python 3.${from} to 3.${to} with venv, and this machine has none (${seen}). ` +
      'Install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv) or name one by PYTHON=/path/to/python',
  );
}

/** "3.11", or null when the command is missing or no Python. */
function pythonVersion(command: string): Promise<string | null> {
  return new Promise((resolve) => {
    const code = 'import sys; print("%d.%d" % sys.version_info[:2])';
    execFile(command, ['-c', code], (error, stdout) => resolve(error ? null : stdout.trim()));
  });
}

/**
 * A virtual environment with pinned requirements. One that is there already, of the same Python and in the same place, is brought up to date;
 * else it is made anew.
 *
 * @param extra further pip installs, after the requirements.
 * @returns its interpreter.
 */
export async function venv(
  name: string,
  command: string,
  requirements: readonly string[],
  extra: readonly (readonly string[])[] = [],
): Promise<string> {
  const folder = join(CACHE, name);
  const python = join(folder, 'bin', 'python');
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--progress-bar=off', '--no-input'];
  const install = async () => {
    for (const wanted of [requirements, ...extra])
      await run(`${name}: pip install ${wanted.join(' ').replaceAll(`${ROOT}/`, '')}`, python, [
        ...pip,
        ...wanted,
      ]);
  };
  // Its programs name their interpreter by the whole path.
  const pipFile = join(folder, 'bin', 'pip');
  const moved = existsSync(pipFile) && !readFileSync(pipFile, 'utf8').includes(folder);
  if (!moved && (await pythonVersion(python)) === (await pythonVersion(command))) {
    try {
      await install();
      return python;
    } catch (error) {
      console.log(
        `  ${name} can’t be brought up to date and is made anew: ${(error as Error).message.split('\n')[0]}`,
      );
    }
  }
  rmSync(folder, { recursive: true, force: true });
  await run(`${name}: python -m venv`, command, ['-m', 'venv', folder]).catch((error: Error) => {
    if (!/ensurepip|No module named venv/.test(error.message)) throw error;
    throw new Error(`${command} lacks venv. Install it (Debian, Ubuntu: sudo apt-get install python3-venv)`);
  });
  await install();
  return python;
}
