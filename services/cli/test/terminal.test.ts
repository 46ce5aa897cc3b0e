/** On a terminal of its own: progress that is written over, and a screen that is left as it was found. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { onTerminal } from '../../../scripts/captures/terminal.ts';
import { runCommand } from './run-command.ts';

const CLEAR = '\r\x1b[K';
const CTRL_C = '\x03';

/** Its metrics come so often; then it takes requests and never answers. */
async function silentAfter(answers: number): Promise<{ url: string; close: () => void }> {
  let left = answers;
  const server: Server = createServer((_request, response) => {
    if (left-- > 0) response.end('llm_router_requests_total 1\n');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

let silent: Awaited<ReturnType<typeof silentAfter>>;
let once: typeof silent;
before(async () => {
  [silent, once] = await Promise.all([silentAfter(0), silentAfter(1)]);
});
after(() => {
  silent.close();
  once.close();
});

/** Ctrl-C as soon as the terminal shows it. @returns what was written, without the terminal's own echo */
async function until(
  words: readonly string[],
  shows: RegExp,
  more: { columns?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const typed = [{ at: shows, text: CTRL_C }];
  const written = await onTerminal(words, { cwd: process.cwd(), typed, ...more });
  return written.replaceAll(CTRL_C, '');
}

test('a line is written over, fits a narrow terminal, and Ctrl-C ends it', async () => {
  const written = await until(['chat', '--url', silent.url, 'hi'], / \d+ s[\s\S]* \d+ s/, { columns: 30 });
  const [first, ...lines] = written.split(CLEAR);
  assert.equal(first, '');
  assert.ok(lines.length >= 2, JSON.stringify(written));
  for (const line of lines) assert.match(line, /^waiting for the answer … \d+ s$/);
  const narrow = await until(['chat', '--url', silent.url, 'hi'], /waiting for the an\r/, { columns: 19 });
  for (const line of narrow.split(CLEAR)) assert.ok(line.length < 19 && !line.includes('\n'), line);
});

for (const [name, server, shows] of [
  ['while it waits for the first answer', () => silent, /asking http\S+ … \d+ s/],
  ['while a router does not answer any more', () => once, /first figures in 0\.2 s/],
] as const)
  test(`top gives the screen back, its cursor too: ${name}`, async () => {
    const { url } = server();
    const written = await until(['top', '--url', url, '--every', '0.2'], shows);
    const [hidden, shown] = [written.lastIndexOf('\x1b[?25l'), written.lastIndexOf('\x1b[?25h')];
    assert.ok(hidden < 0 || shown > hidden, JSON.stringify(written));
    assert.equal(written.includes('\x1b[?1049h'), written.includes('\x1b[?1049l'));
    assert.equal(written.includes('\x1b[?7l'), written.includes('\x1b[?7h'));
    assert.doesNotMatch(written, / at .*\.ts:/);
  });

test('a terminal that is no more than a printer gets lines; no colour where none is wanted', async () => {
  const escaped = '\x1b';
  const dumb = await until(['loadtest', '--url', silent.url, '--seconds', '60'], /under way/, {
    env: { TERM: 'dumb' },
  });
  assert.ok(!dumb.includes(escaped), JSON.stringify(dumb));
  const config = ['route', '--why', '--url', silent.url, 'hi'];
  const plain = await until(config, / \d+ s/, { env: { NO_COLOR: '1' } });
  assert.ok(!plain.replaceAll(CLEAR, '').includes(escaped), JSON.stringify(plain));
});

test('in a pipe nothing is written over', async () => {
  const { out, err } = await runCommand([
    'loadtest',
    '--url',
    silent.url,
    '--seconds',
    '1',
    '--timeout',
    '3',
  ]);
  assert.match(out, /\n {4}2 s: 5 sent, /);
  assert.doesNotMatch(out + err, /[^\P{Cc}\n]/u);
});
