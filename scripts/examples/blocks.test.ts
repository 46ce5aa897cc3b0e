import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { basesIn, checkBase, checkForm, modelIn, settingsOf } from './blocks.ts';

const page = (language: string, text: string) =>
  `# A\n\n\`\`\`${language}\n${text}\n\`\`\`\n\n\`\`\`sh\ntrue\n\`\`\`\n`;
const only = (language: string, text: string) => {
  const found = settingsOf(page(language, text));
  assert.equal(found.length, 1);
  return found[0]!;
};

test('base URL and model are found as clients spell them', () => {
  const cases = [
    ['json', '{ "env": { "ANTHROPIC_BASE_URL": "http://h:1", "ANTHROPIC_MODEL": "auto" } }', 'http://h:1'],
    [
      'toml',
      'model = "auto"\np.router = { base_url = "http://h:1/v1", wire_api = "responses" }',
      'http://h:1/v1',
    ],
    ['yaml', 'openai-api-base: http://h:1/v1\nmodel: openai/auto', 'http://h:1/v1'],
    ['yaml', 'Base URL: http://h:1/v1\nModel ID: auto', 'http://h:1/v1'],
    ['yaml', 'models: [{ provider: openai, model: auto, apiBase: "http://h:1/v1" }]', 'http://h:1/v1'],
    ['yaml', 'OPENAI_API_BASE_URL: http://h:1/v1\nDEFAULT_MODELS: auto', 'http://h:1/v1'],
  ] as const;
  for (const [language, text, base] of cases) {
    const setting = only(language, text);
    checkForm(setting);
    assert.deepEqual([basesIn(setting), modelIn(setting)], [[base], 'auto'], text);
  }
});

test('what is not of its form is refused', () => {
  for (const [language, text] of [
    ['json', '{ "a": }'],
    ['yaml', 'a: b: c'],
    ['toml', 'model: auto'],
  ])
    assert.throws(() => checkForm(only(language!, text!)));
});

const server = createServer((request, response) => {
  const known = request.url === '/v1/models';
  response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ data: [{ id: 'auto' }] }));
});
before(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
after(() => server.close());

test('a base is right when its models are where clients look for them, with the one that they are set to', async () => {
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await checkBase(base, 'auto');
  await checkBase(`${base}/v1`, 'auto');
  await assert.rejects(checkBase(`${base}/v2`, 'auto'), /\/v2\/v1\/models answers 404/);
  await assert.rejects(checkBase(base, 'gpt'), /has no model 'gpt'/);
});
