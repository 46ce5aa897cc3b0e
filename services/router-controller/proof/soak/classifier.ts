/** The classifier of a soak: a process that can be killed, paused and started again on its old ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { startTriton, type Triton } from '@llm-router/triton';
import { suspend } from '../../../../scripts/parts/suspend.ts';
import { programOf } from '../../../bundler/src/program.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const REPOSITORY = join(ROOT, 'model_repository');

export interface Classifier {
  readonly grpc: string;
  readonly kill: () => Promise<void>;
  /** Resolves when it is ready again. */
  readonly restart: () => Promise<void>;
  /** Triton's own watchdogs may end it when it wakes up from a pause. */
  readonly alive: () => boolean;
  readonly pause: () => Promise<void>;
  readonly resume: () => void;
  readonly stop: () => Promise<void>;
}

export async function tritonClassifier(): Promise<Classifier> {
  const options = {
    repository: REPOSITORY,
    modelControl: 'explicit',
    load: ['complexity_router_ensemble'],
  } as const;
  let triton: Triton = await startTriton(options);
  const { grpc, http, metrics } = triton;
  const port = (address: string) => Number(/:(\d+)/.exec(address.replace('http://', ''))![1]);
  const ports = { grpcPort: port(grpc), httpPort: port(http), metricsPort: port(metrics) };
  return {
    grpc,
    kill: () => triton.kill(),
    restart: async () => {
      triton = await startTriton({ ...options, ...ports });
    },
    alive: () => triton.process.exitCode === null && triton.process.signalCode === null,
    pause: () => triton.pause(),
    resume: () => triton.resume(),
    stop: () => triton.stop(),
  };
}

export async function embeddedClassifier(): Promise<Classifier> {
  const main = programOf(join(ROOT, 'services/router-server/src/main.ts'));
  let child: ChildProcess;
  let exited: Promise<void>;
  const begin = async (grpcPort: string, httpPort: string): Promise<string> => {
    const args = ['--repository', REPOSITORY, '--grpc-port', grpcPort, '--http-port', httpPort];
    child = spawn(process.execPath, [main, ...args, '--poll-seconds', '0', '--exit-with-parent'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    exited = new Promise((done) => child.once('exit', () => done()));
    let out = '';
    for await (const chunk of child.stdout!) {
      out += chunk;
      if (out.includes('\n')) break;
    }
    if (!out.startsWith('ready')) throw new Error(`router-server did not start: ${out}`);
    return out;
  };
  const [, grpc, http] = /grpc (\S+) http (\S+)/.exec(await begin('0', '0'))!;
  const end = async (signal: NodeJS.Signals) => {
    child.kill('SIGCONT');
    child.kill(signal);
    await exited;
  };
  return {
    grpc: grpc!,
    kill: () => end('SIGKILL'),
    restart: async () => {
      await begin(grpc!.split(':').at(-1)!, new URL(http!).port);
    },
    alive: () => child.exitCode === null && child.signalCode === null,
    pause: () => suspend(child.pid!),
    resume: () => void child.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
  };
}
