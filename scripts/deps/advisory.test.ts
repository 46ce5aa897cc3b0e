import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROOT } from '../parts/lib.ts';
import { NPM, PYTHON, readParts } from '../sbom/files.ts';
import { type Advisory, readAdvisories, speaksOf } from './advisory.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-advisories-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const advisory = (name: string, events: object[], more: object = {}): Advisory => ({
  id: `TEST-${name}`,
  affected: [{ package: { ecosystem: 'npm', name }, ranges: [{ type: 'SEMVER', events }], ...more }],
});

test('a range holds from its introduction to its repair, candidates and several branches included', () => {
  const two = advisory('a', [
    { introduced: '0' },
    { fixed: '1.4.10' },
    { introduced: '2.0.0' },
    { fixed: '2.3.0' },
  ]);
  const holds = (version: string) => speaksOf(two, 'npm', 'a', version);
  assert.deepEqual(
    [
      '0.0.1',
      '1.4.9',
      '1.4.10',
      '1.9.0',
      '2.0.0-rc.1',
      '2.0.0',
      '2.2.99',
      '2.3.0-beta',
      '2.3.0',
      '10.0.0',
    ].filter(holds),
    ['0.0.1', '1.4.9', '2.0.0', '2.2.99', '2.3.0-beta'],
  );
  const last = advisory('a', [{ introduced: '1.0.0' }, { last_affected: '1.2' }]);
  assert.deepEqual(
    ['0.9', '1.0.0', '1.2.0', '1.2.1'].filter((version) => speaksOf(last, 'npm', 'a', version)),
    ['1.0.0', '1.2.0'],
  );
});

test('only its own package and ecosystem, exact versions too, and nothing once it is withdrawn', () => {
  const listed: Advisory = {
    id: 'P',
    affected: [{ package: { ecosystem: 'PyPI', name: 'Typing_Extensions' }, versions: ['4.1', '1!2'] }],
  };
  assert.ok(speaksOf(listed, 'PyPI', 'typing-extensions', '4.1'));
  assert.ok(!speaksOf(listed, 'PyPI', 'typing-extensions', '4.2'));
  assert.ok(!speaksOf(listed, 'npm', 'typing-extensions', '4.1'));
  const open = advisory('a', [{ introduced: '0' }]);
  assert.ok(!speaksOf(open, 'npm', 'b', '1.0.0'));
  assert.ok(!speaksOf({ ...open, withdrawn: '2026-01-01T00:00:00Z' }, 'npm', 'a', '1.0.0'));
});

/** As `npm run check:deps` does. */
const check = (...args: string[]) =>
  new Promise<{ code: number; out: string }>((done) => {
    execFile(process.execPath, [join(ROOT, 'scripts', 'check-deps.ts'), ...args], (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), out: stdout + stderr }),
    );
  });
const file = (name: string, content: unknown) => {
  mkdirSync(join(folder, name, 'npm'), { recursive: true });
  writeFileSync(join(folder, name, 'npm', 'x.json'), JSON.stringify(content));
  return join(folder, name);
};

test('the command tells what it found, what it could not check, and never calls that clean', async () => {
  const other: Advisory = {
    id: 'O',
    affected: [{ package: { ecosystem: 'PyPI', name: 'nobody-has-this' } }],
  };
  const harmless = advisory('nobody-has-this', [{ introduced: '0' }]);
  assert.equal((await check('--advisories', file('clean', [other, harmless]))).code, 0);
  const half = await check('--advisories', file('half', [harmless]));
  assert.equal(half.code, 3);
  assert.match(half.out, /NOT CHECKED: PyPI/);
  const [npm, pypi] = [
    readParts(NPM).find(({ name }) => name === 'undici')!,
    readParts(PYTHON).find(({ name }) => name === 'numpy')!,
  ];
  const ours = [
    advisory('undici', [{ introduced: '0' }, { last_affected: npm.version }]),
    { id: 'N', affected: [{ package: { ecosystem: 'PyPI', name: 'numpy' }, versions: [pypi.version] }] },
  ];
  const found = await check('--advisories', file('ours', ours));
  assert.equal(found.code, 1);
  assert.match(found.out, new RegExp(`npm undici ${npm.version} \\(runs\\): TEST-undici`));
  assert.match(found.out, /PyPI numpy /);
  for (const wrong of [file('none', { hello: 1 }), join(folder, 'missing')]) {
    const { code, out } = await check('--advisories', wrong);
    assert.equal(code, 3, out);
    assert.match(out, /NOT CHECKED: .*(holds no OSV advisory|is not there)/);
  }
  assert.throws(() => readAdvisories(join(folder, 'missing')), /is not there/);
});
