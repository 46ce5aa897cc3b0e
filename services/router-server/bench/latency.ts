/**
 * How long a decision takes: `node bench/latency.ts [--server router-server|triton] [--repository DIR] [--model M]
 * [--seconds N] [--threads N] [--markdown]`, or `--endpoint HOST:PORT [--pid N]` for a server that runs already.
 *
 * Over gRPC, so that real Triton and this server are measured by the same script. Texts of about 32, 64, 128 and 512
 * tokens; requests of 1, 8 and 32 rows one at a time, then 32 requests of one row at once, which the server may gather.
 * CPU is the server's own, from /proc (Linux), with its children's.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createKServeClient, encodeBytes, type KServeClient, readOutput } from '@llm-router/protos';
import { startTriton } from '../../triton/src/start-triton.ts';

const SERVICE = fileURLToPath(new URL('..', import.meta.url));
const TOKENS = [32, 64, 128, 512];
const SHAPES = [
  { rows: 1, atOnce: 1 },
  { rows: 8, atOnce: 1 },
  { rows: 32, atOnce: 1 },
  { rows: 1, atOnce: 32 },
];
/** Milliseconds per tick of /proc's times; Linux counts 100 a second on all machines we know. */
const TICK_MS = 10;
const SENTENCE =
  'Please explain to me how a compiler turns a program into machine code and which of its steps take the most time'.split(
    ' ',
  );

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'router-server' },
    repository: { type: 'string', default: join(SERVICE, '..', '..', 'model_repository') },
    markdown: { type: 'boolean' },
    endpoint: { type: 'string' },
    pid: { type: 'string' },
    model: { type: 'string', default: 'task_router_ensemble' },
    seconds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '1' },
  },
});
const seconds = Number(values.seconds);

interface Measured {
  readonly endpoint: string;
  readonly pid: number;
  readonly stop: () => unknown;
}

/** This server in a process of its own, so that the measuring costs are not its. */
async function startOurs(repository: string, threads: string): Promise<Measured> {
  const args = [join(SERVICE, 'src', 'main.ts'), '--repository', repository, '--threads', threads];
  const free = ['--grpc-port', '0', '--http-port', '0', '--exit-with-parent'];
  const child = spawn(process.execPath, [...args, ...free], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ready = Promise.withResolvers<string>();
  child.stdout.on('data', (chunk) => {
    const grpc = /ready.*grpc (\S+)/.exec(chunk.toString());
    if (grpc) ready.resolve(grpc[1]!);
  });
  child.once('exit', () => ready.reject(new Error('router-server ended before it was ready')));
  return { endpoint: await ready.promise, pid: child.pid!, stop: () => child.kill() };
}

async function startTheirs(repository: string, threads: string): Promise<Measured> {
  process.env.ORT_THREADS = threads;
  const triton = await startTriton({ repository, modelControl: 'none' });
  return { endpoint: triton.grpc, pid: triton.process.pid!, stop: triton.stop };
}

/** CPU that a process and its living children have used, ms. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const own = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.reduce((sum, child) => sum + cpuOf(child), own);
}

/** Each text is another one: no cache may answer. */
let serial = 0;
function textOf(tokens: number): string {
  const words = Array.from({ length: tokens - 4 }, (_, i) => SENTENCE[(i + serial) % SENTENCE.length]!);
  return `${serial++} ${words.join(' ')}`;
}

/** @param ask what is asked for; the tokens that were read are no output of an ensemble for the common way, so the tokenizer is asked. */
function infer(
  client: KServeClient,
  tokens: number,
  rows: number,
  ask: { model: string; output: string } = { model: values.model!, output: 'OUTPUT' },
): Promise<number> {
  const texts = Array.from({ length: rows }, () => textOf(tokens));
  const request = {
    model_name: ask.model,
    inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [rows, 1] }],
    outputs: [{ name: ask.output }],
    raw_input_contents: [encodeBytes(texts)],
  };
  return new Promise((resolve, reject) => {
    client.ModelInfer(request, { deadline: Date.now() + 60_000 }, (error, response) =>
      error ? reject(error) : resolve(readOutput(response, ask.output)?.numbers[0] ?? 0),
    );
  });
}

async function measure(
  client: KServeClient,
  pid: number | null,
  tokens: number,
  rows: number,
  atOnce: number,
) {
  const counted = await infer(client, tokens, rows, { model: 'prompt_tokenizer', output: 'TOKEN_COUNT' });
  const times: number[] = [];
  const cpu = pid === null ? 0 : cpuOf(pid);
  const begun = performance.now();
  const until = begun + seconds * 1000;
  const worker = async () => {
    while (performance.now() < until) {
      const started = performance.now();
      await infer(client, tokens, rows);
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const wall = performance.now() - begun;
  const used = pid === null ? Number.NaN : cpuOf(pid) - cpu;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  const prompts = times.length * rows;
  return {
    tokens: counted,
    rows,
    'at once': atOnce,
    'p50 ms': at(0.5).toFixed(2),
    'p99 ms': at(0.99).toFixed(2),
    'prompts/s': Math.round((prompts / wall) * 1000),
    'CPU ms/prompt': (used / prompts).toFixed(2),
  };
}

const started = values.endpoint
  ? null
  : await (values.server === 'triton' ? startTheirs : startOurs)(
      resolve(values.repository!),
      values.threads!,
    );
const pid = started?.pid ?? (values.pid ? Number(values.pid) : null);
const client = createKServeClient(started?.endpoint ?? values.endpoint!);
const table = [];
for (const tokens of TOKENS) {
  for (const { rows, atOnce } of SHAPES) table.push(await measure(client, pid, tokens, rows, atOnce));
}
if (values.markdown) {
  const heads = Object.keys(table[0]!);
  const line = (cells: readonly unknown[]) => `| ${cells.join(' | ')} |`;
  console.log(
    [line(heads), line(heads.map(() => '---:')), ...table.map((row) => line(Object.values(row)))].join('\n'),
  );
} else console.table(table);
client.close();
await started?.stop();
