import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UsageError } from './options.ts';
import { readPrompts } from './prompts.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-prompts-'));
after(() => rmSync(folder, { recursive: true }));
function file(text: string): string {
  const path = join(folder, 'prompts.jsonl');
  writeFileSync(path, text);
  return path;
}

test('the service brings sixty different prompts, some of them conversations', () => {
  const prompts = readPrompts();
  assert.equal(prompts.length, 60);
  assert.equal(new Set(prompts.map((each) => JSON.stringify(each))).size, 60);
  assert.ok(prompts.some((each) => each.length > 1));
  for (const each of prompts) assert.equal(each.at(-1)!.role, 'user');
});

test('a file’s lines are prompts or messages; other fields and empty lines are passed over', () => {
  const path = file('{"prompt": "a", "task": "x"}\r\n\n{"messages": [{"role": "user", "content": "b"}]}\n');
  assert.deepEqual(readPrompts(path), [[{ role: 'user', content: 'a' }], [{ role: 'user', content: 'b' }]]);
});

test('what can’t be read is told with its line', () => {
  for (const [text, words] of [
    ['{"prompt": "a"}\n{"prompt": ', /prompts\.jsonl:2: not JSON/],
    ['{"text": "a"}', /:1: needs "prompt"/],
    ['{"messages": []}', /:1: needs "prompt"/],
    ['{"messages": [{"content": "no role"}]}', /:1: needs "prompt"/],
    ['null', /:1: needs "prompt"/],
    ['\n \n', /holds no prompts/],
  ] as const) {
    assert.throws(
      () => readPrompts(file(text)),
      (error: Error) => error instanceof UsageError && words.test(error.message),
    );
  }
  assert.throws(() => readPrompts(join(folder, 'none')), /none can’t be read: there is no such file/);
});
