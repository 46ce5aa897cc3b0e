/** The tree of commands as a whole: what is there, what it says of itself, how it ends. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { ROOT } from '../../../scripts/parts/lib.ts';
import { FILES } from '../src/files.ts';
import { EXAMPLES } from '../src/lib/command.ts';
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

test('every command’s help has examples of it, a tool’s of others aside', async () => {
  const own: string[] = [];
  for (const [name, command] of leaves(program())) {
    const { ownHelp } = FILES[name] ?? {};
    if (ownHelp === 'tool') continue;
    const examples = EXAMPLES.get(command) ?? [];
    if (examples.length === 0) own.push(name);
    for (const { line } of examples)
      assert.match(line, new RegExp(`llm-router ${name}(?: |$|")`), `${name}: ${line}`);
  }
  // Those tell their help themselves; the trainer’s are asked in its own language.
  const told = await Promise.all(
    own.map(async (name) => [name, await run(...name.split(' '), '--help')] as const),
  );
  for (const [name, { code, out }] of told) {
    assert.equal(code, 0, name);
    assert.match(out, new RegExp(`^Examples:\n {2}\\$ .*llm-router ${name}`, 'm'), name);
  }
});

test('help of a command is what its --help says, also where it tells its help itself', async () => {
  for (const name of ['keys', 'loadtest', 'policy train', 'evaluate', 'check deps', 'policy']) {
    const [by, own] = await Promise.all([run('help', ...name.split(' ')), run(...name.split(' '), '--help')]);
    assert.deepEqual([by.code, by.out], [0, own.out], name);
  }
  assert.match((await run('help')).out, /^Usage: llm-router COMMAND/);
  const { code, out, err } = await run('help', 'polcy');
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /^unknown command 'polcy'\. Did you mean 'policy'\?\n/);
});

test('options that examples name are options that there are', () => {
  const commands = leaves(program());
  for (const [name, command] of commands) {
    // `dev` hands its options on.
    const { options } = name === 'dev' ? commands.get('start')! : command;
    const known = [
      ...options.map(({ long }) => long),
      ...(FILES[name]?.options ?? []).map(([flags]) => /^--[a-z-]+/.exec(flags)![0]),
    ];
    for (const { line } of EXAMPLES.get(command) ?? [])
      for (const [flag] of line.replace(/^.*?llm-router/, '').matchAll(/(?<= )--[a-z-]+/g))
        assert.ok(known.includes(flag), `${name}: ${line}`);
  }
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
    [['start', '--port', 'abc'], /'--port <N>' argument 'abc' is invalid\. It must be a whole number/],
    [['keys', 'create', '--rpm', 'abc'], /^--rpm wants a number, or none, not 'abc'$/],
    [['keys', 'create', '--rpm=-5'], /^--rpm: must be at least 1$/],
    [
      ['keys', 'create', '--rpm', '-5'],
      /^Option '--rpm' argument is ambiguous\.[\s\S]*-XYZ'\.\n`llm-router keys/,
    ],
    [
      ['keys', 'create', '--budget-usd', '5', '--budget-period', 'decade'],
      /^--budget-period: must be one of/,
    ],
    [['keys', 'create', '--policies', 'a,'], /^'a,': names, with commas between, and one of them is empty$/],
    [['keys', 'create', '--polices', 'x'], /Did you mean '--policies'\?\n`llm-router keys --help`/],
    [['loadtest', '--mixx'], /^Unknown option '--mixx'\. Did you mean '--mix'\?\n/],
    [['playground', '--prt', '1'], /^Unknown option '--prt'\. Did you mean '--port'\?\n/],
    [['stack', '--clasifier', 'x'], /Did you mean '--classifier'\?/],
    [
      ['loadtest', '--seconds', '1', '--out', 'no-such-folder/x.json'],
      /^--out: no-such-folder\/x\.json can’t be written: there is no folder/,
    ],
    [['sbom', '--image'], /Option '--image <value>' argument missing/],
    // The trainer's, told before anything is installed.
    [['policy', 'train'], /the following arguments are required: --name, --data/],
    [['evaluate', '--policy', 'x', '--data', 'y', '--endpoint', 'http://x'], /--endpoint wants HOST:PORT/],
  ] as const) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(err.trim(), words);
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
