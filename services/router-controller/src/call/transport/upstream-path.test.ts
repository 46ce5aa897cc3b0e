/** Where a request goes under a target's base. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseApiBase } from '../../config/endpoint.ts';
import { upstreamUrl } from './upstream-url.ts';

const CHAT = '/v1/chat/completions';
const at = (base: string, route = CHAT, search = '', path?: string) =>
  upstreamUrl(parseApiBase(base, path), route, search);

test('a bare host has its API under /v1, however the base spells it', () => {
  for (const base of ['http://h', 'http://h/', 'http://h/v1', 'http://h/v1/', 'http://h/v1//'])
    assert.equal(at(base), 'http://h/v1/chat/completions', base);
});

test('a base with a path is where the API is, as the SDKs take it', () => {
  for (const base of [
    'https://generativelanguage.googleapis.com/v1beta/openai',
    'https://api.z.ai/api/paas/v4',
    'https://ark.cn-beijing.volces.com/api/v3',
    'https://api.deepinfra.com/v1/openai',
    'https://api.groq.com/openai/v1',
    'https://openrouter.ai/api/v1',
    'https://w.cloud.databricks.com/serving-endpoints',
    'https://gateway.ai.cloudflare.com/v1/acc/gw/openai',
    'https://api.cloudflare.com/client/v4/accounts/acc/ai/v1',
    'https://l-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi',
    'https://models.github.ai/inference',
    'http://h/prefix',
  ]) {
    assert.equal(at(base), `${base}/chat/completions`);
    assert.equal(at(`${base}/`), `${base}/chat/completions`);
    assert.equal(at(base, '/v1/embeddings'), `${base}/embeddings`);
  }
});

test('the whole address of the endpoint is a base too', () => {
  assert.equal(at('https://h/v1/chat/completions'), 'https://h/v1/chat/completions');
  assert.equal(
    at('https://api.perplexity.ai/chat/completions'),
    'https://api.perplexity.ai/chat/completions',
  );
  assert.equal(at('https://h/a/chat/completions', '/v1/responses'), 'https://h/a/responses');
});

test('the base’s query goes with every call, the client’s beside it; the base’s own word holds', () => {
  const azure = 'https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21';
  const chat = 'https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21';
  assert.equal(at(azure), chat);
  assert.equal(at(azure, CHAT, '?api-version=1999&a=1&api%2Dversion=x&b=%20'), `${chat}&a=1&b=%20`);
  assert.equal(at('http://h', CHAT, '?a=1&a=2'), 'http://h/v1/chat/completions?a=1&a=2');
  assert.equal(at('http://h', CHAT, '?'), 'http://h/v1/chat/completions');
});

test('`path` says where chat completions are; other routes take what stands before', () => {
  const root = 'https://api.perplexity.ai';
  assert.equal(at(root, CHAT, '', '/chat/completions'), `${root}/chat/completions`);
  assert.equal(at(root, '/v1/embeddings', '', '/chat/completions'), `${root}/embeddings`);
  assert.equal(at('http://h/p', CHAT, '', '/v1/chat/completions'), 'http://h/p/v1/chat/completions');
  assert.equal(at('http://h/p', '/v1/messages', '', '/v1/chat/completions/'), 'http://h/p/v1/messages');
  assert.equal(at('http://h/v1', CHAT, '', '/chat/completions'), 'http://h/v1/chat/completions');
  assert.equal(at('http://h', CHAT, '', '/invoke'), 'http://h/invoke');
  assert.equal(at('http://h', '/v1/embeddings', '', '/invoke'), 'http://h/v1/embeddings');
});

test('v1’s bare /completions stays bare under a bare host', () => {
  assert.equal(at('http://h', '/completions'), 'http://h/completions');
  assert.equal(at('http://h/api', '/completions'), 'http://h/api/completions');
  assert.equal(at('http://h/v1', '/completions'), 'http://h/v1/completions');
  assert.equal(at('http://h', '/v1/completions'), 'http://h/v1/completions');
});

test('what can be no base is refused in words', () => {
  for (const [text, why] of [
    ['h', /not a URL/],
    ['ftp://h', /protocol ftp/],
    ['http://u:p@h', /api_key/],
    ['http://h#x', /fragment/],
  ] as const)
    assert.throws(() => parseApiBase(text), why);
});
