/** The real classifier, as `npm start` runs it. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Target } from './targets.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** Its `url` is host:port of its gRPC. */
export async function startClassifier(cpus: string): Promise<Target> {
  const main = join(ROOT, 'services/router-server/src/main.ts');
  const options = ['--repository', join(ROOT, 'model_repository'), '--grpc-port', '0', '--http-port', '0'];
  const pin = cpus === '' ? [] : ['taskset', '-c', cpus];
  const [program, ...args] = [
    ...pin,
    process.execPath,
    main,
    ...options,
    '--poll-seconds',
    '0',
    '--exit-with-parent',
  ];
  const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  let out = '';
  for await (const chunk of child.stdout!) {
    out += chunk;
    if (out.includes('\n')) break;
  }
  const url = /grpc (\S+)/.exec(out)?.[1];
  if (url === undefined) throw new Error(`router-server did not start: ${out}`);
  return {
    name: 'router-server',
    url,
    pid: child.pid!,
    headers: {},
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
