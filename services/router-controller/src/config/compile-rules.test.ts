/** Rules in the file: what they may say, and that none which could never decide is taken. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, parseConfig } from './index.ts';

const table = (policy: string, rest = '', price = ['', '']) => `
${rest}
targets:
  - { name: small, api_base: "http://s", model: s${price[0]} }
  - { name: large, api_base: "http://l", model: l${price[1]} }
policies:
  - name: p
    url: grpc://h:1/m
    ${policy}
    llms:
      - { name: Chat, target: large }
      - { name: Code, target: small }
default_policy: p
`;
const rules = (...lines: string[]) => table(`rules:\n${lines.map((line) => `      - ${line}`).join('\n')}`);
const refused = (config: string, message: RegExp) =>
  assert.throws(
    () => parseConfig(config, 't.yaml'),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    },
  );

describe('a rule', () => {
  test('may look at all that is known of a request', () => {
    const { policies } = parseConfig(
      rules(
        '{ name: agents, when: { agent: coding, not: { label: Chat, confidence: { above: 0.9 } } }, label: Code }',
        '{ when: { tools: [edit, shell], tokens: { above: 1000, below: 60000 }, stream: true }, entry: Code }',
        '{ when: { side_request: title }, target: small }',
        '{ when: { side_request: [tags, query] }, label: Code, target: small }',
        '{ when: { header: { X-Tier: [batch, night], x-a: true } }, entry: Chat }',
        '{ when: { any: [{ images: true }, { path: fim }], language: de, user_agent: claude-cli, turn: loop }, entry: Chat }',
        '{ score: hard, at_least: 0.5, when: { tools: false }, entry: Chat }',
      ),
      't.yaml',
    ).table;
    const made = policies.get('p')!.rules;
    assert.deepEqual(
      made.map(({ name, entry, target, label }) => [name, entry?.name ?? null, target?.name ?? null, label]),
      [
        ['agents', null, null, 'Code'],
        ['rules[1]', 'Code', null, null],
        ['rules[2]', null, 'small', null],
        ['rules[3]', null, 'small', 'Code'],
        ['rules[4]', 'Chat', null, null],
        ['rules[5]', 'Chat', null, null],
        ['rules[6]', 'Chat', null, null],
      ],
    );
    assert.deepEqual(made[4]!.when!.header, { 'x-tier': ['batch', 'night'], 'x-a': true });
  });

  for (const [what, lines, message] of [
    [
      'of a misspelt key',
      ['{ when: { tokns: { above: 1 } }, entry: Chat }'],
      /tokns.*Did you mean 'tokens'/s,
    ],
    [
      'of a misspelt kind',
      ['{ when: { side_request: titel }, entry: Chat }'],
      /rules\[0\]\.when\.side_request/,
    ],
    ['without a condition', ['{ when: {}, entry: Chat }'], /is empty: it would hold for every request/],
    ['without a consequence', ['{ when: { tools: true } }'], /needs `entry`, or `target`, or `label`/],
    ['with two consequences', ['{ when: { tools: true }, entry: Chat, target: small }'], /needs `entry`, or/],
    [
      'to an unknown entry',
      ['{ when: { tools: true }, entry: Cod }'],
      /no entry 'Cod' in this policy.*'Code'/,
    ],
    ['to an unknown target', ['{ when: { tools: true }, target: smal }'], /no target 'smal'.*'small'/],
    [
      'on an unknown label',
      ['{ when: { label: Chta }, entry: Code }'],
      /no label 'Chta' in this policy.*'Chat'/,
    ],
    [
      'with a range that is empty',
      ['{ when: { tokens: { above: 9, below: 3 } }, entry: Chat }'],
      /can never hold/,
    ],
    [
      'below nothing',
      ['{ when: { tokens: { below: 0 } }, entry: Chat }'],
      /'rules\[0\]' can never hold: tokens is never below 0/,
    ],
    [
      'beyond certainty',
      ['{ when: { confidence: { above: 1 } }, entry: Chat }'],
      /no probability is above 1/,
    ],
    [
      'that contradicts itself',
      ['{ when: { tools: true, not: { tools: true } }, entry: Chat }'],
      /`not` takes back/,
    ],
    [
      'on pictures in a legacy completion',
      ['{ when: { path: fim, images: true }, entry: Chat }'],
      /legacy completions carry text alone/,
    ],
    [
      'on a later turn of a legacy completion',
      ['{ when: { path: completion, turn: next }, entry: Chat }'],
      /a legacy completion is always a first turn/,
    ],
    [
      'between two whole numbers',
      ['{ when: { turns: { above: 4, below: 5 } }, entry: Chat }'],
      /no whole number is above 4 and below 5/,
    ],
    [
      'whose alternatives exclude what stands beside them',
      ['{ when: { path: chat, any: [{ path: fim }, { path: messages }] }, entry: Chat }'],
      /`path` in `any` excludes the one beside it/,
    ],
    [
      'whose alternatives can hold for nothing with what stands beside them',
      ['{ when: { tools: false, any: [{ agent: general }] }, entry: Chat }'],
      /a general agent is one that brings tools/,
    ],
    ['with an empty alternative', ['{ when: { any: [{}] }, entry: Chat }'], /is empty: it would hold/],
    [
      'behind one of whose alternatives it is a part',
      [
        '{ when: { any: [{ images: true }, { audio: true }] }, entry: Chat }',
        '{ when: { audio: true, stream: true }, entry: Code }',
      ],
      /'rules\[1\]' can never decide/,
    ],
    [
      'whose alternatives all stand behind one',
      [
        '{ when: { side_request: true }, entry: Chat }',
        '{ when: { any: [{ side_request: title }, { side_request: tags }] }, entry: Code }',
      ],
      /'rules\[1\]' can never decide/,
    ],
    [
      'behind one that holds wherever it would',
      [
        '{ when: { tools: true }, entry: Chat }',
        '{ name: mine, when: { tools: [edit], stream: true }, entry: Code }',
      ],
      /rule 'mine' can never decide: 'rules\[0\]' before it/,
    ],
    [
      'behind a wider range',
      [
        '{ when: { tokens: { above: 10 } }, entry: Chat }',
        '{ when: { tokens: { above: 20 } }, entry: Code }',
      ],
      /'rules\[1\]' can never decide/,
    ],
    [
      'behind a lower score',
      ['{ score: hard, at_least: 0.2, entry: Chat }', '{ score: hard, at_least: 0.5, entry: Code }'],
      /'rules\[1\]' can never decide/,
    ],
  ] as const)
    test(`${what} is refused`, () => refused(rules(...lines), message));

  test('behind one that is narrower is not', () => {
    for (const lines of [
      [
        '{ when: { side_request: title }, entry: Chat }',
        '{ when: { any: [{ side_request: title }, { audio: true }] }, entry: Code }',
      ],
      [
        '{ when: { tools: [shell], any: [{ tools: [edit] }, { images: true }] }, entry: Chat }',
        '{ when: { tools: [shell] }, entry: Code }',
      ],
      [
        '{ when: { any: [{ images: true }, { audio: true }] }, entry: Chat }',
        '{ when: { any: [{ audio: true }, { files: true }] }, entry: Code }',
      ],
    ])
      parseConfig(rules(...lines), 't.yaml');
    parseConfig(
      rules(
        '{ when: { tokens: { above: 20 } }, entry: Chat }',
        '{ when: { tokens: { above: 10 } }, entry: Code }',
      ),
      't.yaml',
    );
    parseConfig(
      rules('{ score: hard, at_least: 0.5, entry: Chat }', '{ score: hard, at_least: 0.2, entry: Code }'),
      't.yaml',
    );
  });
});

describe('ranks', () => {
  const ranks = (config: string) => {
    const { ranked, entries } = parseConfig(config, 't.yaml').table.policies.get('p')!;
    return [ranked, ...[...entries.values()].map(({ rank }) => rank)];
  };
  test('follow prices where none is given', () => {
    const prices = [', price: { input: 0.1, output: 0.1 }', ', price: { input: 3, output: 8 }'];
    assert.deepEqual(ranks(table('', '', prices)), [true, 1, 0]);
    assert.deepEqual(ranks(table('', '', [prices[0]!, ''])), [false, 0, 0]);
    assert.deepEqual(ranks(table('', '', prices).replace('target: small }', 'target: small, rank: 5 }')), [
      true,
      0,
      5,
    ]);
  });
});

describe('names of policies', () => {
  test('an alias stands for a policy, in any case', () => {
    const { aliases } = parseConfig(table('', 'aliases: { GPT-4o: p }'), 't.yaml').table;
    assert.equal(aliases.get('gpt-4o'), 'p');
  });
  for (const [what, config, message] of [
    ['an alias of no policy', table('', 'aliases: { gpt-4o: q }'), /aliases\.gpt-4o: no policy 'q'/],
    ['an alias that is a policy', table('', 'aliases: { P: p }'), /'P' is a policy's name/],
    [
      'an alias that is auto',
      table('', 'aliases: { Auto: p }'),
      /'Auto' is the model name of the default policy/,
    ],
    [
      'a policy that is auto',
      table('').replaceAll(/name: p$|policy: p$/gm, (m) => m.replace(' p', ' AUTO')),
      /'AUTO' is the model name/,
    ],
    [
      'a policy named as a model',
      `${table('').replace('default_policy: p', '')}  - { name: s, url: "grpc://h:1/m", llms: [{ name: Chat, target: small }] }\ndefault_policy: p`,
      /'s' is also a model of the default policy/,
    ],
  ] as const)
    test(`${what} is refused`, () => refused(config, message));

  test('an entry may not set what is the client’s or the router’s', () => {
    refused(
      table('').replace('target: small }', 'target: small, extra_body: { model: x } }'),
      /extra_body\.model: 'model' is the client’s/,
    );
  });
});
