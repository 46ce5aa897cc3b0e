/**
 * `npm run release -- --version X.Y.Z [--dry-run] [--out DIR] [--json]`: version, changelog, packages of router and chart, commit
 * and tag of a release. With --dry-run nothing of the repository changes: it checks that all would work, packs both into DIR (default: .cache/release) and
 * tells what would be done. Nothing is ever pushed or published from here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { VERSION } from '../services/router-controller/src/version.ts';
import { dockerfilePath, imageNames } from './deploy/dockerfiles.ts';
import { CACHE, ROOT, run } from './parts/lib.ts';
import { pack, packChart } from './release/pack.ts';
import { isLater, saysVersion, withChanges, withVersion } from './release/versions.ts';

function fail(message: string, code = 1): never {
  console.error(`release: ${message}`);
  process.exit(code);
}

const { values } = parseArgs({
  options: {
    version: { type: 'string' },
    'dry-run': { type: 'boolean' },
    out: { type: 'string', default: join(CACHE, 'release') },
    json: { type: 'boolean' },
  },
});
const { version, 'dry-run': isDry } = values;
const end = lastLine(values.json);
if (!version) fail('--version X.Y.Z is missing', 2);
if (!isLater(VERSION, version))
  fail(`${version} does not come after ${VERSION}; want X.Y.Z or X.Y.Z-rc.N`, 2);

const dirty = await run('looking for changes', 'git', ['status', '--porcelain', '--untracked-files=no']);
if (dirty.trim() !== '' && !isDry) fail(`there are changes that are not committed:\n${dirty}`);
const tags = await run('looking at tags', 'git', ['tag', '--list', `v${version}`]);
if (tags.trim() !== '') fail(`the tag v${version} is there already`);

const files = (await run('listing files', 'git', ['ls-files'])).split('\n');
const dockerfiles = imageNames()
  .map((name) => dockerfilePath(name))
  .map((path) => path.replace(`${ROOT}/`, ''))
  .filter((path) => readFileSync(join(ROOT, path), 'utf8').includes('ARG VERSION='));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const changed = new Map<string, string>();
try {
  for (const path of [...files.filter(saysVersion), ...dockerfiles])
    changed.set(path, withVersion(path, read(path), VERSION, version));
  changed.set(
    'CHANGELOG.md',
    withChanges(read('CHANGELOG.md'), version, new Date().toISOString().slice(0, 10)),
  );
} catch (error) {
  fail((error as Error).message);
}
const short = (path: string) => path.replace(`${ROOT}/`, '');
// npm and helm call theirs the same.
const packAll = async () =>
  [await pack(resolve(values.out)), await packChart(join(resolve(values.out), 'chart'))].map(short);
const [packed, packedChart] = await packAll();
for (const path of [packed, packedChart]) console.log(`packed ${path}`);
if (isDry) {
  for (const path of changed.keys()) console.log(`would write ${path}`);
  console.log(
    `would write what \`npm run docs\` makes of them, commit as "Release ${version}" and tag v${version}`,
  );
  console.log('dry run: nothing was changed');
  end({ version, dry_run: true, package: packed, chart: packedChart, files: [...changed.keys()] });
} else {
  for (const [path, text] of changed) writeFileSync(join(ROOT, path), text);
  await run('generated pages', process.execPath, [join(ROOT, 'scripts/docs.ts')]);
  await run('commit', 'git', ['commit', '-qam', `Release ${version}`]);
  await run('tag', 'git', ['tag', '-a', `v${version}`, '-m', `Release ${version}`]);
  const [tarball, chart] = await packAll();
  console.log(
    `committed and tagged v${version}; ${tarball} is its package, ${chart} its chart. Push both when it has passed CI:`,
  );
  console.log(`  git push origin HEAD v${version}`);
  end({ version, dry_run: false, package: tarball, chart, files: [...changed.keys()] });
}
