import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseConfig } from '../../config/index.ts';
import type { Target } from '../../config/types.ts';
import { askSdk, Recipe } from './recipe.ts';

const targetOf = (more: object): Target =>
  parseConfig(
    JSON.stringify({
      targets: [{ name: 't', api_base: 'http://upstream:8000/v1', model: 'm', ...more }],
      policies: [{ name: 'p', url: 'grpc://t:1/m', llms: [{ name: 'A', target: 't' }] }],
    }),
    't.yaml',
  ).table.targets.get('t')!;

const TARGETS = [
  {},
  { api_key: 'the-key-of-the-upstream' },
  { api_key: 'the-key-of-the-upstream', key_header: 'api-key' },
  { api_key: 'the-key-of-the-upstream', headers: { 'X-Team': 'blue', Accept: 'application/x-ndjson' } },
  { headers: { 'User-Agent': 'another/1', traceparent: '00-ours', 'x-stainless-lang': 'no' } },
  { api_key: 'the-key-of-the-upstream', headers: { Authorization: 'Basic dXNlcjpwYXNz' } },
];

test('property: a request is sent with the headers that the SDK would send it with', async () => {
  const name = fc.constantFrom(
    'traceparent',
    'TraceState',
    'anthropic-version',
    'accept',
    'user-agent',
    'Authorization',
    'x-stainless-os',
    'x-team',
  );
  // HTTP gives values without blanks around them; the SDK takes an Authorization of blanks alone for none.
  const value = fc
    .string({ unit: fc.constantFrom(...'abc/;=,. 09'), minLength: 1, maxLength: 12 })
    .filter((text) => text.trim() !== '');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...TARGETS),
      fc.boolean(),
      fc.dictionary(name, value, { maxKeys: 3 }),
      async (settings, stream, more) => {
        const target = targetOf(settings);
        const recipe = await Recipe.of(target);
        assert.deepEqual({ ...recipe.headers(stream, more) }, await askSdk(target, stream, more));
      },
    ),
    { numRuns: 150 },
  );
});

test('a place is the target’s, with its own query and the client’s', async () => {
  const recipe = await Recipe.of(targetOf({ api_base: 'https://host/base/v1?api-version=2' }));
  const place = { origin: 'https://host', path: '/base/v1/chat/completions?api-version=2' };
  for (let again = 0; again < 2; again++)
    assert.deepEqual(recipe.place('/v1/chat/completions', ''), { ...place, url: place.origin + place.path });
  assert.equal(recipe.place('/v1/responses', '?a=b').path, '/base/v1/responses?api-version=2&a=b');
  for (let i = 0; i < 100; i++)
    assert.equal(recipe.place(`/v1/x${i}`, '').path, `/base/v1/x${i}?api-version=2`);
});
