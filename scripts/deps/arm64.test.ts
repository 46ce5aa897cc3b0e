/** What the Node images install runs on linux/arm64 as it does on linux/amd64. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../parts/lib.ts';
import { lockfile } from '../sbom/files.ts';
import type { Lockfile } from '../sbom/npm-parts.ts';
import { installedForX64, machineOf, onlyForX64, withoutArm } from './arm64.ts';

const IMAGES = ['services/router-controller', 'services/router-server', 'services/stand-in-llms'];

const elf = (machine: number) => {
  const head = Buffer.alloc(64);
  head.write('\x7fELF', 'latin1');
  head.writeUInt16LE(machine, 18);
  return head;
};

test('every native package of the images has its twin for ARM: in the lockfile, and within the package', () => {
  const lock = lockfile();
  assert.deepEqual(onlyForX64(lock, IMAGES), []);
  const { looked, problems } = installedForX64(ROOT, lock, IMAGES);
  assert.deepEqual(problems, []);
  assert.ok(
    looked.some((key) => key.startsWith('onnxruntime-node@')),
    'the one with most machine code',
  );
  assert.ok(looked.length > 50, `${looked.length} packages`);
});

test('a library for x64 alone is told by name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-elf-'));
  try {
    const write = (name: string, bytes: Buffer | string) => writeFileSync(join(folder, name), bytes);
    write('both-x64.node', elf(62));
    write('both-arm64.node', elf(183));
    write('text.js', 'no machine code, and longer than a head');
    assert.deepEqual(withoutArm(folder), []);
    write('alone.so', elf(62));
    assert.equal(machineOf(join(folder, 'alone.so')), 'x64');
    assert.deepEqual(withoutArm(folder), ['alone.so']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a package for x64 whose twin is missing in the lockfile is told, also below a package of the workspace', () => {
  const lock = (packages: object) =>
    ({
      importers: {
        a: { dependencies: { b: { version: 'link:../b' } } },
        b: { dependencies: { native: { version: '1.0.0' } } },
      },
      packages,
      snapshots: {
        'native@1.0.0': {
          optionalDependencies: { 'native-linux-x64': '1.0.0', 'native-linux-arm64': '1.0.0' },
        },
      },
    }) as unknown as Lockfile;
  const x64 = { 'native-linux-x64@1.0.0': { cpu: ['x64'], os: ['linux'] } };
  const arm = { 'native-linux-arm64@1.0.0': { cpu: ['arm64'], os: ['linux'] } };
  assert.deepEqual(onlyForX64(lock(x64), ['a']), ['native-linux-x64@1.0.0']);
  assert.deepEqual(onlyForX64(lock({ ...x64, ...arm }), ['a']), []);
  assert.deepEqual(
    onlyForX64(lock({ 'native-linux-arm64@1.0.0': { cpu: ['arm64'], os: ['darwin'] }, ...x64 }), ['a']),
    ['native-linux-x64@1.0.0'],
  );
});
