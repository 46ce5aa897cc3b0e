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

test('property: an id is replaced wherever it stands, in any cut, and no other byte changes', () => {
  const pieces = fc.array(
    fc.constantFrom('"resp_1"', '"resp_12"', '"resp_', 'resp_1', '"', 'x"y', '{"id":"resp_1"}'),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 9 }), (texts, size) => {
      const text = texts.join('');
      const rewriter = new IdRewriter('resp_1', 'resp_sealed');
      let out = '';
      for (let at = 0; at < text.length; at += size)
        out += rewriter.push(Buffer.from(text.slice(at, at + size)));
      out += rewriter.end();
      assert.equal(out, text.replaceAll('"resp_1"', '"resp_sealed"'));
    }),
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
