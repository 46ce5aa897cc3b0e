/** Starts a real Triton from the wheel as a child process, for `npm run triton` and for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, leashed, untilReady } from '../../../scripts/parts/process.ts';
import { suspend } from '../../../scripts/parts/suspend.ts';
import { setupTriton } from '../../../scripts/parts/triton.ts';

export interface TritonOptions {
  readonly repository: string;
  /** 0 or absent: a free port. */
  readonly grpcPort?: number;
  readonly httpPort?: number;
  readonly metricsPort?: number;
  readonly modelControl?: 'none' | 'poll' | 'explicit';
  /** Models to load under explicit control. */
  readonly load?: readonly string[];
  /** Further arguments. */
  readonly args?: readonly string[];
  /** Longest wait until it is ready, ms. */
  readonly startMs?: number;
  /** Gives the start up. */
  readonly signal?: AbortSignal;
}

export interface Triton {
  /** host:port */
  readonly grpc: string;
  /** http://host:port */
  readonly http: string;
  readonly metrics: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Resolves when its process has ended, however. */
  readonly exited: Promise<void>;
  /** SIGTERM, and SIGKILL if it does not go. */
  readonly stop: () => Promise<void>;
  /** SIGKILL to the server and its stubs, as a crash would. */
  readonly kill: () => Promise<void>;
  /** A server that hangs, from when this resolves until `resume`. */
  readonly pause: () => Promise<void>;
  readonly resume: () => void;
  /** What it has written so far. */
  readonly log: () => string;
}

const STOP_MS = 15_000;

/** @throws Error with the end of Triton's log when it does not become ready. */
export async function startTriton(options: TritonOptions): Promise<Triton> {
  const install = await setupTriton();
  const grpcPort = options.grpcPort || (await freePort());
  const httpPort = options.httpPort || (await freePort());
  const metricsPort = options.metricsPort || (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-triton-'));
  const logFile = join(folder, 'log');
  const out = openSync(logFile, 'a');
  const control = options.modelControl ?? 'none';
  const args = [
    `--model-repository=${options.repository}`,
    `--backend-directory=${install.backends}`,
    `--cache-directory=${install.caches}`,
    '--http-address=127.0.0.1',
    '--grpc-address=127.0.0.1',
    '--metrics-address=127.0.0.1',
    `--grpc-port=${grpcPort}`,
    `--http-port=${httpPort}`,
    `--metrics-port=${metricsPort}`,
    `--model-control-mode=${control}`,
    ...(control === 'poll' ? ['--repository-poll-secs=1'] : []),
    ...(options.load ?? []).map((model) => `--load-model=${model}`),
    '--exit-timeout-secs=5',
    '--allow-gpu-metrics=false',
    ...(options.args ?? []),
  ];
  // A group of its own, so that its Python stubs can be ended with it.
  const child = spawn(...leashed(install.binary, args), {
    env: { ...process.env, ...install.env, ORT_DISABLE_TELEMETRY: '1' },
    stdio: ['ignore', out, out],
    detached: true,
  });
  closeSync(out);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // Already gone.
    }
  };
  const onExit = () => signal('SIGKILL');
  process.once('exit', onExit);
  const end = async (name: NodeJS.Signals) => {
    signal('SIGCONT');
    signal(name);
    await Promise.race([exited, sleep(STOP_MS, undefined, { ref: false })]);
    signal('SIGKILL');
    await exited;
    process.off('exit', onExit);
    rmSync(folder, { recursive: true, force: true });
  };
  const log = () => readFileSync(logFile, 'utf8');
  const http = `http://127.0.0.1:${httpPort}`;
  const answers = () =>
    fetch(`${http}/v2/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
  try {
    await untilReady('Triton', child, answers, {
      ms: options.startMs ?? 120_000,
      said: () => log().split('\n').slice(-40).join('\n'),
      signal: options.signal,
    });
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
  return {
    grpc: `127.0.0.1:${grpcPort}`,
    http,
    metrics: `http://127.0.0.1:${metricsPort}/metrics`,
    pid: child.pid!,
    process: child,
    exited,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause: () => suspend(-child.pid!),
    resume: () => signal('SIGCONT'),
    log,
  };
}
