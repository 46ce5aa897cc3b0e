/** The flags of `npm run stack`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../parts/lib.ts';

export const HELP = `npm run stack -- [--classifier triton|router-server] [--config FILE] [--stand-ins] [--port N] …

  --classifier KIND     triton (default): a real one, from its wheel; router-server: lighter, starts in a second
  --config FILE         your policy table (default: config/stack.yaml)
  --stand-ins           local stand-ins answer in place of FILE's models (default without --config and NVIDIA_API_KEY)
  --rules FILE          Prometheus' rules (default: deploy/prometheus/rules/llm-router.yaml)
  --scrape-seconds N    between scrapes (default: 5)
  --port N              the router's (default: 8084); 0 takes a free one, also of these:
  --playground-port N   default: 8008
  --prometheus-port N   default: 9090

NVIDIA_API_KEY      calls the real models
LLM_ROUTER_API_KEY  the key that the router asks of callers (default: a new one, which is printed)
REDIS_URL, REDIS_PASSWORD  a Redis of your own (default: one is started, with a password of its own)

Examples:
  $ llm-router stack --classifier router-server
      all of it with the lighter classifier and local stand-ins
  $ llm-router stack --config router.yaml --port 9000
      your own table, on another port`;

export interface StackOptions {
  readonly classifier: 'triton' | 'router-server';
  readonly config: string;
  readonly standIns: boolean;
  readonly rules: string;
  readonly scrapeSeconds: number;
  readonly port: number;
  readonly playgroundPort: number;
  readonly prometheusPort: number;
}

/** @returns null: only help is wanted. @throws Error that says which flag is wrong. */
export function stackOptions(args: readonly string[]): StackOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      classifier: { type: 'string', default: 'triton' },
      config: { type: 'string' },
      'stand-ins': { type: 'boolean' },
      rules: { type: 'string' },
      'scrape-seconds': { type: 'string', default: '5' },
      port: { type: 'string', default: '8084' },
      'playground-port': { type: 'string', default: '8008' },
      'prometheus-port': { type: 'string', default: '9090' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const number = (
    flag: 'scrape-seconds' | 'port' | 'playground-port' | 'prometheus-port',
    from: number,
    to: number,
  ) => {
    const value = Number(values[flag]);
    if (values[flag].trim() === '' || !Number.isInteger(value) || value < from || value > to)
      throw new Error(`--${flag} must be a number from ${from} to ${to}, not '${values[flag]}'`);
    return value;
  };
  const { classifier } = values;
  if (classifier !== 'triton' && classifier !== 'router-server')
    throw new Error(`--classifier must be triton or router-server, not '${classifier}'`);
  return {
    classifier,
    config: values.config ? resolve(values.config) : resolve(ROOT, 'config/stack.yaml'),
    standIns: values['stand-ins'] ?? (!values.config && !process.env.NVIDIA_API_KEY),
    rules: resolve(values.rules ?? resolve(ROOT, 'deploy/prometheus/rules/llm-router.yaml')),
    scrapeSeconds: number('scrape-seconds', 1, 3_600),
    port: number('port', 0, 65_535),
    playgroundPort: number('playground-port', 0, 65_535),
    prometheusPort: number('prometheus-port', 0, 65_535),
  };
}
