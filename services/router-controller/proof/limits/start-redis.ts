/** A real Redis on a free port, for one test file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../../scripts/parts/process.ts';
import { setupRedis } from '../../../../scripts/parts/redis.ts';
import { suspend } from '../../../../scripts/parts/suspend.ts';

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly pid: () => number;
  /** It hangs, from when this resolves until `resume`. */
  readonly pause: () => Promise<void>;
  readonly resume: () => void;
  /** Ends it at once, its memory lost. */
  readonly kill: () => Promise<void>;
  /** Starts it anew on the same port, empty. */
  readonly start: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** @param tls it answers no plain PING; that it listens must do. */
async function answers(port: number, tls: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('connect', () => {
      if (!tls) return void socket.write('PING\r\n');
      socket.destroy();
      resolve(true);
    });
  });
}

/**
 * @param args more options of redis-server.
 * @param sentinel file that makes it a Sentinel.
 * @param tls certificate and key; then it speaks nothing but TLS.
 */
export async function startRedis(
  args: readonly string[] = [],
  sentinel?: string,
  tls?: { readonly key: string; readonly cert: string },
): Promise<RedisServer> {
  const program = await setupRedis();
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-redis-'));
  let child: ChildProcess | null = null;
  const kill = async () => {
    const running = child;
    child = null;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGCONT');
    running.kill('SIGKILL');
    await ended;
  };
  const start = async () => {
    await kill();
    const listens = tls
      ? ['--port', '0', '--tls-port', String(port), '--tls-cert-file', tls.cert, '--tls-key-file', tls.key]
      : ['--port', String(port)];
    const options = sentinel
      ? [sentinel, '--sentinel', ...listens]
      : [
          ...OPTIONS,
          ...listens,
          ...(tls ? ['--tls-auth-clients', 'no', '--tls-ca-cert-file', tls.cert] : []),
        ];
    child = spawn(program, [...options, '--dir', folder, ...args], { stdio: 'ignore' });
    const until = Date.now() + 20_000;
    while (!(await answers(port, tls !== undefined))) {
      if (Date.now() > until) throw new Error(`Redis does not answer on port ${port}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pid: () => child!.pid!,
    pause: () => suspend(child!.pid!),
    resume: () => void child?.kill('SIGCONT'),
    kill,
    start,
    close: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const OPTIONS = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--protected-mode', 'no'];
