/**
 * Starts the stand-in LLMs: `node src/main.ts [--host H] [--port N] [--exit-with-parent]`. Prints `ready URL` when it
 * answers and ends on SIGTERM.
 */
import { parseArgs } from 'node:util';
import { endWhenTold } from '../../process/src/ending.ts';
import { misuse } from '../../process/src/misuse.ts';
import { startStandInLlms } from './index.ts';

const ending = endWhenTold();

function flags() {
  try {
    return parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '0' },
        'exit-with-parent': { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    console.error(`${misuse(error)}\nnode src/main.ts [--host H] [--port N]`);
    process.exit(1);
  }
}
const values = flags();

const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`--port must be a number from 0 to 65535, not '${values.port}'`);
  process.exit(1);
}

try {
  const llms = await startStandInLlms({ port, host: values.host });
  ending.by(() => llms.close(), values['exit-with-parent']);
  console.log(`ready ${llms.url}`);
} catch (error) {
  const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const why = taken ? `port ${port} on ${values.host} is taken; choose another with --port` : String(error);
  console.error(`stand-in LLMs can’t start: ${why}`);
  process.exit(1);
}
