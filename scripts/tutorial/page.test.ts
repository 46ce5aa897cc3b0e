import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, until } from '../test/processes.ts';
import { comparable, stepsOf, withOutputs } from './page.ts';
import { StepFailed, walk } from './walk.ts';

const PAGE = `# Title

\`\`\`sh
echo one 1.5
\`\`\`

\`\`\`text
one 2.5
\`\`\`

Words.

\`\`\`sh
true
\`\`\`

\`\`\`yaml
a: b
\`\`\`
`;

test('a step is a command with the output right under it, if any', () => {
  assert.deepEqual(stepsOf(PAGE), [
    { command: 'echo one 1.5\n', output: 'one 2.5\n' },
    { command: 'true\n', output: null },
  ]);
});

test('new outputs take the place of the old ones and nothing else changes', () => {
  assert.equal(withOutputs(PAGE, ['two\n', '']), PAGE.replace('one 2.5', 'two'));
});

test('numbers may differ between runs, words may not', () => {
  assert.equal(comparable('accuracy 0.820 of  150\n'), comparable('accuracy 0.9 of 7\n'));
  assert.notEqual(comparable('forgotten_pin → llama-8b\n'), comparable('forgotten_pin → llama-x\n'));
});

test('steps share one shell, and each is told its own output', async () => {
  const outputs = await walk(stepsOf('```sh\nNAME=x\necho a\n```\n\n```sh\necho $NAME\n```\n'), 1);
  assert.deepEqual(outputs, ['a\n', 'x\n']);
});

test('a step that fails stops the page and says what it was and what it printed', async () => {
  const steps = stepsOf(
    '```sh\necho before\n```\n\n```sh\necho reason >&2; false\n```\n\n```sh\necho after\n```\n',
  );
  await assert.rejects(walk(steps, 1), (error: Error) => {
    assert.ok(error instanceof StepFailed);
    assert.match(error.message, /step 2 of 3[\s\S]*false[\s\S]*reason/);
    return true;
  });
});

test('what a failed page left running ends with it', async () => {
  const steps = stepsOf('```sh\nsleep 600 & echo $! >&2; false\n```\n');
  const error = await walk(steps, 1).then(
    () => assert.fail('it passed'),
    (reason: Error) => reason,
  );
  const pid = Number(/^(\d+)$/m.exec(error.message)![1]);
  // Killed at once, gone when its new parent has taken note.
  for (let tries = 0; isAlive(pid) && tries < 100; tries++) await sleep(50);
  assert.ok(!isAlive(pid));
});

test('a page is run with its reader’s programs, not with those that npm puts before them', async () => {
  const before = process.env.PATH;
  process.env.PATH = `/somewhere/node_modules/.bin:${before}`;
  try {
    const [path] = await walk(stepsOf('```sh\necho $PATH\n```\n'), 1);
    assert.doesNotMatch(path!, /node_modules\/\.bin/);
    assert.ok(
      before!.split(':').every((folder) => /node_modules\/\.bin$/.test(folder) || path!.includes(folder)),
    );
  } finally {
    process.env.PATH = before;
  }
});

test('Ctrl-C ends what a page has started, and what must go then goes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-page-'));
  const [told, kept] = [join(folder, 'pid'), join(folder, 'kept')];
  const url = (file: string) => JSON.stringify(import.meta.resolve(file));
  const source = `
    import { rmSync, writeFileSync } from 'node:fs';
    import { exitWhenTold } from ${url('../../services/process/src/ending.ts')};
    import { runGroup } from ${url('./group.ts')};
    exitWhenTold();
    process.once('exit', () => rmSync('${kept}'));
    writeFileSync('${kept}', '');
    await runGroup('bash', ['-c', 'sleep 600 & echo $! > ${told}; wait'], { cwd: '.', minutes: 1, keep: 100 });`;
  try {
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'inherit' });
    const exited = once(child, 'exit');
    const read = () => (existsSync(told) ? Number(readFileSync(told, 'utf8')) : 0);
    await until(
      () => read() > 0,
      () => 'the command did not begin',
    );
    child.kill('SIGINT');
    assert.deepEqual(await exited, [130, null]);
    await until(
      () => !isAlive(read()),
      () => 'the command goes on',
    );
    assert.ok(!existsSync(kept));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
