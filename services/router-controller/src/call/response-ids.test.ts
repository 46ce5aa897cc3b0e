/** An id says which target made a response, to any replica and to nobody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseConfig } from '../config/index.ts';
import { AnswerSeal, IdRewriter, openId, sealId } from './response-ids.ts';

const config = (key = 'k') =>
  parseConfig(
    JSON.stringify({
      targets: [
        { name: 'a', api_base: ['http://h1', 'http://h2'], api_key: key, model: 'm' },
        { name: 'b', api_base: 'http://h3', model: 'm' },
      ],
      policies: [
        {
          name: 'p',
          url: 'grpc://127.0.0.1:1/m',
          llms: [
            { name: 'A', target: 'a' },
            { name: 'B', target: 'b' },
          ],
        },
      ],
    }),
    'test.yaml',
  );
const { table } = config();
const a = table.targets.get('a')!;
const targets = [a, a.replicas[0]!, table.targets.get('b')!];

test('what is sealed opens again, on another replica too, to the very target and id', () => {
  const other = config().table;
  fc.assert(
    fc.property(
      fc.constantFrom(...targets),
      fc.stringMatching(/^(?:resp_)?[\w-]{1,60}$/),
      fc.string(),
      (target, id, tenant) => {
        const sealed = sealId(id, target, tenant);
        assert.match(sealed, /^resp_lr1[\w-]+$/);
        const origin = openId(sealed, other, tenant);
        assert.equal(origin?.id, id);
        assert.equal(origin?.target.id, target.id);
      },
    ),
  );
});

test('no other tenant, no other id, no bare id, no changed character, no gone target opens', () => {
  const sealed = sealId('resp_abc', a, 'ann');
  assert.ok(openId(sealed, table, 'ann'));
  assert.equal(openId(sealed, table, 'bob'), null);
  assert.equal(openId('resp_abc', table, 'ann'), null);
  assert.equal(openId('', table, 'ann'), null);
  assert.equal(openId(sealed, config('other key').table, 'ann'), null);
  assert.equal(openId(sealed, { ...table, targets: new Map([['b', targets[2]!]]) }, 'ann'), null);
  for (let at = 8; at < sealed.length; at++) {
    const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
    assert.equal(openId(changed, table, 'ann'), null, changed);
  }
});

test('an id that no URL holds stays as it is', () => {
  assert.equal(sealId('what / ever', a, 'ann'), 'what / ever');
});

test('property: an id is replaced where it stands as an id, in any cut, and no other byte changes', () => {
  const told = (id: string) => [
    `{"id":"${id}"`,
    `"response_id" : "${id}"`,
    `,"previous_response_id":"${id}"}`,
  ];
  const others = [
    '"resp_1"',
    '"text":"resp_1"',
    '"resp_1":"id"',
    '"id":"resp_12"',
    '"resp_',
    'x',
    '"id":',
    'é',
  ];
  const piece = fc.oneof(
    fc.integer({ min: 0, max: 2 }).map((index) => [told('resp_1')[index]!, told('resp_sealed')[index]!]),
    fc.constantFrom(...others).map((text) => [text, text]),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (pieces, size) => {
      // Something between them, so that no two make an id together.
      const bytes = Buffer.from(pieces.map(([before]) => before).join(' . '));
      const rewriter = new IdRewriter('resp_1', 'resp_sealed');
      const out: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) out.push(rewriter.push(bytes.subarray(at, at + size)));
      out.push(rewriter.end());
      assert.equal(Buffer.concat(out).toString(), pieces.map(([, after]) => after).join(' . '));
    }),
    { numRuns: 500 },
  );
});

test('an id that is the name of a member too leaves the names alone', () => {
  const rewriter = new IdRewriter('id', 'resp_sealed');
  const body = Buffer.from('{"id":"id","object":"response","output":[{"type":"id"}]}');
  assert.equal(
    Buffer.concat([rewriter.push(body), rewriter.end()]).toString(),
    '{"id":"resp_sealed","object":"response","output":[{"type":"id"}]}',
  );
});

test('an answer’s own id is learned from its first event; the one it goes on from is told as the client named it', () => {
  const seal = new AnswerSeal(a, 'ann', { told: 'resp_told', id: 'resp_old' });
  const event = {
    type: 'response.created',
    response: { object: 'response', id: 'resp_new', previous_response_id: 'resp_old' },
  };
  const bytes = Buffer.from(JSON.stringify(event));
  const out = JSON.parse(seal.seal(bytes, () => event).toString());
  assert.equal(out.response.id, sealId('resp_new', a, 'ann'));
  assert.equal(out.response.previous_response_id, 'resp_told');
  const later = seal.seal(Buffer.from('{"item_id":"msg_1","response_id":"resp_new"}'), () =>
    assert.fail('learned already'),
  );
  assert.equal(JSON.parse(later.toString()).response_id, out.response.id);
});
