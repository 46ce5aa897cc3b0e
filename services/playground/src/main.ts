/**
 * Starts the playground; `--help` tells the options.
 *
 * Prints `ready URL` when it serves and ends on SIGTERM.
 */
import { parseArgs } from 'node:util';
import { endWhenTold } from '../../process/src/ending.ts';
import { misuseWithHelp } from '../../process/src/misuse.ts';
import { HELP } from './help.ts';
import { isLoopback, startPlayground } from './index.ts';
import { proxyProblem } from './proxies.ts';

function fail(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}

function flags() {
  try {
    return parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '8008' },
        'exit-with-parent': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    fail(misuseWithHelp(error, HELP), 2);
  }
}

function routerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url;
  // The text itself may hold a password.
  return fail('LLM_ROUTER_URL must be an http or https URL without user and password in it', 2);
}

const ending = endWhenTold();
const values = flags();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const port = Number(values.port);
if (!/^\d+$/.test(values.port) || port > 65_535)
  fail(`--port must be a number from 0 to 65535, not '${values.port}'`, 2);

const { host } = values;
const router = routerUrl(process.env.LLM_ROUTER_URL || 'http://127.0.0.1:8084');
const apiKey = process.env.LLM_ROUTER_API_KEY?.trim() || null;
if (apiKey !== null && !/^[\x21-\x7e]+$/.test(apiKey))
  fail('LLM_ROUTER_API_KEY holds characters that no key has', 2);
const listOf = (text = '') =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
const hosts = listOf(process.env.PLAYGROUND_HOSTS);
for (const name of hosts)
  if (name !== '*' && !/^[\w.-]+$/.test(name))
    fail(`PLAYGROUND_HOSTS lists host names without ports, not '${name}'`, 2);
const password = process.env.PLAYGROUND_PASSWORD || null;
const trustedProxies = listOf(process.env.PLAYGROUND_TRUSTED_PROXIES);
const problem = proxyProblem(trustedProxies);
if (problem !== null) fail(`PLAYGROUND_TRUSTED_PROXIES ${problem}`, 2);

const log = (line: string) => console.error(`playground: ${line}`);
const playground = await startPlayground({
  host,
  port,
  hosts,
  router,
  apiKey,
  password,
  trustedProxies,
  log,
}).catch((error: NodeJS.ErrnoException) =>
  fail(
    `playground: can’t start: ${
      error.code === 'EADDRINUSE'
        ? `port ${port} on ${host} is taken; choose another with --port`
        : error.message
    }`,
    1,
  ),
);
log(`relays to ${router.href} ${apiKey ? 'with LLM_ROUTER_API_KEY' : 'without a key'}`);
if (!isLoopback(host)) {
  log(
    `WARNING: ${host} can be reached from other machines. Whoever ${
      password ? 'knows the password' : 'reaches the page'
    } uses the router with this server’s key, and at its cost.${
      password ? '' : ' Set PLAYGROUND_PASSWORD, or publish the port on loopback only.'
    }`,
  );
}
ending.by(() => playground.close(), values['exit-with-parent']);
console.log(`ready ${playground.url}`);
