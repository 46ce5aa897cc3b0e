/** The router that examples are run against, started as their page says. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { programOf } from '../../services/bundler/src/program.ts';
import { ROOT } from '../parts/lib.ts';

export interface ExamplesRouter {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** `llm-router start --config examples/router.yaml --stand-ins`, on a free port. */
export async function startExamplesRouter(): Promise<ExamplesRouter> {
  const main = programOf(join(ROOT, 'services/cli/src/main.ts'));
  const args = ['start', '--config', join(ROOT, 'examples/router.yaml'), '--stand-ins', '--port', '0'];
  const { LLM_ROUTER_CLASSIFIER_URL: _own, NVIDIA_API_KEY: _key, ...env } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    env,
    // The channel is its leash.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      said += chunk;
      const found = /^listening on (\S+)$/m.exec(said);
      if (found) resolve(found[1]!);
    };
    child.stdout!.on('data', take);
    child.stderr!.on('data', take);
    void exited.then(() => reject(new Error(`the router did not start:\n${said}`)));
  });
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
