/**
 * Starts a controller from the command line.
 *
 *     node src/main.ts --config FILE [--host HOST] [--port N]
 *
 * SIGHUP reads FILE again, as does any change of it. SIGTERM and SIGINT stop gracefully.
 *
 * Environment: LLM_ROUTER_CLASSIFIER_URL and LLM_ROUTER_STAND_IN_URL replace the file's addresses (see Overrides).
 */
import { inspect, parseArgs } from 'node:util';
import { ConfigError, loadConfig, type RouterConfig } from './config/index.ts';
import { LabelMismatch } from './decide/index.ts';
import { secrets } from './observe/index.ts';
import { startRouter } from './router.ts';

function fail(message: string): never {
  console.error(secrets.text(message));
  process.exit(1);
}

// Node would print the error as it is, and libraries put headers into theirs.
process.on('uncaughtException', (error) => fail(inspect(error)));

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

const { values } = parseArgs({
  options: {
    config: { type: 'string' },
    host: { type: 'string' },
    port: { type: 'string' },
    'exit-with-parent': { type: 'boolean' },
  },
});
if (!values.config) fail('--config FILE is missing');

const { LLM_ROUTER_CLASSIFIER_URL: classifierUrl, LLM_ROUTER_STAND_IN_URL: standInUrl } = process.env;
const overrides = { ...(classifierUrl && { classifierUrl }), ...(standInUrl && { standInUrl }) };

try {
  const file = values.config;
  const load = async () => withFlags(await loadConfig(file, { overrides }), values);
  const router = await startRouter({ config: await load(), load, watch: true });
  console.log(`ready ${router.url}`);
  process.on('SIGHUP', () => void router.reload('SIGHUP'));
  const stop = (signal: string) => {
    process.exitCode = 0;
    router.stop().then(
      () => process.exit(),
      (error) => fail(`stop after ${signal} failed: ${error}`),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(signal));
  if (values['exit-with-parent'])
    process.stdin
      .once('end', () => stop('parent gone'))
      .once('error', () => {})
      .resume();
} catch (error) {
  if (error instanceof ConfigError || error instanceof LabelMismatch) fail(error.message);
  fail(error instanceof Error ? error.message : String(error));
}
