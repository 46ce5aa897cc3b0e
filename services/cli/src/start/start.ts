/**
 * The whole router on this machine.
 *
 * Embedded defaults: a classifier server in Node over model_repository, limits in memory, and, without NVIDIA_API_KEY
 * and without --config, stand-ins in place of the four LLMs.
 */
import { join, resolve } from 'node:path';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import type { Variables } from '../../../process/src/late-environment.ts';
import { ConfigError, loadConfig, type RouterConfig } from '../../../router-controller/src/config/index.ts';
import type { StartOptions } from '../commands/start.ts';
import { LineUp } from '../processes/line-up.ts';
import { describe, tryLine } from './describe.ts';
import { isOurs } from './own-classifier.ts';

/** Policies of the embedded table need the embedded classifier, unless another one is named. */
async function classifierUrl(
  config: RouterConfig,
  options: StartOptions,
  lineUp: LineUp,
): Promise<string | null> {
  if (process.env.LLM_ROUTER_CLASSIFIER_URL) return process.env.LLM_ROUTER_CLASSIFIER_URL;
  const repository = options.repository ? resolve(options.repository) : join(ROOT, 'model_repository');
  if (options.config && !(await isOurs(config, repository))) return null;
  const args = ['--repository', repository, '--grpc-port', '0', '--http-port', '0'];
  const ready = await lineUp.service('router-server', args);
  return `grpc://${/grpc (\S+)/.exec(ready)![1]}`;
}

/** Resolves when it listens; the process then lives until it is told to end. */
export async function start(options: StartOptions): Promise<void> {
  const configFile = options.config ? resolve(options.config) : join(ROOT, 'config', 'router.yaml');
  const standIns = options.standIns || (!options.config && !process.env.NVIDIA_API_KEY);
  const lineUp = new LineUp('router-controller');
  try {
    // Stand-ins need no keys, so the file is read as the controller will read it.
    const overrides = standIns ? { standInUrl: 'http://127.0.0.1:1' } : {};
    const config = await loadConfig(configFile, { overrides });
    console.log(`configuration ${configFile}`);
    console.log('starting the classifier …');
    if (standIns) {
      const why = options.standIns ? '' : 'no NVIDIA_API_KEY: ';
      console.log(`${why}starting local stand-ins for the LLMs (their answers say so) …`);
    }
    // The classifier first, which takes longest. The controller loads its modules meanwhile, and is told then of those that it is to call.
    const others = Promise.all([
      classifierUrl(config, options, lineUp),
      standIns ? lineUp.service('stand-in-llms', ['--port', '0']) : null,
    ]);
    const args = [
      '--config',
      configFile,
      ...(options.port !== undefined ? ['--port', String(options.port)] : []),
      ...(options.host ? ['--host', options.host] : []),
    ];
    const told = Promise.withResolvers<Variables>();
    const controller = lineUp.service('router-controller', args, told.promise);
    // That it ended early is told when it is waited for, unless another one's end is told before.
    controller.catch(() => {});
    const [classifier, standIn] = await others;
    console.log(classifier ? `classifier ${classifier}` : 'classifier as the configuration says');
    console.log('starting the controller …');
    told.resolve({
      ...(classifier && { LLM_ROUTER_CLASSIFIER_URL: classifier }),
      ...(standIn && { LLM_ROUTER_STAND_IN_URL: /ready (\S+)/.exec(standIn)![1]! }),
    });
    const url = /ready (\S+)/.exec(await controller)![1]!;
    describe(config);
    console.log(`\ntry:\n${tryLine(url, config)}\n`);
    console.log(`listening on ${url}`);
  } catch (error) {
    // Told to stop while it started: what was under way ends with it.
    if (lineUp.stopping) await lineUp.stop(0);
    const lacksKeys =
      error instanceof ConfigError && error.problems.every(({ path }) => /api_key$/.test(path));
    console.error(
      error instanceof ConfigError
        ? `${error.message}${lacksKeys ? '\n  or let local stand-ins answer in place of the models: --stand-ins' : ''}`
        : `start failed: ${error instanceof Error ? error.message : error}`,
    );
    await lineUp.stop(1);
  }
}
