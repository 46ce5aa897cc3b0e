/**
 * `npm run evaluate -- --policy task_router --data FILE.jsonl [--endpoint HOST:PORT] [--json]`: figures of a running classifier
 * on a labelled file. Without --endpoint the embedded router-server is started over model_repository. Prompts go one at
 * a time, so that latencies are a request's own and no answer depends on its neighbours.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRouterServer } from '../services/router-server/src/index.ts';
import { BadRows } from './evaluate/rows.ts';
import { evaluate } from './evaluate/run.ts';
import { table } from './evaluate/scores.ts';
import { ROOT } from './parts/lib.ts';

const HELP = `npm run evaluate -- --policy NAME --data FILE.jsonl [--endpoint HOST:PORT] [--repository DIR] [--config FILE] [--json]

  --policy NAME         task_router, complexity_router, intent_router or one of your own; its model is NAME_ensemble
  --data FILE           JSON lines: {"prompt": "…", "task" | "complexity" | "intent" | "label": "…"}; a null label is passed over;
                        or {"body": {a whole request}, "task": …, "target": "a name or a list"}, understood as in the router
  --endpoint HOST:PORT  gRPC port of a Triton or router-server (default: one is started)
  --repository DIR      what that one serves (default: model_repository)
  --config FILE         whose policy NAME says rules and targets for bodies (default: config/router.yaml)
  --json                the last line is one JSON object`;

const PROGRESS_MS = 1_000;

function fail(message: string, code = 1): never {
  console.error(message);
  process.exit(code);
}

function flags() {
  try {
    return parseArgs({
      options: {
        policy: { type: 'string' },
        data: { type: 'string' },
        endpoint: { type: 'string' },
        repository: { type: 'string', default: join(ROOT, 'model_repository') },
        config: { type: 'string', default: join(ROOT, 'config/router.yaml') },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    fail(`${(error as Error).message}\n\n${HELP}`, 2);
  }
}

const { policy, data, endpoint, repository, config, json, help } = flags();
if (help) {
  console.log(HELP);
  process.exit(0);
}
if (!policy || !data) fail(`${policy ? '--data' : '--policy'} is missing\n\n${HELP}`, 2);
if (endpoint !== undefined && !/^[^/\s]+:\d+$/.test(endpoint)) {
  fail(`--endpoint wants HOST:PORT of a gRPC server, for example 127.0.0.1:8001, not '${endpoint}'`, 2);
}

let told = 0;
/** A bar in a terminal, a line now and then in a log; standard output stays for the figures. */
function progress(done: number, of: number): void {
  if (done < of && Date.now() - told < PROGRESS_MS) return;
  told = Date.now();
  const share = done / of;
  const bar = '█'.repeat(Math.round(share * 30)).padEnd(30, '░');
  const text = `${bar} ${done} of ${of} (${Math.floor(share * 100)} %)`;
  process.stderr.write(process.stderr.isTTY ? `\r${text}${done === of ? '\n' : ''}` : `${text}\n`);
}

try {
  const server = endpoint ? null : await startRouterServer({ repository, pollSeconds: 0 });
  if (server) console.error(`embedded router-server on ${server.grpc}`);
  try {
    const scores = await evaluate(endpoint ?? server!.grpc, policy, data, config, progress);
    const report = scores.report();
    console.log(`${policy} on ${data}\n\n${table(report, scores)}`);
    if (json) console.log(JSON.stringify(report));
  } finally {
    await server?.close();
  }
} catch (error) {
  const where = error instanceof BadRows ? '' : `${endpoint ?? 'router-server'}: `;
  fail(`${where}${(error as Error).message}`);
}
