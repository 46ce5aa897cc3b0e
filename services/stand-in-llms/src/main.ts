/** Starts the stand-in LLMs: `node src/main.ts [--port N] [--exit-with-parent]`. Prints `ready URL`. */
import { parseArgs } from 'node:util';
import { startStandInLlms } from './index.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string' },
    port: { type: 'string', default: '0' },
    'exit-with-parent': { type: 'boolean' },
  },
});

const llms = await startStandInLlms({ port: Number(values.port), ...(values.host && { host: values.host }) });
console.log(`ready ${llms.url}`);

const stop = () => void llms.close().then(() => process.exit(0));
process.once('SIGTERM', stop).once('SIGINT', stop);
// A parent that is killed can't stop its children; the end of the pipe tells them.
if (values['exit-with-parent']) process.stdin.once('end', stop).once('error', stop).resume();
