/**
 * Starts a controller from the command line.
 *
 *     node src/main.ts --config FILE [--host HOST] [--port N]
 *
 * SIGHUP reads FILE again, as does any change of it. SIGTERM and SIGINT stop gracefully. With `server.workers` above 1 this
 * process keeps as many others, which serve the port together.
 *
 * Environment: LLM_ROUTER_CLASSIFIER_URL and LLM_ROUTER_STAND_IN_URL replace the file's addresses (see Overrides).
 */
import { inspect, parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { endWhenTold } from '../../process/src/ending.ts';
import { environmentFrom } from '../../process/src/late-environment.ts';
import { misuse } from '../../process/src/misuse.ts';
import { ConfigError, loadConfig, type RouterConfig } from './config/index.ts';
import { LabelMismatch } from './decide/index.ts';
import { inSources, secrets } from './observe/index.ts';
import { startRouter } from './router.ts';
import { FirstWorkerFailed, keepWorkers, ownOf, WorkerSide, workerNumber } from './workers/index.ts';

/**
 * The old generation is collected when it has grown by half, not fourfold: a heap of 60 MB otherwise waits for 200. It costs no CPU
 * that could be measured (docs/measurements/speed.md).
 */
setFlagsFromString('--heap-growing-percent=50');
// The young generation is small: what several threads do to it side by side is less than what it costs to share the work out.
setFlagsFromString('--no-parallel-scavenge');
// Many requests are under way at each young collection, and V8 takes what outlives most of these for what lives long: it then makes
// such objects old ones from the start, which, once dead, keep whole requests until the next full collection. Collections cost twice
// as much in every fourth process or so, for as long as it ran.
setFlagsFromString('--no-allocation-site-pretenuring');

function fail(message: string): never {
  console.error(secrets.text(message));
  process.exit(1);
}

// A terminal's Ctrl-C comes to all processes; for workers it is the primary that says so.
const ending = endWhenTold({
  say: fail,
  signals: workerNumber() === null ? ['SIGTERM', 'SIGINT'] : ['SIGTERM'],
});
// Until there is something to reload, the signal must not kill it.
let reload = (_trigger: string) => {};
process.on('SIGHUP', () => reload('SIGHUP'));

// Node would print the error as it is, and libraries put headers into theirs.
process.on('uncaughtException', (error) => fail(inSources(inspect(error))));

function withFlags(
  config: RouterConfig,
  flags: { host?: string | undefined; port?: string | undefined },
): RouterConfig {
  const port = flags.port === undefined ? config.file.server.port : Number(flags.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    fail(`--port must be a number from 0 to 65535, not '${flags.port}'`);
  const server = { ...config.file.server, port, host: flags.host ?? config.file.server.host };
  return { ...config, file: { ...config.file, server } };
}

function flags() {
  try {
    return parseArgs({
      options: {
        config: { type: 'string' },
        host: { type: 'string' },
        port: { type: 'string' },
        'exit-with-parent': { type: 'boolean' },
        'environment-from-stdin': { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    return fail(`${misuse(error)}\nnode src/main.ts --config FILE [--host HOST] [--port N]`);
  }
}
const values = flags();
if (!values.config) fail('--config FILE is missing');

const number = workerNumber();
// A worker has it from the primary.
if (values['environment-from-stdin'] && number === null)
  Object.assign(process.env, (await environmentFrom()) ?? process.exit(0));

const { LLM_ROUTER_CLASSIFIER_URL: classifierUrl, LLM_ROUTER_STAND_IN_URL: standInUrl } = process.env;
const overrides = { ...(classifierUrl && { classifierUrl }), ...(standInUrl && { standInUrl }) };

const side = number === null ? null : new WorkerSide();

/**
 * Most functions run once a request. V8 optimises what has run 400 times, and fully after 3,000: a router with a request a second would
 * take its first hour for that, and what is optimised anew waits as long again. Hundreds of runs have shown what they show. Not before
 * the start is over, which runs much that no request does.
 */
function optimiseSooner(): void {
  setFlagsFromString('--invocation-count-for-maglev=100');
  setFlagsFromString('--invocation-count-for-turbofan=300');
}

async function serve(config: RouterConfig, load: () => Promise<RouterConfig>): Promise<void> {
  const page = side && (() => side.page());
  const router = await startRouter({ config, load, watch: true, worker: number, ...(page && { page }) });
  optimiseSooner();
  ending.by(router.stop, values['exit-with-parent'] && !side);
  const again = (trigger: string) => void router.reload(trigger);
  if (side) {
    side.ready(router.url, router.metrics.registry, { reload: again, stop: ending.now });
    return;
  }
  reload = again;
  console.log(`ready ${router.url}`);
}

async function serveByWorkers(config: RouterConfig): Promise<void> {
  const workers = await keepWorkers(config.file, process.argv.slice(2));
  ending.by((why) => workers.stop(why), values['exit-with-parent']);
  reload = (trigger) => workers.reload(trigger);
  console.log(`ready ${workers.url}`);
}

try {
  const file = values.config;
  const load = async () => ownOf(withFlags(await loadConfig(file, { overrides }), values), number);
  const config = await load();
  if (number === null && config.file.server.workers > 1) await serveByWorkers(config);
  else await serve(config, load);
} catch (error) {
  // It has said why.
  if (error instanceof FirstWorkerFailed) process.exit(error.code);
  if (error instanceof ConfigError || error instanceof LabelMismatch) fail(error.message);
  fail(error instanceof Error ? error.message : String(error));
}
