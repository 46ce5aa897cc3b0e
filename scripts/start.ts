/**
 * `npm start -- [--port N] [--host H] [--config FILE] [--stand-ins] [--repository DIR]`: the whole router on this machine.
 *
 * Embedded defaults: a classifier server in Node over model_repository, limits in memory, and, without NVIDIA_API_KEY
 * and without --config, stand-ins in place of the four LLMs.
 */
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ConfigError,
  loadConfig,
  type RouterConfig,
} from '../services/router-controller/src/config/index.ts';
import { describe, tryLine } from './lib/describe.ts';
import { LineUp } from './lib/line-up.ts';
import { ROOT } from './parts/lib.ts';

const HELP = `npm start -- [--port N] [--host H] [--config FILE] [--stand-ins] [--repository DIR]

  --port N       port of the router (default: the configuration's, 8084)
  --host H       address to listen on (default: 127.0.0.1)
  --config FILE  your policy table (default: config/router.yaml)
  --stand-ins    local stand-ins answer in place of that table's models; no keys needed
  --repository DIR  models of the embedded classifier (default: model_repository)

NVIDIA_API_KEY  calls the real models of config/router.yaml; without it local stand-ins answer
LLM_ROUTER_CLASSIFIER_URL  grpc://HOST:PORT or http://HOST:PORT of a Triton to use instead of the embedded classifier`;

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

function flags() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        config: { type: 'string' },
        'stand-ins': { type: 'boolean' },
        repository: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    fail(`${(error as Error).message}\n\n${HELP}`);
  }
}

const values = flags();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const configFile = values.config ? resolve(values.config) : join(ROOT, 'config', 'router.yaml');
const repository = values.repository ? resolve(values.repository) : join(ROOT, 'model_repository');
const standIns = values['stand-ins'] || (!values.config && !process.env.NVIDIA_API_KEY);
const lineUp = new LineUp('router-controller');

/** Policies of the embedded table need the embedded classifier, unless another one is named. */
async function classifierUrl(config: RouterConfig): Promise<string | null> {
  if (process.env.LLM_ROUTER_CLASSIFIER_URL) return process.env.LLM_ROUTER_CLASSIFIER_URL;
  if (values.config && !(await isOurs(config))) return null;
  const ready = await lineUp.service('router-server', [
    '--repository',
    repository,
    '--grpc-port',
    '0',
    '--http-port',
    '0',
  ]);
  return `grpc://${/grpc (\S+)/.exec(ready)![1]}`;
}

/**
 * Whether a configuration means the bundle's own classifier and nothing serves it yet: it wants models of
 * model_repository, from a name that exists only under compose and Kubernetes (v1's file says `router-server:8000`) or
 * from Triton's usual ports on this machine. Any other address is the user's own and is left alone, also while it is down.
 */
async function isOurs(config: RouterConfig): Promise<boolean> {
  for (const policy of config.table.policies.values()) {
    for (const { model, address, protocol } of policy.endpoints) {
      if (!existsSync(join(repository, model))) return false;
      const { hostname, port } = new URL(protocol === 'grpc' ? `http://${address}` : address);
      const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
      if (isHere ? !['8000', '8001'].includes(port) : await resolves(hostname)) return false;
      if (isHere && (await answers(hostname, Number(port)))) return false;
    }
  }
  return true;
}

const resolves = (hostname: string) =>
  lookup(hostname).then(
    () => true,
    () => false,
  );

/** True when something listens there. */
function answers(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (up: boolean) => {
      socket.destroy();
      done(up);
    };
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false));
  });
}

try {
  // Stand-ins need no keys, so the file is read as the controller will read it.
  const overrides = standIns ? { standInUrl: 'http://127.0.0.1:1' } : {};
  const config = await loadConfig(configFile, { overrides });
  console.log(`configuration ${configFile}`);
  console.log('starting the classifier …');
  const env: Record<string, string> = {};
  const classifier = await classifierUrl(config);
  if (classifier) env.LLM_ROUTER_CLASSIFIER_URL = classifier;
  console.log(classifier ? `classifier ${classifier}` : 'classifier as the configuration says');
  if (standIns) {
    const why = values['stand-ins'] ? '' : 'no NVIDIA_API_KEY: ';
    console.log(`${why}starting local stand-ins for the LLMs (their answers say so) …`);
    env.LLM_ROUTER_STAND_IN_URL = /ready (\S+)/.exec(
      await lineUp.service('stand-in-llms', ['--port', '0']),
    )![1]!;
  }
  console.log('starting the controller …');
  const args = [
    '--config',
    configFile,
    ...(values.port ? ['--port', values.port] : []),
    ...(values.host ? ['--host', values.host] : []),
  ];
  const url = /ready (\S+)/.exec(await lineUp.service('router-controller', args, env))![1]!;
  describe(config);
  console.log(`\ntry:\n${tryLine(url, config)}\n`);
  console.log(`listening on ${url}`);
} catch (error) {
  // Told to stop while it started: what was under way ends with it.
  if (lineUp.stopping) await lineUp.stop(0);
  console.error(
    error instanceof ConfigError
      ? error.message
      : `start failed: ${error instanceof Error ? error.message : error}`,
  );
  await lineUp.stop(1);
}
