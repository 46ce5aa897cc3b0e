/**
 * The way into every npm script: `node scripts/npm.mjs NAME [ARGS]`. Plain JavaScript for the machine's own Node (20 or
 * newer), because it runs before anything is installed. It installs the workspace when needed, then runs the script
 * with the pinned Node 24.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** npm script → file, or a tool of the workspace with its arguments. */
const SCRIPTS = {
  start: 'scripts/start.ts',
  test: 'scripts/test.ts',
  'check-config': 'services/router-controller/src/check-config.ts',
  keys: 'services/router-controller/src/keys-cli.ts',
  triton: 'scripts/triton.ts',
  setup: 'scripts/setup.ts',
  evaluate: 'scripts/evaluate.ts',
  bodies: 'scripts/bodies.ts',
  docs: 'scripts/docs.ts',
  'policy:train': 'scripts/policy-train.ts',
  tutorial: 'scripts/tutorial.ts',
  replay: 'scripts/replay.ts',
  bench: 'services/router-controller/bench/main.ts',
  soak: 'services/router-controller/proof/soak.ts',
  stack: 'scripts/stack.ts',
  'proof:limits': 'services/router-controller/proof/limits.ts',
  conformance: 'services/router-controller/proof/conformance.ts',
  'proof:attacks': 'services/router-controller/proof/attacks.ts',
  'proof:faults': 'services/router-controller/proof/faults.ts',
  sbom: 'scripts/sbom.ts',
  'check:deps': 'scripts/check-deps.ts',
  'check:deploy': 'scripts/check-deploy.ts',
  'check:dashboards': 'scripts/check-dashboards.ts',
  lint: ['@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  format: ['@biomejs/biome/bin/biome', 'check', '--write'],
  typecheck: ['typescript/bin/tsc', '--noEmit', '-p', '.'],
};

const [name, ...args] = process.argv.slice(2);
if (!Object.hasOwn(SCRIPTS, name ?? '')) {
  console.error(`no script '${name ?? ''}'; one of: ${Object.keys(SCRIPTS).join(', ')}`);
  process.exit(2);
}
const [major] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(
    `Node 20 or newer is needed to install the router (it brings its own Node 24); this is ${process.version}`,
  );
  process.exit(2);
}

/** Signals that a supervisor sends; the child gets them too, and the parent waits for it. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'];
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Runs a command to its end and resolves with its exit code, as a shell would tell it. */
function run(command, commandArgs, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArgs, options);
    // A terminal's Ctrl-C has reached the child already.
    const forward = (signal) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    for (const signal of SIGNALS) process.on(signal, forward);
    // npm passes signals on, but when it is killed itself nobody would tell the child.
    const npm = process.env.npm_lifecycle_event ? process.ppid : null;
    const watch = setInterval(() => {
      if (npm !== null && process.ppid !== npm) child.kill('SIGTERM');
    }, 1_000);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearInterval(watch);
      for (const each of SIGNALS) process.off(each, forward);
      resolve(code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0));
    });
  });
}

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null);

const LOCKFILE = join(ROOT, 'pnpm-lock.yaml');
const STAMP = join(ROOT, 'node_modules', '.llm-router-stamp');
const NODE = join(ROOT, 'node_modules', 'node', 'bin', 'node');
/** pnpm comes by npx; package.json's own field for it would make pnpm pin itself in the lockfile. */
const PNPM = 'pnpm@12.21.0';

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
    2_000,
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

if (!installed()) await withInstallLock(install);

const what = SCRIPTS[name];
process.exitCode = Array.isArray(what)
  ? await run(realpathSync(NODE), [join(ROOT, 'node_modules', what[0]), ...what.slice(1), ...args], {
      cwd: ROOT,
      stdio: 'inherit',
    })
  : await run(realpathSync(NODE), [join(ROOT, what), ...args], {
      // Paths on the command line are the caller's.
      cwd: process.env.INIT_CWD ?? process.cwd(),
      // The channel is a leash: it ends when this process is killed, and the script's 'disconnect' tells it.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
