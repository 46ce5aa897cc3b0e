/** The tree of commands as a whole: what is there, what it says of itself, how it ends. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { ROOT } from '../../../scripts/parts/lib.ts';
import { FILES } from '../src/files.ts';
import { program } from '../src/program.ts';
import { runCommand } from './run-command.ts';

/** All commands that can be run, by their words. */
function leaves(command: Command, words: readonly string[] = []): Map<string, Command> {
  if (command.commands.length === 0) return new Map([[words.join(' '), command]]);
  return new Map(command.commands.flatMap((each) => [...leaves(each, [...words, each.name()])]));
}

const run = (...args: readonly string[]) => runCommand(args);

test('every `npm run a:b` is a command `llm-router a b`', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const commands = leaves(program());
  for (const [name, line] of Object.entries(scripts)) {
    const [, words] = /^exec node scripts\/npm\.mjs ([a-z:-]+)(?: --[a-z-]+)*$/.exec(line) ?? [];
    assert.ok(words && name.startsWith(words), `npm run ${name} is ${line}`);
    assert.ok(commands.has(words.replaceAll(':', ' ')), `no command for npm run ${name}`);
  }
});

test('packages are installed for the Node that runs them', () => {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  const { node } = { ...dependencies, ...devDependencies };
  assert.match(
    readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8'),
    new RegExp(`^nodeVersion: ${node}$`, 'm'),
  );
});

test('every command says what it is for, and files of commands are there', () => {
  for (const [name, command] of leaves(program()))
    assert.ok(command.description().length > 10, `${name} says nothing of itself`);
  for (const { file } of Object.values(FILES))
    assert.ok(existsSync(join(ROOT, ...(typeof file === 'string' ? [file] : ['node_modules', file[0]!]))));
});

test('help lists every command, and each command’s own help ends well', async () => {
  const { code, out } = await run('--help');
  assert.equal(code, 0);
  for (const name of program().commands.map((each) => each.name()))
    assert.match(out, new RegExp(`^  ${name} `, 'm'));
  const own = await run('evaluate', '--help');
  assert.equal(own.code, 0);
  assert.match(own.out, /--policy <NAME>[\s\S]*Examples:\n {2}\$ llm-router evaluate/);
});

test('a wrong use ends with 2 and says what would be right', async () => {
  for (const [args, words] of [
    [['evalute'], /unknown command 'evalute'\n\(Did you mean evaluate\?\)/],
    [['evaluate', '--policy', 'x'], /required option '--data <FILE>' not specified/],
    [['start', '--prot', '1'], /unknown option '--prot'\n\(Did you mean --port\?\)/],
    [['proof'], /Usage: llm-router proof/],
    // Files that read their own options.
    [
      ['check-config', '--jsn', 'x'],
      /^Unknown option '--jsn'\. Did you mean '--json'\?\n`llm-router check-config --help`/,
    ],
    [['check', 'deps', '--advisory', 'x'], /Did you mean '--advisories'\?\n`llm-router check deps --help`/],
    [['sbom', '--image'], /Option '--image <value>' argument missing/],
    // The trainer's, told before anything is installed.
    [['policy', 'train'], /the following arguments are required: --name, --data/],
    [['evaluate', '--policy', 'x', '--data', 'y', '--endpoint', 'http://x'], /--endpoint wants HOST:PORT/],
  ] as const) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(err, words);
  }
});

test('what a command can’t do ends with 1 and a message without a stack', async () => {
  const { code, err } = await run('replay', '--log', 'no-such.jsonl', '--config', 'no-such.yaml');
  assert.equal(code, 1);
  assert.match(err, /no-such\.yaml.*\n.*can’t be read: there is no such file/);
  assert.doesNotMatch(err, /\n {4}at /);
  const trained = await run('value', 'train', '--name', 'x', '--log', 'no-such.jsonl');
  assert.deepEqual([trained.code, trained.out], [1, '']);
  assert.match(trained.err, /^--log .*no-such\.jsonl: there is no such file\n$/);
});
