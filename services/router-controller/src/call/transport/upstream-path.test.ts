/** Where a request goes under a target's base, for both spellings of the base. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../config/index.ts';
import { upstreamPath } from '../attempts/try-target.ts';

const target = (base: string) => {
  const { table } = parseConfig(
    `policies: [{ name: p, url: "grpc://h:1/m", llms: [{ name: a, api_base: "${base}", model: m }] }]`,
    't.yaml',
  );
  const found = table.targets.get('m')!;
  return (path: string) => found.apiBase + upstreamPath(path, found);
};

test('the chat path stands under /v1 once, however base and request spell it', () => {
  for (const base of ['http://h', 'http://h/', 'http://h/v1', 'http://h/v1/'])
    for (const path of ['/v1/chat/completions', '/chat/completions'])
      assert.equal(target(base)(path), 'http://h/v1/chat/completions');
});

test('v1’s bare /completions stays bare unless the base says /v1', () => {
  assert.equal(target('http://h/api')('/completions'), 'http://h/api/completions');
  assert.equal(target('http://h/v1')('/completions'), 'http://h/v1/completions');
  assert.equal(target('http://h')('/v1/completions'), 'http://h/v1/completions');
});
