/** `llm-router doctor`: looks at all that a router needs to run here, and says what to do. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { waiting } from '../../../process/src/progress.ts';
import type { Check, Status } from '../doctor/check.ts';
import { newCommand, numberFrom } from '../lib/command.ts';
import { paint } from '../lib/paint.ts';

interface Options {
  readonly config?: string;
  readonly port?: number;
  readonly json?: boolean;
}

export const doctor = (): Command =>
  newCommand('doctor', 'looks at all that a router needs to run here, and says what to do', {
    group: 'run',
    examples: [
      { line: 'llm-router doctor', what: 'this machine and the shipped configuration' },
      {
        line: 'llm-router doctor --config my.yaml --json',
        what: 'every upstream asked with its key; for scripts',
      },
    ],
  })
    .option('--config <FILE>', 'your policy table (default: config/router.yaml)')
    .option(
      '--port <N>',
      'port that it would listen on (default: the configuration’s)',
      numberFrom(0, 65_535),
    )
    .option(
      '--json',
      'the last line is one JSON object: {"ok", "checks": [{"name", "status", "found", "advice"}]}',
    )
    .addHelpText(
      'after',
      '\nExits with 1 when anything fails; warnings are no failure. Nothing is sent to a model, so nothing costs.',
    )
    .action(run);

const MARKS: Readonly<Record<Status, [string, 'green' | 'yellow' | 'red']>> = {
  ok: ['✔', 'green'],
  warn: ['!', 'yellow'],
  fail: ['✖', 'red'],
};

function print({ name, status, found, advice }: Check): void {
  const [mark, colour] = MARKS[status];
  console.log(`${paint(colour, mark)} ${paint('bold', name)}  ${found.replaceAll('\n', '\n    ')}`);
  if (advice !== null) console.log(`    → ${advice.replaceAll('\n', '\n      ')}`);
}

async function run(options: Options): Promise<void> {
  const look = async () => {
    const { examine } = await import('../doctor/doctor.ts');
    return examine({
      config: options.config ? resolve(options.config) : null,
      ...(options.port !== undefined && { port: options.port }),
      onCheck: (check) => {
        if (!options.json) print(check);
      },
    });
  };
  const checks = await waiting('looking', look, { isBusy: true });
  const count = (status: Status) => checks.filter((check) => check.status === status).length;
  const failed = count('fail');
  if (options.json) console.log(JSON.stringify({ ok: failed === 0, checks }));
  else console.log(`\n${count('ok')} right, ${count('warn')} to look at, ${failed} wrong`);
  if (failed > 0) process.exitCode = 1;
}
