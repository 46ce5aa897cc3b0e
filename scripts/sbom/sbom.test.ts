import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFiles, lockfile, NPM, PYTHON } from './files.ts';
import { isAllowed, spdx } from './licence.ts';
import { npmParts, readLockfile } from './npm-parts.ts';
import { document, type Part, partsOf } from './part.ts';
import { allPins, pinsOf, pythonParts } from './python-parts.ts';

const LOCK = readLockfile(`
importers:
  .:
    devDependencies: { tool: { specifier: 1.0.0, version: 1.0.0 } }
  services/a:
    dependencies: { '@x/run': { specifier: ^2, version: 2.0.0(peer@3.0.0) }, mine: { specifier: workspace:*, version: link:../b } }
packages:
  '@x/run@2.0.0': { resolution: { integrity: sha512-AAEC } }
  peer@3.0.0: { resolution: { integrity: sha1-x } }
  tool@1.0.0: { resolution: {} }
snapshots:
  '@x/run@2.0.0(peer@3.0.0)': { dependencies: { peer: 3.0.0 } }
  peer@3.0.0: {}
  tool@1.0.0: { optionalDependencies: { peer: 3.0.0 } }
`);

test('the lockfile’s packages, with hash and needs; what only builds is told apart', () => {
  const parts = npmParts(LOCK, (name) => (name === 'tool' ? 'MIT OR GPL-3.0-only' : 'MIT'));
  const by = new Map(parts.map((part) => [part.name, part]));
  assert.equal(by.get('@x/run')!.purl, 'pkg:npm/%40x/run@2.0.0');
  assert.equal(by.get('@x/run')!.sha512, '000102');
  assert.deepEqual(by.get('@x/run')!.needs, ['pkg:npm/peer@3.0.0']);
  assert.deepEqual(
    parts.map(({ name, isRuntime }) => [name, isRuntime]),
    [
      ['@x/run', true],
      ['peer', true],
      ['tool', false],
    ],
  );
  assert.throws(() => npmParts(LOCK, () => null), /no licence is known of @x\/run@2\.0\.0, peer@3/);
});

test('the same parts in any order give the same bytes, and come back as they were', () => {
  const parts = npmParts(LOCK, () => 'MIT');
  const text = document('x', '1', parts);
  assert.equal(document('x', '1', [...parts].reverse()), text);
  assert.notEqual(document('x', '1', parts.slice(1)), text);
  const back = partsOf(text);
  assert.deepEqual(
    back.map(({ purl, licence, isRuntime }) => [purl, licence, isRuntime]),
    parts.map(({ purl, licence, isRuntime }) => [purl, licence, isRuntime]),
  );
});

test('licences are read as packages write them, and only those that go with Apache-2.0 come in', () => {
  assert.equal(spdx('Apache Software License'), 'Apache-2.0');
  assert.equal(spdx('(MIT OR CC0-1.0)'), '(MIT OR CC0-1.0)');
  for (const nothing of [null, '', 'UNKNOWN', 'Copyright (c) 2020, all of us\nand more', 'see LICENSE.txt'])
    assert.equal(spdx(nothing), null, String(nothing));
  for (const good of ['MIT', 'BSD-3-Clause AND MIT', 'GPL-2.0-only OR MIT', '(MIT OR CC0-1.0)'])
    assert.ok(isAllowed(good), good);
  for (const wrong of ['GPL-3.0-only', 'MIT AND AGPL-3.0-only', 'NOASSERTION', 'SSPL-1.0 OR GPL-2.0-only'])
    assert.ok(!isAllowed(wrong), wrong);
});

test('Python’s pins, markers and extras included; an older pin leaves the list with what asked for it alone', () => {
  const text =
    '# x==1\nnumpy==2.4.6; python_version >= "3.11"\nnumpy==2.2.6; python_version < "3.11"\njax[cpu]==0.10.2\n-r other.txt\n';
  const pins = pinsOf('a.txt', text);
  assert.deepEqual(
    pins.map(({ name, version }) => `${name} ${version}`),
    ['numpy 2.4.6', 'numpy 2.2.6', 'jax 0.10.2'],
  );
  const known = (name: string, version: string, from: string[]): Part => ({
    name,
    version,
    from,
    purl: `pkg:pypi/${name}@${version}`,
    licence: 'MIT',
    sha512: null,
    isRuntime: false,
    needs: [],
  });
  const before = [
    known('numpy', '2.4.5', ['a.txt']),
    known('jax', '0.9.0', ['a.txt', 'b.txt']),
    known('scipy', '1', ['a.txt']),
  ];
  const parts = pythonParts(pins, before);
  assert.deepEqual(parts.map(({ purl, from }) => `${purl} ${from}`).sort(), [
    'pkg:pypi/jax@0.10.2 a.txt',
    'pkg:pypi/jax@0.9.0 b.txt',
    'pkg:pypi/numpy@2.2.6 a.txt',
    'pkg:pypi/numpy@2.4.6 a.txt',
    'pkg:pypi/scipy@1 a.txt',
  ]);
  assert.throws(
    () => pythonParts([{ name: 'new', version: '1', file: 'a.txt' }], before),
    /new 1 of a\.txt is not in the list yet; run npm run sbom/,
  );
});

test('the committed lists hold every package of the lockfile and every pin, and every reference leads somewhere', () => {
  const files = listFiles();
  const [npm, python] = [partsOf(files[NPM]!), partsOf(files[PYTHON]!)];
  assert.equal(npm.length, Object.keys(lockfile().packages).length);
  for (const { name, version } of allPins())
    assert.ok(
      python.some((part) => part.name === name && part.version === version),
      `${name} ${version}`,
    );
  for (const parts of [npm, python]) {
    const purls = new Set(parts.map(({ purl }) => purl));
    assert.equal(purls.size, parts.length);
    for (const { purl, needs } of parts)
      for (const need of needs) assert.ok(purls.has(need), `${purl} needs ${need}`);
  }
});
