/** Through a whole controller at its shipped limits: no client's requests change where another client's go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomAnswer } from '@llm-router/stand-in-llms';
import fc from 'fast-check';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['A'];
const CONFIG = `
targets:
  - { name: first, api_base: "{LLM}", model: first }
  - { name: second, api_base: "{LLM}", model: second }
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: first, fallbacks: [second] }] }]
default_policy: one
auth:
  keys:
    - { id: ann, hash: '${hashKey('ann')}', tenant: acme }
    - { id: bob, hash: '${hashKey('bob')}', tenant: other }
    - { id: eve, hash: '${hashKey('eve')}', tenant: acme }
`;

/** What real upstreams and firewalls answer to one client's prompts, and what a crafted prompt may make of a server. */
const ANSWERS: Readonly<Record<string, CustomAnswer>> = Object.fromEntries(
  (
    [
      ['500', 500, { error: { message: 'the parser failed on this' } }],
      ['503', 503, { error: { message: 'overloaded' } }],
      ['400', 400, { error: { message: 'no' } }],
      ['403 moderation', 403, { error: { code: 403, message: 'Your input was flagged' } }],
      ['403 firewall', 403, '<html>Forbidden</html>'],
      ['403 empty', 403, ''],
      ['404 tools', 404, { error: { message: 'No endpoints found that support tool use' } }],
      ['404', 404, { error: 'not found' }],
      ['402 too dear', 402, { error: { message: 'You can only afford 12 tokens' } }],
      ['422', 422, { detail: 'no' }],
      ['no answer', 200, { choices: [] }],
      ['error in 200', 200, { error: { message: 'gone' } }],
      ['a page', 200, '<html></html>'],
    ] as const
  ).map(([name, status, body]) => [
    name,
    {
      status,
      headers: { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' },
      chunks: [Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))],
    },
  ]),
);

const start = () =>
  startWhole({
    config: CONFIG,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
    llms: {
      respond: ({ body }) => {
        const said = String(body.messages?.[0]?.content);
        const [, name = ''] = /^hostile \d+ (.*)$/.exec(said) ?? [];
        return body.model === 'first' ? (ANSWERS[name] ?? null) : null;
      },
    },
  });

let sent = 0;
async function ask(whole: Whole, key: string, content: string): Promise<string | null> {
  const response = await chat(
    whole.url,
    { model: 'auto', messages: user(content) },
    { headers: { authorization: `Bearer ${key}` } },
  );
  await response.arrayBuffer();
  return response.headers.get('x-llm-router-model');
}
const hostile = (whole: Whole, answer: string) => ask(whole, 'ann', `hostile ${sent++} ${answer}`);
/** Of another tenant, and of another key of the same one, by turns. */
const harmless = (whole: Whole) => ask(whole, sent % 2 ? 'bob' : 'eve', `harmless ${sent++}`);

for (const answer of Object.keys(ANSWERS))
  test(`${answer}, again and again: the others stay where they were`, async () => {
    const whole = await start();
    try {
      for (let i = 0; i < 12; i++) await hostile(whole, answer);
      assert.equal(await harmless(whole), 'first');
      for (let i = 0; i < 6; i++) {
        await hostile(whole, answer);
        assert.equal(await harmless(whole), 'first');
      }
    } finally {
      await whole.stop();
    }
  });

test('any mixture of them', async () => {
  const whole = await start();
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(ANSWERS)), { minLength: 1, maxLength: 15 }),
        async (answers) => {
          for (const answer of answers) await hostile(whole, answer);
          assert.equal(await harmless(whole), 'first');
        },
      ),
      { numRuns: 12 },
    );
  } finally {
    await whole.stop();
  }
});
