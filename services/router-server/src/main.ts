/**
 * Starts the embedded classifier server.
 *
 *     node src/main.ts --repository DIR [--host H] [--grpc-port N] [--http-port N] [--poll-seconds N] [--threads N]
 *                      [--exit-with-parent]
 *
 * Prints `ready grpc HOST:PORT http URL` when it serves.
 */
import { parseArgs } from 'node:util';
import { startRouterServer } from './index.ts';

const { values } = parseArgs({
  options: {
    repository: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    'grpc-port': { type: 'string', default: '8001' },
    'http-port': { type: 'string', default: '8000' },
    'poll-seconds': { type: 'string', default: '2' },
    threads: { type: 'string' },
    'exit-with-parent': { type: 'boolean' },
  },
});
if (!values.repository) {
  console.error('--repository DIR is missing');
  process.exit(2);
}

const server = await startRouterServer({
  repository: values.repository,
  host: values.host,
  grpcPort: Number(values['grpc-port']),
  httpPort: Number(values['http-port']),
  pollSeconds: Number(values['poll-seconds']),
  ...(values.threads && { threads: Number(values.threads) }),
  log: (line) => console.error(`router-server: ${line}`),
});
console.log(`ready grpc ${server.grpc} http ${server.http}`);

const stop = () => void server.close().then(() => process.exit(0));
process.once('SIGTERM', stop).once('SIGINT', stop);
// A parent that is killed can't stop its children; the end of the pipe tells them.
if (values['exit-with-parent']) process.stdin.once('end', stop).once('error', stop).resume();
