/** The scripts in the shells themselves; bash is everywhere, the others are checked for what they hold. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { program } from '../program.ts';
import { scriptFor } from './shells.ts';
import { nodesOf } from './words.ts';

const nodes = nodesOf(program());

/** What bash offers for a line whose last word is being typed. */
const offered = (...line: readonly string[]) =>
  execFileSync(
    'bash',
    [
      '-c',
      `${scriptFor('bash', nodes)}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _llm_router; echo "\${COMPREPLY[@]}"`,
      'bash',
      ...line,
    ],
    { encoding: 'utf8' },
  )
    .trim()
    .split(' ')
    .filter((word) => word !== '');

test('bash completes commands, their words and their options', () => {
  assert.deepEqual(offered('llm-router', 'pro'), ['proof']);
  assert.deepEqual(offered('llm-router', 'proof', ''), ['attacks', 'faults', 'limits', 'cluster', 'compose']);
  assert.deepEqual(offered('llm-router', 'keys', 'ro'), ['rotate']);
  assert.deepEqual(offered('llm-router', 'route', '--w'), ['--why']);
});

test('bash completes what commands tell only in a help of their own, and the words that an argument may be', () => {
  assert.deepEqual(offered('llm-router', 'loadtest', '--conc'), ['--concurrency-limit']);
  assert.deepEqual(offered('llm-router', 'keys', 'create', '--budget-p'), ['--budget-period']);
  assert.deepEqual(offered('llm-router', 'import', ''), ['litellm', 'v1', 'openrouter']);
  assert.deepEqual(offered('llm-router', 'loadtest', '--mix', 'keys', '--thi'), ['--think']);
});

test('a value that is a command’s name is no command', () => {
  assert.deepEqual(offered('llm-router', 'route', '--policy', 'chat', '--w'), ['--why']);
});

test('every shell’s script knows every command', () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const script = scriptFor(shell, nodes);
    for (const { path } of nodes) assert.ok(script.includes(`'${path}'`), `${shell}: ${path}`);
  }
});
