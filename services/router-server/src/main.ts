/**
 * Starts the embedded classifier server; `--help` tells the options.
 *
 * Prints `ready grpc HOST:PORT http URL` when it serves, as a line of the log with --log-format json.
 */
import { parseArgs } from 'node:util';
import { endWhenTold } from '../../process/src/ending.ts';
import './no-telemetry.ts';
import { misuseWithHelp } from '../../process/src/misuse.ts';
import { HELP } from './help.ts';
import { startRouterServer } from './index.ts';
import { createLog, LOG_FORMATS, type LogFormat } from './log.ts';

function fail(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}

function flags() {
  try {
    return parseArgs({
      options: {
        repository: { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        'grpc-port': { type: 'string', default: '8001' },
        'http-port': { type: 'string', default: '8000' },
        'poll-seconds': { type: 'string', default: '2' },
        threads: { type: 'string' },
        'manage-from': { type: 'string' },
        'log-format': { type: 'string', default: 'text' },
        'exit-with-parent': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    fail(misuseWithHelp(error, HELP), 2);
  }
}

const ending = endWhenTold();
const values = flags();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

function number(
  flag: 'grpc-port' | 'http-port' | 'poll-seconds' | 'threads',
  least: number,
  most: number,
): number {
  const value = Number(values[flag]);
  const isWhole = flag === 'poll-seconds' || Number.isInteger(value);
  if (values[flag]?.trim() === '' || !isWhole || !(value >= least && value <= most))
    fail(`--${flag} must be a number from ${least} to ${most}, not '${values[flag]}'`, 2);
  return value;
}

if (!values.repository) fail(`--repository DIR is missing\n\n${HELP}`, 2);

const format = values['log-format'] as LogFormat;
if (!LOG_FORMATS.includes(format))
  fail(`--log-format must be ${LOG_FORMATS.join(' or ')}, not '${format}'`, 2);
const log = createLog(format);

const server = await startRouterServer({
  repository: values.repository,
  host: values.host,
  grpcPort: number('grpc-port', 0, 65_535),
  httpPort: number('http-port', 0, 65_535),
  pollSeconds: number('poll-seconds', 0, 86_400),
  ...(values.threads !== undefined && { threads: number('threads', 1, 256) }),
  ...(values['manage-from'] !== undefined && {
    manageFrom:
      values['manage-from'] === 'none' ? [] : values['manage-from'].split(',').map((entry) => entry.trim()),
  }),
  log,
}).catch((error: Error) => {
  log(`can’t start: ${error.message}`, 'error');
  process.exit(1);
});
ending.by(() => server.close(), values['exit-with-parent']);
const ready = `ready grpc ${server.grpc} http ${server.http}`;
if (format === 'json') log(ready);
else console.log(ready);
