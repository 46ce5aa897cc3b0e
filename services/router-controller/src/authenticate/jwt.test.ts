/** Whom a token names. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { JwtVerifier, TokenRefused } from './jwt.ts';

const { privateKey, publicKey } = await generateKeyPair('ES256');
const verifier = new JwtVerifier(
  {
    issuer: 'i',
    audience: 'a',
    jwks_url: 'https://id.example/jwks',
    tenant_claim: 'org',
    policies_claim: 'may',
    algorithms: ['ES256'],
  },
  async () => publicKey,
);
const verify = async (claims: Record<string, unknown>) =>
  verifier.verify(
    await new SignJWT({ iss: 'i', aud: 'a', exp: Math.floor(Date.now() / 1000) + 60, ...claims })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(privateKey),
  );

test('one name in two organisations is two callers, and no two names come out the same', async () => {
  const names: [string, string][] = [
    ['acme', 'alice'],
    ['evilcorp', 'alice'],
    ['acme:b', 'alice'],
    ['acme', 'b:alice'],
    ['acme%3Ab', 'alice'],
  ];
  const ids = await Promise.all(names.map(async ([org, sub]) => (await verify({ org, sub })).id));
  assert.equal(ids[0], 'jwt:acme:alice');
  assert.equal(new Set(ids).size, names.length, ids.join(' '));
});

test('a subject or tenant that is no text, or longer than a name, is refused', async () => {
  for (const sub of [{ a: 1 }, ['alice'], 7, true, '', 'x'.repeat(201)])
    await assert.rejects(verify({ org: 'acme', sub }), (error) => {
      assert.ok(error instanceof TokenRefused, `${JSON.stringify(sub)}: ${error}`);
      assert.match(error.message, /'sub'/);
      return true;
    });
  for (const org of [undefined, { a: 1 }, ['acme'], 7, '', 'x'.repeat(101)])
    await assert.rejects(verify({ org, sub: 'alice' }), { message: /'org', which names the tenant/ });
});

test('a provider that only the environment’s proxy reaches is asked by it', async () => {
  const asked: string[] = [];
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'k' }] });
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.setHeader('content-type', 'application/json').end(keys);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const before = process.env.http_proxy;
  process.env.http_proxy = `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
  try {
    const remote = new JwtVerifier({
      issuer: 'i',
      audience: 'a',
      jwks_url: 'http://id.invalid/jwks',
      algorithms: ['ES256'],
      tenant_claim: 'org',
    });
    const token = await new SignJWT({ iss: 'i', aud: 'a', sub: 'ann', org: 'acme', exp: 2_000_000_000 })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .sign(privateKey);
    assert.equal((await remote.verify(token)).id, 'jwt:acme:ann');
    assert.deepEqual(asked, ['GET http://id.invalid/jwks']);
  } finally {
    if (before === undefined) delete process.env.http_proxy;
    else process.env.http_proxy = before;
    proxy.closeAllConnections();
    proxy.close();
  }
});
