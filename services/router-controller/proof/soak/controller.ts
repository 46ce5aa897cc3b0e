/** The controller of a soak: a process of its own, so that its memory and sockets are its alone. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { programOf } from '../../../bundler/src/program.ts';

const MAIN = programOf(join(import.meta.dirname, '../../src/main.ts'));

export interface Controller {
  readonly url: string;
  /** How often the closing line of each request id was logged. */
  readonly logged: ReadonlyMap<string, number>;
  /** Resident memory, bytes. */
  readonly rss: () => number;
  readonly sockets: () => number;
  /** Sum of a metric's samples whose labels contain these. */
  readonly metric: (name: string, labels?: string) => Promise<number>;
  readonly stop: () => Promise<number | null>;
  /** Ends it at once, without a chance to tidy up. */
  readonly kill: () => Promise<void>;
}

/** @param nodeArgs options of node itself. */
export async function startController(config: string, nodeArgs: readonly string[] = []): Promise<Controller> {
  const child = spawn(process.execPath, [...nodeArgs, MAIN, '--config', config, '--exit-with-parent'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  const logged = new Map<string, number>();
  const errors: string[] = [];
  createInterface({ input: child.stderr! }).on('line', (line) => {
    let entry: { message?: string; request_id?: string; level?: string } = {};
    try {
      entry = JSON.parse(line);
    } catch {
      // No log line: a crash tells itself in plain text.
      errors.push(line);
    }
    const { message, request_id: id } = entry;
    if (message === 'internal error') errors.push(line);

    if (message === 'request' && id) logged.set(id, (logged.get(id) ?? 0) + 1);
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const found = /^ready (\S+)/.exec(line);
      if (found) resolve(found[1]!);
    });
    void exited.then(() => reject(new Error(`the controller ended: ${errors.join('\n')}`)));
  });
  const proc = `/proc/${child.pid}`;
  return {
    url,
    logged,
    rss: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`${proc}/status`, 'utf8'))![1]) * 1024,
    sockets: () =>
      readdirSync(`${proc}/fd`).filter((fd) => {
        try {
          return readlinkSync(`${proc}/fd/${fd}`).startsWith('socket:');
        } catch {
          return false;
        }
      }).length,
    metric: async (name, labels = '') => {
      const text = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
      return text
        .split('\n')
        .filter(
          (line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)) && line.includes(labels),
        )
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    stop: async () => {
      if (errors.length > 0) console.error(`the controller said:\n${errors.slice(0, 20).join('\n')}`);
      child.kill('SIGTERM');
      return exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
