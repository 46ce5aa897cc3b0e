/** `llm-router dev`: start, and again whenever the code or the configuration's folder changes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { newCommand } from '../lib/command.ts';
import { EXIT } from '../lib/errors.ts';
import { watchFolders } from '../lib/watch-folders.ts';

/** An editor writes several files at once. */
const REST_MS = 300;
const WATCHED = ['services', 'protos', 'config'];
const COUNTS = /\.(?:ts|mjs|proto|yaml)$/;
/** What is built of the sources, and tests, start nothing. */
const IGNORED = /(?:^|\/)(?:node_modules|dist|test)(?:\/|$)|\.test\.ts$/;

export const dev = (): Command =>
  newCommand('dev', '`start`, and again whenever the code or config/ changes', {
    group: 'develop',
    examples: [{ line: 'llm-router dev --port 9000', what: 'takes the options of start' }],
  })
    .argument('[options...]', 'of start')
    .allowUnknownOption()
    .passThroughOptions()
    .action((_options, _parsed, self: Command) => run(self.args));

function run(args: readonly string[]): void {
  let child: ChildProcess | null = null;
  let isEnding = false;
  const begin = () => {
    child = spawn(process.execPath, [join(ROOT, 'services/cli/src/main.ts'), 'start', ...args], {
      // The channel is its leash.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    child.once('exit', (code) => {
      child = null;
      if (isEnding) process.exit(code ?? 0);
      // No change of a file makes a wrong command line right.
      if (code === EXIT.usage) process.exit(code);
      if (isStale) begin();
      else console.error('dev: it ended; the next change starts it again');
      isStale = false;
    });
  };
  let isStale = false;
  let timer: NodeJS.Timeout | null = null;
  watchFolders(
    WATCHED.map((folder) => join(ROOT, folder)),
    (folder) => !IGNORED.test(relative(ROOT, folder)),
    (path) => {
      const name = relative(ROOT, path);
      if (!COUNTS.test(name) || IGNORED.test(name)) return;
      if (timer) clearTimeout(timer);
      timer = setTimeout(() => {
        console.error(`dev: ${name} changed; starting again …`);
        if (!child) return begin();
        isStale = true;
        child.kill('SIGTERM');
      }, REST_MS);
    },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      isEnding = true;
      if (child) child.kill('SIGTERM');
      else process.exit(0);
    });
  process.once('disconnect', () => process.exit(1));
  begin();
}
