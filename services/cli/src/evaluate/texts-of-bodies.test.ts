/** Labelled bodies as the prompts that they teach. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { anyEnv, loadConfig } from '../../../router-controller/src/config/index.ts';
import { type BodyRow, promptsOf } from './texts-of-bodies.ts';

const { prompt, identity } = (await loadConfig(join(ROOT, 'config/router.yaml'), { env: anyEnv })).file;
const settings = { prompt, identity };
const made = (messages: unknown, more: object = {}): BodyRow => ({
  body: { model: 'auto', messages },
  path: '/v1/chat/completions',
  source: 'test',
  ...more,
});

describe('prompts of bodies', () => {
  test('a pipeline’s instruction and its data are one prompt', () => {
    const {
      texts: [text, ...others],
      agent,
    } = promptsOf(
      made([
        { role: 'system', content: 'Which language is it? One word.' },
        { role: 'user', content: 'Hvor er stationen?' },
      ]),
      settings,
    );
    assert.match(text!, /Which language is it\?/);
    assert.match(text!, /Hvor er stationen\?/);
    assert.deepEqual(others, []);
    assert.equal(agent, false);
  });

  test('what an agent asks is marked', () => {
    const row = made([{ role: 'user', content: 'make the button blue' }]);
    const tools = ['edit_file', 'bash'].map((name) => ({ type: 'function', function: { name } }));
    const { texts, agent } = promptsOf({ ...row, body: { ...row.body, tools } }, settings);
    assert.deepEqual([texts, agent], [['make the button blue'], true]);
  });

  test('a follow-up comes with what it follows, and never alone', () => {
    const { texts } = promptsOf(
      made([
        { role: 'user', content: 'Write a Kotlin function that merges intervals.' },
        { role: 'assistant', content: 'fun merge() {}' },
        { role: 'user', content: 'and in Swift?' },
      ]),
      settings,
    );
    assert.equal(texts.length, 1);
    assert.match(texts[0]!, /Kotlin[\s\S]*and in Swift\?/);
  });

  test('a new topic is taught alone and after the old one', () => {
    const last = 'Please condense this for me: "The board has put the plan off until the end of the month."';
    const { texts } = promptsOf(
      made([
        { role: 'user', content: 'Write a haiku about rain.' },
        { role: 'assistant', content: 'Soft drum on the roof' },
        { role: 'user', content: last },
      ]),
      settings,
    );
    assert.equal(texts[0], last);
    assert.match(texts[1]!, /haiku[\s\S]*condense/);
  });

  test('no harness text of the written bodies is taught', () => {
    const folder = join(ROOT, 'services/trainer/data/bodies/own');
    let taught = 0;
    for (const name of readdirSync(folder)) {
      for (const line of readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')) {
        for (const text of promptsOf(JSON.parse(line) as BodyRow, settings).texts) {
          taught++;
          assert.doesNotMatch(text, /<system-reminder>|<environment_details>|<environment_context>/, name);
        }
      }
    }
    assert.ok(taught > 500);
  });
});
