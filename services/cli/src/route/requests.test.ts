import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readRequests } from './requests.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-requests-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const asked = (text: string) => ({ messages: [{ role: 'user', content: text }] });

test('what is no file is the prompt, also where it looks a little like one', () => {
  for (const text of ['Fix this loop', 'read a.json and sum it up', 'why?', 'package.jso'])
    assert.deepEqual(readRequests(text), [asked(text)]);
});

test('a file is read by its kind', () => {
  const body = { model: 'auto', messages: [{ role: 'user', content: 'hi' }], tools: [] };
  assert.deepEqual(readRequests(file('a.json', JSON.stringify(body))), [body]);
  assert.deepEqual(readRequests(file('list.json', JSON.stringify([body, 'hi']))), [body, asked('hi')]);
  assert.deepEqual(readRequests(file('a.txt', 'Translate this\nplease')), [asked('Translate this\nplease')]);
  const lines = ['{"prompt": "one", "task": "Other"}', '', '{"body": {"input": "two"}}', '{"text": "three"}'];
  assert.deepEqual(readRequests(file('a.jsonl', lines.join('\n'))), [
    asked('one'),
    { input: 'two' },
    asked('three'),
  ]);
  const old = { model: 'auto', prompt: 'an old completion' };
  assert.deepEqual(readRequests(file('old.json', JSON.stringify(old))), [old]);
});

test('what can’t be read is told with its place', () => {
  for (const [name, text, words] of [
    ['b.jsonl', '{"prompt": "a"}\n{"prompt": }', /b\.jsonl:2: not JSON/],
    ['b.json', '[{"messages": []}, {"question": 1}]', /b\.json\[1\]: want a request/],
    ['c.jsonl', '\n', /c\.jsonl holds no request/],
  ] as const)
    assert.throws(() => readRequests(file(name, text)), words);
  assert.throws(() => readRequests('no-such.json'), /no-such\.json: no such file/);
  assert.throws(() => readRequests(import.meta.dirname), /can’t be read: it is a folder, not a file/);
});
