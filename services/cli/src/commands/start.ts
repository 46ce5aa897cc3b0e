/** `llm-router start`: the whole router on this machine. */
import type { Command } from 'commander';
import { newCommand, numberFrom } from '../lib/command.ts';

const ENVIRONMENT = `
Environment:
  NVIDIA_API_KEY             calls the real models of config/router.yaml; without it local stand-ins answer
  LLM_ROUTER_CLASSIFIER_URL  grpc://HOST:PORT or http://HOST:PORT (grpcs, https for TLS) of a Triton to use instead of the embedded classifier`;

export const start = (): Command =>
  newCommand('start', 'the whole router on this machine', {
    group: 'run',
    examples: [
      { line: 'llm-router start', what: 'no keys needed: local stand-ins answer in place of the models' },
      { line: 'llm-router start --config my.yaml --port 9000', what: 'your own policy table' },
    ],
  })
    .option('--port <N>', 'port of the router (default: the configuration’s, 8084)', numberFrom(0, 65_535))
    .option('--host <H>', 'address to listen on (default: 127.0.0.1)')
    .option('--config <FILE>', 'your policy table (default: config/router.yaml)')
    .option('--stand-ins', 'local stand-ins answer in place of that table’s models; no keys needed')
    .option('--repository <DIR>', 'models of the embedded classifier (default: model_repository)')
    .addHelpText('after', ENVIRONMENT)
    .action(async (options: StartOptions) => {
      const { start: run } = await import('../start/start.ts');
      await run(options);
    });

export interface StartOptions {
  readonly port?: number;
  readonly host?: string;
  readonly config?: string;
  readonly standIns?: boolean;
  readonly repository?: string;
}
