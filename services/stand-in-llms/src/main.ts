/**
 * Starts the stand-in LLMs: `node src/main.ts [--host H] [--port N] [--exit-with-parent]`. Prints `ready URL` when it
 * answers and ends on SIGTERM.
 */
import { parseArgs } from 'node:util';
import { startStandInLlms } from './index.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    'exit-with-parent': { type: 'boolean' },
  },
});

const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`--port must be a number from 0 to 65535, not '${values.port}'`);
  process.exit(1);
}

try {
  const llms = await startStandInLlms({ port, host: values.host });
  console.log(`ready ${llms.url}`);
  const stop = () => void llms.close().then(() => process.exit(0));
  process.once('SIGTERM', stop).once('SIGINT', stop);
  // A parent that is killed can't stop its children; the end of the pipe, or of the IPC channel, tells them.
  if (values['exit-with-parent']) {
    process.once('disconnect', stop);
    if (!process.connected) process.stdin.once('end', stop).once('error', stop).resume();
  }
} catch (error) {
  const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const why = taken ? `port ${port} on ${values.host} is taken; choose another with --port` : String(error);
  console.error(`stand-in LLMs can’t start: ${why}`);
  process.exit(1);
}
