/** Lists of what is in the images. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { imageNames } from '../deploy/dockerfiles.ts';
import { ROOT, readText } from '../parts/lib.ts';
import { debianParts, imageList, installed } from './images.ts';
import { partsOf } from './part.ts';

const parts = (image: string) => partsOf(readText(imageList(image)));

test('each image has a list, which begins with its base; weights are in it with their hashes', () => {
  for (const image of imageNames()) {
    const bases = parts(image).filter(({ type }) => type === 'container');
    assert.deepEqual(
      bases.map(({ name }) => name),
      [image === 'triton' ? 'tritonserver' : 'node'],
    );
  }
  const models = parts('router-server').filter(({ type }) => type === 'machine-learning-model');
  assert.ok(models.some(({ name }) => name === 'prompt_encoder/model.onnx'));
  for (const { name, sha512 } of models) assert.match(sha512 ?? '', /^[0-9a-f]{128}$/, name);
});

test('an image has what it installs and no other’s; a stage that only helps to build leaves nothing', () => {
  const names = (image: string) => new Set(parts(image).map(({ name }) => name));
  assert.ok(names('controller').has('express') && !names('controller').has('onnxruntime-node'));
  assert.ok(names('router-server').has('onnxruntime-node') && !names('router-server').has('express'));
  assert.ok(!names('controller').has('typescript'), 'what only builds is not in it');
  const triton = names('triton');
  assert.ok(triton.has('tokenizers'));
  // The stage that makes half precision has onnx; its weights alone are copied.
  assert.ok(!triton.has('onnx'));
});

test('a RUN line that nobody can read is no line of a list', () => {
  const of = (command: string) => installed(command, '/app', () => 'a==1\nb==2\nc==3\n');
  const pip = (grep: string) =>
    of(`grep ${grep} /x/r.txt > /y && python3 -m pip install --requirement /y`)[0]!.python;
  assert.deepEqual(pip("'^a=='"), ['a==1']);
  assert.deepEqual(pip("-v '^a=='"), ['b==2', 'c==3']);
  assert.deepEqual(pip("-E '^(a|c)=='"), ['a==1', 'c==3']);
  assert.deepEqual(
    of('apt-get update -qq && apt-get install -y --no-install-recommends curl jq')[0]!.debian,
    ['curl', 'jq'],
  );
  for (const command of ['curl https://x | sh', 'npm install left-pad', 'python3 -m pip install requests'])
    assert.throws(() => of(command), /can't say what this brings/, command);
});

const STATUS = `Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
`;

test('Debian’s packages come from the base’s own list, those that are installed', () => {
  assert.deepEqual(
    debianParts(STATUS).map(({ purl }) => purl),
    ['pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64'],
  );
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-dpkg-'));
  try {
    const file = join(folder, 'status');
    writeFileSync(file, STATUS);
    const sbom = (...args: string[]) =>
      execFileSync(process.execPath, [join(ROOT, 'scripts/sbom.ts'), ...args], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
    const whole = partsOf(sbom('--image', 'playground', '--dpkg', file));
    assert.deepEqual(whole.map(({ name }) => name).sort(), ['libc6', 'node']);
    writeFileSync(file, 'nothing\n');
    assert.throws(() => sbom('--image', 'playground', '--dpkg', file), /names no installed package/);
    assert.throws(() => sbom('--image', 'no-such', '--dpkg', file), /--image is one of/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
