/** A real Redis as a child process, for the stack without containers. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { endProcess, freePort, leashed, untilReady } from './process.ts';
import { setupRedis } from './redis.ts';

export interface RedisOptions {
  /** Where it keeps its data; a Redis that is started there again has it back. */
  readonly folder: string;
  /** Asked of clients. */
  readonly password: string;
  /** 0 or absent: a free port. */
  readonly port?: number;
  readonly signal?: AbortSignal;
}

export interface RunningRedis {
  readonly url: string;
  readonly exited: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** True when it answers a PING, were it only to ask for the password. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('error', () => resolve(false));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(/^(\+PONG|-NOAUTH)/.test(String(data)));
    });
  });
}

/** @throws Error with the end of its log when it does not become ready. */
export async function startRedis(options: RedisOptions): Promise<RunningRedis> {
  const program = await setupRedis();
  const port = options.port || (await freePort());
  const settings = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${JSON.stringify(options.folder)}`,
    `requirepass ${JSON.stringify(options.password)}`,
    'appendonly yes',
    'save ""',
  ];
  // Settings go by standard input: arguments can be seen by everybody on the machine, and hold the password.
  const child = spawn(...leashed(program, ['-']), {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Out of the terminal's group: Ctrl-C reaches the parent alone, which ends its children in order.
    detached: true,
  });
  child.stdin!.once('error', () => {}).end(settings.join('\n'));
  let said = '';
  child.stdout!.on('data', (chunk) => {
    said = (said + chunk).slice(-4_000);
  });
  const exited = new Promise<void>((resolve) =>
    child.once('exit', () => resolve()).once('error', () => resolve()),
  );
  const stop = () => endProcess(child, exited);
  try {
    const { signal } = options;
    await untilReady('Redis', child, () => answers(port), { ms: 20_000, said: () => said, signal });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis://127.0.0.1:${port}`, exited, stop };
}
