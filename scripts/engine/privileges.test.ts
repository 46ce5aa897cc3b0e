import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingPrivileges } from './privileges.ts';

const status = (mask: string) => () => `Name:\tnode\nCapPrm:\t${mask}\nCapEff:\t${mask}\n`;

test('a root with all that it needs misses nothing, even without what it does not need', () => {
  assert.equal(missingPrivileges('linux', 0, status('000001ffffffffff')), null);
  // Without CAP_SYS_RESOURCE.
  assert.equal(missingPrivileges('linux', 0, status('000001fffeffffff')), null);
});

test('what is missing is named: the system, root, a capability', () => {
  assert.match(missingPrivileges('darwin', 0, status('0')) ?? '', /Linux is needed, this is darwin/);
  assert.match(missingPrivileges('linux', 1000, status('0')) ?? '', /root is needed, this is user 1000/);
  // What Docker gives a container by default.
  const told = missingPrivileges('linux', 0, status('00000000a80425fb')) ?? '';
  assert.match(told, /lacks CAP_NET_ADMIN, CAP_SYS_ADMIN:/);
});
