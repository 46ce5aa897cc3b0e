/** `--json` of every command: which has it, which says why not, and that what is printed is one JSON object. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Command } from 'commander';
import { ROOT } from '../../../scripts/parts/lib.ts';
import { FILES } from '../src/files.ts';
import { program } from '../src/program.ts';
import { runCommand } from './run-command.ts';

/** Commands of the tree that print nothing a script would read. */
const WITHOUT: Readonly<Record<string, string>> = {
  start: 'runs until it is stopped',
  dev: 'runs until it is stopped',
  completion: 'prints a shell’s script',
  help: 'prints words for people',
  'policy train': 'the trainer’s; what it makes is a model',
  'value train': 'the trainer’s, which takes --json itself',
  'value fill': 'the trainer’s, which takes --json itself',
  'value import': 'the trainer’s; what it makes is a file',
};

function leaves(command: Command, words: readonly string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[words.join(' '), command]];
  return command.commands.flatMap((each) => leaves(each, [...words, each.name()]));
}

const sourceOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('every command has --json, or says why not', () => {
  for (const [name, command] of leaves(program())) {
    const entry = FILES[name];
    const own = entry?.ownHelp && entry.ownHelp !== 'tool' ? sourceOf(entry.ownHelp) : '';
    const flags = [
      ...command.options.map(({ flags: each }) => each),
      ...(entry?.options ?? []).map(([each]) => each),
    ];
    const has = flags.includes('--json') || /^\s*--json /m.test(own);
    const why = entry?.withoutJson ?? WITHOUT[name];
    assert.ok(
      has !== (why !== undefined),
      `${name}: ${has ? 'has --json and says why not' : 'no --json, and no reason'}`,
    );
  }
});

test('the options that help tells of a file are those that the file reads', () => {
  for (const [name, { file, options, ownHelp }] of Object.entries(FILES)) {
    if (ownHelp || typeof file !== 'string') continue;
    const read = [...sourceOf(file).matchAll(/'?([a-z][a-z-]*)'?: \{ type: '(?:string|boolean)'/g)].map(
      ([, option]) => option!,
    );
    const told = (options ?? []).map(([flags]) => /^--([a-z-]+)/.exec(flags)![1]!);
    assert.deepEqual(told.toSorted(), read.filter((option) => option !== 'help').toSorted(), name);
  }
});

const folder = mkdtempSync(join(tmpdir(), 'llm-router-json-'));
after(() => rmSync(folder, { recursive: true }));

const BODY = {
  body: { model: 'auto', messages: [{ role: 'user', content: 'hi' }] },
  path: '/v1/chat/completions',
  source: 'x',
  task: 'Chatbot',
};
writeFileSync(join(folder, 'bodies.jsonl'), `${JSON.stringify(BODY)}\n`);
writeFileSync(
  join(folder, 'litellm.yaml'),
  'model_list:\n  - model_name: a\n    litellm_params: { model: openai/gpt-5, api_key: os.environ/KEY }\n',
);
writeFileSync(join(folder, 'no-path.jsonl'), '{"body": {}}\n');
writeFileSync(join(folder, 'wrong.yaml'), 'targets: 7\n');

test('the last line of what is printed with --json is one JSON object', async () => {
  const config = join(ROOT, 'config/router.yaml');
  const cases: readonly (readonly [args: readonly string[], code: number, members: readonly string[]])[] = [
    [['check-config', config, '--allow-missing-secrets'], 0, ['ok', 'policies', 'targets']],
    [['check-config', 'wrong.yaml'], 1, ['ok', 'problems']],
    [['keys', 'create'], 0, ['key', 'id', 'put']],
    [['bodies', '--data', 'bodies.jsonl', '--out', 'prompts.jsonl'], 0, ['out', 'prompts']],
    [['targets', 'import', '--from', 'litellm', '--file', 'litellm.yaml'], 0, ['targets', 'notes']],
    [['init', '--use', 'none', '--out', 'made.yaml'], 0, ['file', 'targets']],
    [['import', 'litellm', 'litellm.yaml'], 0, ['targets']],
    [['docs', '--check'], 0, ['files', 'stale']],
    [['sbom', '--check'], 0, ['lists', 'stale']],
    [['setup', 'no-such-part'], 2, []],
    [['bodies', '--data', 'no-path.jsonl', '--out', 'x'], 1, []],
  ];
  await Promise.all(
    cases.map(async ([args, code, members]) => {
      const ended = await runCommand([...args, '--json'], { cwd: folder });
      assert.equal(ended.code, code, `${args.join(' ')}: ${ended.err}`);
      if (members.length === 0) return assert.equal(ended.out, '');
      const last = ended.out.trimEnd().split('\n').at(-1)!;
      const told = JSON.parse(last) as object;
      for (const member of members) assert.ok(member in told, `${args.join(' ')}: no ${member} in ${last}`);
    }),
  );
});

test('without a terminal nothing is coloured, and no bar moves', async () => {
  for (const args of [['--help'], ['import', 'litellm', 'wrong.yaml'], ['check-config', 'wrong.yaml']]) {
    const { out, err } = await runCommand(args, { cwd: folder });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what is looked for
    assert.doesNotMatch(out + err, /\u001b|\r/, args.join(' '));
  }
});
