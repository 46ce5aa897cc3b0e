/**
 * The way into every command: plain JavaScript for the machine's own Node (20 or newer), because it runs before anything is
 * installed. It installs the workspace when needed, then runs `main.ts` with the pinned Node 24. `npm run a:b` and
 * `npx llm-router a b` come by here alike.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, homedir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const OWN = join(dirname(realpathSync(fileURLToPath(import.meta.url))), '..', '..', '..');

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(
    `Node 20 or newer is needed to install the router (it brings its own Node 24); this is ${process.version}`,
  );
  process.exit(2);
}

/** Signals that a supervisor sends; the child gets them too, and the parent waits for it. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** Commands that run until they are told to end: that they did is no failure, were it before they had begun. */
const STAY = ['start', 'stack', 'triton', 'dev', 'top'];
const stays = (args) => STAY.includes(args[0]) || ['--serve', '--watch'].some((flag) => args.includes(flag));

/** What a process that a signal ended comes to, as a shell tells it. */
let codeOf = (signal) => 128 + (constants.signals[signal] ?? 0);

/** Until there is a child that could get it, a signal ends this process; nothing is left behind. */
const early = (signal) => process.exit(codeOf(signal));
for (const signal of SIGNALS) process.on(signal, early);

/** Runs a command to its end and resolves with its exit code. */
function run(command, commandArgs, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArgs, options);
    // A terminal's Ctrl-C has reached the child already.
    const forward = (signal) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    for (const signal of SIGNALS) process.off(signal, early).on(signal, forward);
    // npm passes signals on, but when it is killed itself nobody would tell the child.
    const npm = process.env.npm_lifecycle_event ? process.ppid : null;
    const watch = setInterval(() => {
      if (npm !== null && process.ppid !== npm) child.kill('SIGTERM');
    }, 1_000);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearInterval(watch);
      for (const each of SIGNALS) process.on(each, early).off(each, forward);
      resolve(code ?? codeOf(signal));
    });
  });
}

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null);

const PACKED_LOCK = 'pnpm-lock.packed.yaml';

/**
 * Where the router runs from: this checkout; or, when it came as a package, a copy of it of its own under the user's cache,
 * because Node runs TypeScript only outside node_modules, and because what it installs should outlive npx's folder.
 */
function home() {
  if (!OWN.split(sep).includes('node_modules')) return OWN;
  const { version } = JSON.parse(read(join(OWN, 'package.json')));
  const packed = createHash('sha256')
    .update(read(join(OWN, 'packed.json')) ?? read(join(OWN, PACKED_LOCK)) ?? '')
    .digest('hex');
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(caches, 'llm-router', `${version}-${packed.slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const half = `${folder}.${process.pid}`;
  cpSync(OWN, half, { recursive: true });
  // npm leaves a lockfile of pnpm's out of a package, so it travels under another name.
  renameSync(join(half, PACKED_LOCK), join(half, 'pnpm-lock.yaml'));
  try {
    renameSync(half, folder);
  } catch (error) {
    // Another process was first.
    rmSync(half, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

const ROOT = home();
const LOCKFILE = join(ROOT, 'pnpm-lock.yaml');
const STAMP = join(ROOT, 'node_modules', '.llm-router-stamp');
const NODE = join(ROOT, 'node_modules', 'node', 'bin', 'node');
/** pnpm comes by npx; package.json's own field for it would make pnpm pin itself in the lockfile. */
const PNPM = 'pnpm@12.21.0';
/** What Node makes of a source, types stripped and compiled, is kept: a command's next start costs half the CPU time. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'node-compile');

/** What the installed workspace depends on. */
const fingerprint = () =>
  createHash('sha256')
    .update(read(LOCKFILE) ?? '')
    .update(read(join(ROOT, 'pnpm-workspace.yaml')) ?? '')
    .digest('hex');

/** True when the workspace is installed as the lockfile says, by this script or by pnpm itself. */
const installed = () =>
  existsSync(NODE) &&
  (read(STAMP) === fingerprint() ||
    read(join(ROOT, 'node_modules', '.pnpm', 'lock.yaml')) === read(LOCKFILE));

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Two scripts at once must not install at once; a lock whose holder was killed is taken over. */
async function withInstallLock(work) {
  const lock = join(ROOT, '.cache', 'install.lock');
  mkdirSync(dirname(lock), { recursive: true });
  for (let waited = 0; ; waited++) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const pid = Number(read(lock));
      // An empty file is being written just now.
      if (pid ? !alive(pid) : waited > 25) rmSync(lock, { force: true });
      else if (waited % 10 === 0) console.error('waiting for another installation …');
      await sleep(200);
    }
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

async function install() {
  if (installed()) return;
  console.error('installing dependencies (once) …');
  const started = Date.now();
  const ticker = setInterval(
    () => console.error(`installing … ${Math.round((Date.now() - started) / 1000)} s`),
    10_000,
  );
  // Standard output stays the script's own.
  const code = await run('npx', ['--yes', PNPM, 'install', '--frozen-lockfile', '--reporter=append-only'], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, CI: 'true' },
  }).finally(() => clearInterval(ticker));
  if (code !== 0) {
    console.error(`installing failed (exit ${code}); the lines above say why`);
    process.exit(code);
  }
  writeFileSync(STAMP, fingerprint());
}

/**
 * Runs a command of the router to its end, and leaves its exit code in `process.exitCode`.
 *
 * @param {readonly string[]} args the command's words and options.
 * @param {string} cwd the caller's folder: paths on the command line are meant from there.
 */
export async function enter(args, cwd) {
  if (stays(args)) {
    const told = codeOf;
    codeOf = (signal) => (SIGNALS.includes(signal) ? 0 : told(signal));
  }
  if (!installed()) await withInstallLock(install);
  process.exitCode = await run(realpathSync(NODE), [join(ROOT, 'services/cli/src/main.ts'), ...args], {
    cwd,
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
    // The channel is a leash: it ends when this process is killed, and the command's 'disconnect' tells it.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
}
