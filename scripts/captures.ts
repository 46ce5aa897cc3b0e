/**
 * `npm run captures [-- --json]`: writes the pictures of the command line and of the load report in docs/how-to/captures, from
 * real runs on this machine. Their figures are those of the run.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { reportPictures } from '../docs/test/report-pictures.ts';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { exitWhenTold } from '../services/process/src/ending.ts';
import { waiting } from '../services/process/src/progress.ts';
import { FOLDER, TERMINALS } from './captures/list.ts';
import { screenOf } from './captures/screen.ts';
import { svgOf } from './captures/svg.ts';
import { COLUMNS, onTerminal } from './captures/terminal.ts';
import { startExamplesRouter } from './examples/router.ts';
import { ROOT } from './parts/lib.ts';

/** Traffic for `top` and the report: long enough for lines over time. */
const LOAD_SECONDS = '30';

const { values } = parseArgs({ options: { json: { type: 'boolean' } } });
const end = lastLine(values.json);
const written: string[] = [];

function write(name: string, content: string | Buffer): void {
  const path = join(FOLDER, name);
  writeFileSync(join(ROOT, path), content);
  written.push(path);
  console.log(`wrote ${path}`);
}

/** A run's own folders and free ports say nothing to a reader. */
const plain = (output: string, cwd: string) =>
  output
    .replaceAll(`${cwd}/`, '')
    .replaceAll(`${ROOT}/`, '')
    .replaceAll(/127\.0\.0\.1:\d{4,5}/g, '127.0.0.1:8084');

function terminal(name: keyof typeof TERMINALS, command: string, output: string, cwd: string): void {
  write(name, svgOf(screenOf(plain(output, cwd), COLUMNS), TERMINALS[name], command));
}

const cwd = mkdtempSync(join(tmpdir(), 'llm-router-captures-'));
exitWhenTold();
process.once('exit', () => rmSync(cwd, { recursive: true, force: true }));
mkdirSync(join(ROOT, FOLDER), { recursive: true });
const router = await waiting('starting the router', startExamplesRouter);
try {
  const asked = onTerminal(['init'], {
    cwd,
    typed: [
      { at: /numbers, with commas/, text: '1,own\n' },
      { at: /address of the smallest/, text: 'http://gpu1:8000\n' },
      { at: /its model/, text: 'qwen3-8b\n' },
      { at: /variable/, text: '\n' },
      { at: /a stronger one/, text: '\n' },
    ],
  });
  terminal('init.svg', 'npx llm-router init', await waiting('init', () => asked), cwd);
  const doctor = await waiting('doctor', () =>
    onTerminal(['doctor', '--config', join(ROOT, 'config', 'router.yaml')], { cwd }),
  );
  terminal('doctor.svg', 'npx llm-router doctor', doctor, cwd);

  const html = join(cwd, 'report.html');
  let top: ChildProcess | undefined;
  const watched = onTerminal(['top', '--url', router.url], {
    cwd,
    onStart: (child) => {
      top = child;
    },
  });
  const load = ['loadtest', '--url', router.url, '--rate', '5', '--seconds', LOAD_SECONDS, '--html', html];
  await waiting(`loadtest of ${LOAD_SECONDS} s, and top`, () => onTerminal(load, { cwd }));
  top!.stdin!.write('\x03');
  terminal('top.svg', 'npx llm-router top', await watched, cwd);
  for (const [name, bytes] of await waiting('the report’s pictures', () => reportPictures(html)))
    write(name, bytes);
} finally {
  await router.stop();
}
end({ written });
