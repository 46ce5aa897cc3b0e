import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hierarchies } from './cgroups.ts';

test('hierarchies of version 1 are found by their controllers, named ones by their name, the unified one by its type', () => {
  const cgroup = '4:memory:/a/b\n3:cpu,cpuacct:/\n2:name=systemd:/s:x\n1:net_cls:/\n0::/u\n';
  const mounts = [
    'tmpfs /sys/fs/cgroup tmpfs rw 0 0',
    'cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0',
    'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpuacct,cpu 0 0',
    'cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0',
    'cgroup /sys/fs/cgroup/unified cgroup2 rw 0 0',
  ].join('\n');
  assert.deepEqual(hierarchies(cgroup, mounts), [
    { mount: '/sys/fs/cgroup/memory', own: '/a/b', isUnified: false },
    { mount: '/sys/fs/cgroup/cpu,cpuacct', own: '/', isUnified: false },
    { mount: '/sys/fs/cgroup/systemd', own: '/s:x', isUnified: false },
    { mount: '/sys/fs/cgroup/unified', own: '/u', isUnified: true },
  ]);
});

test('a machine with the unified hierarchy alone has one', () => {
  assert.deepEqual(hierarchies('0::/user.slice\n', 'cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n'), [
    { mount: '/sys/fs/cgroup', own: '/user.slice', isUnified: true },
  ]);
});
