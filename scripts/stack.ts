/**
 * `npm run stack`: the processes of deploy/compose on this machine, without Docker, in the foreground: a real Triton,
 * Redis, Prometheus with the alerts, stand-in LLMs without NVIDIA_API_KEY, the controller and the playground.
 */

import { LineUp } from '../services/cli/src/processes/line-up.ts';
import { describe, tryLine } from '../services/cli/src/start/describe.ts';
import { misuseWithHelp } from '../services/process/src/misuse.ts';
import { ConfigError } from '../services/router-controller/src/config/index.ts';
import { HELP, type StackOptions, stackOptions } from './stack/options.ts';
import { portsTaken } from './stack/ports.ts';
import { StackStarter } from './stack/start-stack.ts';

function options(): StackOptions {
  try {
    const given = stackOptions(process.argv.slice(2));
    if (given) return given;
    console.log(HELP);
    process.exit(0);
  } catch (error) {
    console.error(misuseWithHelp(error, HELP));
    process.exit(2);
  }
}

const given = options();
const lineUp = new LineUp('router-controller');
try {
  const taken = await portsTaken(given);
  if (taken.length > 0) throw new Error(taken.join('\n'));
  const { config, url, key, addresses } = await new StackStarter(given, lineUp).start();
  describe(config);
  const width = Math.max(...addresses.map(([name]) => name.length));
  console.log(`\n${addresses.map(([name, address]) => `  ${name.padEnd(width)}  ${address}`).join('\n')}`);
  console.log(`\nkey of this run: ${process.env.LLM_ROUTER_API_KEY ? 'the one in LLM_ROUTER_API_KEY' : key}`);
  console.log(
    `\ntry:\n${tryLine(url, config, process.env.LLM_ROUTER_API_KEY ? '$LLM_ROUTER_API_KEY' : key)}`,
  );
  console.log(
    '\ndashboards need Grafana: import deploy/grafana/dashboards, with Prometheus above as the data source',
  );
  console.log('\nstack is up; Ctrl-C ends it');
} catch (error) {
  // Told to stop while it started: what was under way ends with it.
  if (lineUp.stopping) await lineUp.stop(0);
  console.error(
    error instanceof ConfigError
      ? error.message
      : `the stack did not start: ${error instanceof Error ? error.message : error}`,
  );
  await lineUp.stop(1);
}
