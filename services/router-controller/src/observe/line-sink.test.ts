import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LineSink } from './line-sink.ts';

test('lines arrive whole and in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-sink-'));
  const file = join(folder, 'log');
  const fd = openSync(file, 'a');
  try {
    const sink = new LineSink({ fd });
    const lines = Array.from({ length: 5_000 }, (_, n) => `line ${n} ${'é'.repeat(n % 50)}`);
    for (const line of lines) sink.push(Buffer.from(`${line}\n`));
    await sink.drained(10_000);
    assert.equal(sink.waiting, 0);
    sink.push(Buffer.from('the last one\n'));
    sink.flushSync();
    assert.equal(readFileSync(file, 'utf8'), `${[...lines, 'the last one'].join('\n')}\n`);
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
});

/** Runs a program whose standard error nobody reads until it says so. */
const PROGRAM = `
import { createLog } from '${import.meta.resolve('./log.ts')}';
let dropped = 0;
const log = createLog({ level: 'info', onDropped: (lines) => { dropped += lines; } });
const filler = 'x'.repeat(1000);
let turns = 0;
const timer = setInterval(() => turns++, 1);
for (let n = 0; n < 20000; n++) {
  log.info('request', { n, filler });
  if (n % 200 === 0) await new Promise((resolve) => setImmediate(resolve));
}
const memory = process.memoryUsage();
console.log(JSON.stringify({ dropped, turns, memory: memory.arrayBuffers }));
await new Promise((resolve) => process.stdin.once('data', resolve));
clearInterval(timer);
log.info('after it was read again');
await log.finish();
process.exit();
`;

test('a reader that stops costs lines, not the process: bounded, counted, told', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], { stdio: 'pipe' });
  const [said] = await once(child.stdout, 'data');
  // Twenty megabytes were logged and the pipe holds 64 KiB: the loop went on, and memory stayed within the bound.
  const { dropped, turns, memory } = JSON.parse(String(said));
  assert.ok(dropped > 10_000 && dropped < 20_000, `${dropped} dropped`);
  assert.ok(turns > 0);
  assert.ok(memory < 32 * 1024 * 1024, `${memory} bytes held`);
  const parts: Buffer[] = [];
  child.stderr.on('data', (chunk) => parts.push(chunk));
  child.stdin.write('go on\n');
  await once(child, 'close');
  const lines = Buffer.concat(parts)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { message: string; n?: number; lines?: number });
  const numbered = lines.filter(({ message }) => message === 'request');
  assert.equal(numbered.length + dropped, 20_000);
  assert.deepEqual(
    numbered.map(({ n }) => n),
    numbered.map(({ n }) => n).sort((a, b) => a! - b!),
  );
  const told = lines.filter(({ message }) => message.startsWith('log lines were dropped'));
  assert.equal(
    told.reduce((sum, line) => sum + line.lines!, 0),
    dropped,
  );
  assert.ok(lines.some(({ message }) => message === 'after it was read again'));
});

test('a reader that is gone ends the log, not the process', async () => {
  const sink = new LineSink({ fd: 999_999, onDropped: (lines) => (dropped += lines) });
  let dropped = 0;
  sink.push(Buffer.from('a\n'));
  sink.push(Buffer.from('b\n'));
  await sink.drained(5_000);
  sink.push(Buffer.from('c\n'));
  assert.equal(dropped, 3);
  assert.equal(sink.waiting, 0);
});

test('lines of the last moment are written when the process exits at once', async () => {
  const program = `
    import { createLog } from '${import.meta.resolve('./log.ts')}';
    const log = createLog({ level: 'info' });
    log.error('can’t start');
    process.exit(3);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe' });
  const parts: Buffer[] = [];
  child.stderr.on('data', (chunk) => parts.push(chunk));
  const [code] = await once(child, 'close');
  assert.equal(code, 3);
  assert.match(Buffer.concat(parts).toString(), /can’t start/);
});

test('lines go to standard output by choice, with a severity and without a name that means a level elsewhere', async () => {
  for (const to of ['stdout', 'stderr'] as const) {
    const program = `
    import { createLog } from '${import.meta.resolve('./log.ts')}';
    const log = createLog({ level: 'debug', to: '${to}', severity: ${to === 'stdout'} });
    for (const level of ['error', 'warn', 'info', 'debug']) log[level]('request', { status: 502 });
    process.exit(0);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe' });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (out.stdout += chunk));
    child.stderr.on('data', (chunk) => (out.stderr += chunk));
    await once(child, 'close');
    assert.equal(out[to === 'stdout' ? 'stderr' : 'stdout'], '');
    const lines = out[to]
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['error', 'warn', 'info', 'debug'],
    );
    assert.deepEqual(
      lines.map(({ severity, status, http_status }) => [severity, status, http_status]),
      to === 'stdout'
        ? ['ERROR', 'WARNING', 'INFO', 'DEBUG'].map((severity) => [severity, undefined, 502])
        : Array(4).fill([undefined, 502, undefined]),
    );
  }
});
