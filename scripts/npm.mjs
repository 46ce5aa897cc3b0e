/**
 * The way into every npm script: `node scripts/npm.mjs NAME [ARGS]`. Plain JavaScript for the machine's own Node (20 or
 * newer), because it runs before anything is installed. It installs the workspace when needed, then runs the script
 * with the pinned Node 24.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** npm script → file. */
const SCRIPTS = {
  start: 'scripts/start.ts',
  test: 'scripts/test.ts',
  'check-config': 'services/router-controller/src/check-config.ts',
  keys: 'scripts/keys.ts',
  triton: 'scripts/triton.ts',
  setup: 'scripts/setup.ts',
  evaluate: 'scripts/evaluate.ts',
  docs: 'scripts/docs.ts',
  trace: 'scripts/trace.ts',
};

const [name, ...args] = process.argv.slice(2);
const script = SCRIPTS[name];
if (!script) {
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

function run(command, commandArgs, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArgs, { cwd: ROOT, stdio: 'inherit', ...options });
    const forward = (signal) => child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, forward);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const each of SIGNALS) process.off(each, forward);
      resolve(code ?? (signal ? 1 : 0));
    });
  });
}

/** What the installed workspace depends on. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

/** pnpm comes by npx; package.json's own field for it would make pnpm pin itself in the lockfile. */
const PNPM = 'pnpm@12.21.0';

const STAMP = join(ROOT, 'node_modules', '.llm-router-stamp');
const NODE = join(ROOT, 'node_modules', 'node', 'bin', 'node');

async function install() {
  const wanted = fingerprint();
  if (existsSync(NODE) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  console.error(`installing dependencies with ${PNPM} (once) …`);
  const started = Date.now();
  const ticker = setInterval(
    () => console.error(`installing … ${Math.round((Date.now() - started) / 1000)} s`),
    5_000,
  );
  // Standard output stays the script's own.
  const code = await run('npx', ['--yes', PNPM, 'install', '--frozen-lockfile', '--reporter=append-only'], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, CI: 'true' },
  });
  clearInterval(ticker);
  if (code !== 0) {
    console.error(`installing failed (exit ${code}); the lines above say why`);
    process.exit(code);
  }
  writeFileSync(STAMP, wanted);
}

await install();
process.exitCode = await run(realpathSync(NODE), [join(ROOT, script), ...args], {
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
