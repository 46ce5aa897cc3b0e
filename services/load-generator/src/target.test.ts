import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { UsageError } from './options.ts';
import { checkTarget, isOwn, ownLookup } from './target.ts';

const OWN = [
  '127.0.0.1',
  '127.255.0.9',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.7.7',
  '::1',
  'fd00::1',
  '::ffff:10.0.0.1',
];
const FOREIGN = [
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '192.169.0.1',
  '11.0.0.1',
  '0.0.0.0',
  '169.254.169.254',
  '2001:db8::1',
  'fe80::1',
  '::',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
];

test('loopback and private addresses are one’s own, all others are not', async () => {
  for (const address of OWN) assert.ok(isOwn(address), address);
  for (const address of [...FOREIGN, 'localhost', '']) assert.ok(!isOwn(address), address);
  const url = (address: string) => `http://${address.includes(':') ? `[${address}]` : address}:8084`;
  for (const address of OWN) await checkTarget(url(address));
  for (const address of FOREIGN) {
    await assert.rejects(checkTarget(url(address)), (error: Error) => {
      return error instanceof UsageError && error.message.includes('--i-own-this-target');
    });
  }
});

test('addresses in other spellings are seen through', async () => {
  await checkTarget('http://2130706433:1');
  await checkTarget('http://0x7f.1:1');
  await assert.rejects(checkTarget('http://134744072'), /neither a loopback nor a private/);
  await assert.rejects(checkTarget('http://0x8.8.8.8'), /neither a loopback nor a private/);
});

test('a name is judged by what it points to, at the start and at every connection', async () => {
  await checkTarget('http://localhost:8084');
  await assert.rejects(
    checkTarget('http://no-such-host.invalid'),
    /'no-such-host.invalid' can't be resolved/,
  );
  const look = promisify(ownLookup) as unknown as (host: string, options: object) => Promise<unknown>;
  assert.ok(isOwn(String(await look('localhost', {}))));
  for (const { address } of (await look('localhost', { all: true })) as { address: string }[])
    assert.ok(isOwn(address));
  // A literal needs no name server, and stands for a name that has moved.
  await assert.rejects(look('8.8.8.8', { all: true }), /foreign address/);
});
