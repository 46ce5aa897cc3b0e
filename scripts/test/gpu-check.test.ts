/** scripts/gpu-check.sh on machines that we have not: none with a GPU, and one whose nvidia-smi and docker are stand-ins. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, test } from 'node:test';
import { ROOT } from '../parts/lib.ts';

const SCRIPT = join(ROOT, 'scripts/gpu-check.sh');
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Programs by name, alone on the PATH but for the system's own, of which nvidia-smi and docker are left out. */
function machine(programs: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-gpu-'));
  folders.push(folder);
  for (const name of ['sh', 'dirname', 'head', 'tail', 'cut', 'tr', 'cat', 'sleep', 'env', 'kill', 'sed']) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    if (found.startsWith('/')) symlinkSync(found, join(folder, name));
  }
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return {
    folder,
    run: (...args: readonly string[]) =>
      spawnSync('/bin/sh', [SCRIPT, ...args], {
        encoding: 'utf8',
        env: { ...process.env, PATH: [folder, join(ROOT, 'node_modules/.bin')].join(delimiter) },
        timeout: 240_000,
      }),
  };
}

const SMI = 'echo "NVIDIA H200, 550.54.15, 9.0, 143771 MiB"';

test('a machine without a GPU is told so in one line, with exit code 2', () => {
  for (const programs of [
    {},
    { 'nvidia-smi': 'echo "NVIDIA-SMI has failed: no driver"; exit 9' },
    { 'nvidia-smi': 'exit 0' },
  ] as Record<string, string>[]) {
    const { status, stdout, stderr } = machine(programs).run();
    assert.equal(status, 2, stdout + stderr);
    assert.match(stdout, /^gpu-check: no NVIDIA GPU here \(.*\): nothing was checked\n$/);
  }
});

test('what is missing beside the GPU fails by name, with what to do', () => {
  const old = machine({ 'nvidia-smi': 'echo "Tesla K80, 460.32, 3.7, 11441 MiB"', docker: 'exit 1' }).run();
  assert.equal(old.status, 1);
  assert.match(old.stdout, /FAIL driver 460\.32 is older than 470/);
  assert.match(old.stdout, /FAIL compute capability 3\.7/);
  assert.match(old.stdout, /FAIL Docker: 'docker info' does not answer/);
  const bare = machine({ 'nvidia-smi': SMI, docker: '[ "$1" = info ]' }).run('--image', 'mine');
  assert.equal(bare.status, 1);
  assert.match(bare.stdout, /PASS driver 550\.54\.15[\s\S]*FAIL image mine is not here: docker build/);
  const stopped = machine({
    'nvidia-smi': SMI,
    docker: 'case "$1" in run) echo "could not select device driver"; exit 125;; esac',
  }).run();
  assert.equal(stopped.status, 1);
  assert.match(stopped.stdout, /FAIL Triton on the GPU: docker run: could not select device driver/);
});

/** Containers that are router-servers of this machine: an encoder that is on no GPU. */
const docker = (node: string) => `
here=$(dirname "$0")
case "$1" in
  run)
    id=c$$
    "${node}" "${ROOT}/services/router-server/src/main.ts" --repository "${ROOT}/model_repository" \\
      --grpc-port 0 --http-port 0 --poll-seconds 0 > "$here/$id.out" 2> "$here/$id.log" < /dev/null &
    echo $! > "$here/$id.pid"
    echo "$*" >> "$here/runs"
    while ! head -n 1 "$here/$id.out" | cut -d' ' -f3 | tr -d '\\n' > "$here/$id.at" || [ ! -s "$here/$id.at" ]; do sleep 0.1; done
    echo $id;;
  port) cat "$here/$2.at"; echo;;
  logs) cat "$here/$2.log";;
  rm) shift 2; for id in "$@"; do kill "$(cat "$here/$id.pid")"; echo $id >> "$here/removed"; done;;
esac`;

test('everything is asked of two servers and told; an encoder that is on no GPU fails, however right its answers', () => {
  const { folder, run } = machine({ 'nvidia-smi': SMI, docker: docker(process.execPath) });
  const json = join(folder, 'found.json');
  const { status, stdout, stderr } = run('--quick', '--seconds', '0', '--json', json);
  assert.equal(status, 1, stdout + stderr);
  for (const line of [
    /^PASS models are ready: \d+$/m,
    /^FAIL the encoder is on the GPU: its instances are KIND_CPU$/m,
    /^PASS task_router_ensemble answers as on the CPU: \d+ of \d+ clear labels alike/m,
    /^PASS complexity_router_ensemble answers as on the CPU/m,
    /^PASS task_router_ensemble answers alone as in a batch of 32: within 0\.0[0-4]\d+ /m,
    /^\| GPU \| 1 \| [\d.]+ \| [\d.]+ \| [\d.]+ \|$/m,
    /^\| CPU \| 8 \| /m,
    /^the end of what Triton said:\n.*router-server: loaded/m,
    /gpu-check: something failed\n$/,
  ])
    assert.match(stdout, line);
  const found = JSON.parse(readFileSync(json, 'utf8'));
  assert.equal(found.speed.length, 4);
  assert.equal(found.task_router_ensemble.worst, 0);
  const runs = readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n');
  assert.match(runs[0]!, /--gpus 1 .*--model-repository=\/models-fp16/);
  assert.doesNotMatch(runs[1]!, /--gpus/);
  // Nothing is left behind.
  assert.equal(readFileSync(join(folder, 'removed'), 'utf8').trim().split('\n').length, 2);
});
