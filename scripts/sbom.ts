/**
 * `npm run sbom [-- --check] [--json]`: writes what the project is made of (CycloneDX, one list for npm and one for Python) and under
 * which licences. `--check` writes nothing, needs no Python environment, and fails when lockfile, requirements and lists
 * differ; `npm run docs` keeps the lists in step with the lockfile meanwhile.
 *
 * `npm run sbom -- --image NAME --dpkg FILE`: the list of one image on standard output, with what its base has of Debian's packages, as
 * `docker run --rm --entrypoint cat IMAGE /var/lib/dpkg/status` tells them.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { waiting } from '../services/process/src/progress.ts';
import { imageNames } from './deploy/dockerfiles.ts';
import { PARTS } from './parts/index.ts';
import { ROOT, readText } from './parts/lib.ts';
import { knownNpm, listFiles, lockfile, PYTHON, readParts } from './sbom/files.ts';
import { debianParts, imageList } from './sbom/images.ts';
import { spdx } from './sbom/licence.ts';
import { installedLicence } from './sbom/npm-parts.ts';
import { document, partsOf } from './sbom/part.ts';
import { allPins, installedParts } from './sbom/python-parts.ts';

const { values } = parseArgs({
  options: {
    check: { type: 'boolean' },
    image: { type: 'string' },
    dpkg: { type: 'string' },
    json: { type: 'boolean' },
  },
});
const end = lastLine(values.json);

/** @throws Error for a name that no Dockerfile has, or a base's list without packages. */
function wholeImage(image: string, dpkg: string): string {
  if (!imageNames().includes(image))
    throw new Error(`--image is one of ${imageNames().join(', ')}, not ${image}`);
  const debian = debianParts(readFileSync(dpkg, 'utf8'));
  if (debian.length === 0)
    throw new Error(`${dpkg} names no installed package; want a base’s /var/lib/dpkg/status`);
  const { version } = JSON.parse(readText('package.json')) as { version: string };
  return document(`llm-router-${image}`, version, [...partsOf(readText(imageList(image))), ...debian]);
}

/** Packages of other platforms are not installed here; their licence is asked for once, through npm's own client. */
async function askRegistry(name: string, version: string): Promise<string | null> {
  const { stdout } = await promisify(execFile)('npm', ['view', `${name}@${version}`, 'license']);
  return spdx(stdout);
}

/** Licences by name@version: of what is installed, of the list before, and asked for. */
async function npmLicences(): Promise<Map<string, string>> {
  const known = knownNpm();
  for (const key of Object.keys(lockfile().packages)) {
    const at = key.lastIndexOf('@');
    const [name, version] = [key.slice(0, at), key.slice(at + 1)];
    const licence = installedLicence(name, version) ?? known.get(key) ?? (await askRegistry(name, version));
    if (licence) known.set(key, licence);
  }
  return known;
}

async function freshFiles(): Promise<Record<string, string>> {
  for (const part of ['triton', 'trainer', 'python-tools', 'deploy-tools', 'notebooks'] as const)
    await PARTS[part]();
  const before = readParts(PYTHON).filter(({ from }) => from.length === 0);
  return listFiles(await waiting('licences', npmLicences), [...(await installedParts(allPins())), ...before]);
}

if (Boolean(values.image) !== Boolean(values.dpkg)) {
  console.error('--image and --dpkg go together');
  process.exit(2);
}
try {
  if (values.image && values.dpkg) {
    process.stdout.write(wholeImage(values.image, values.dpkg));
  } else {
    const files = values.check ? listFiles() : await freshFiles();
    const stale = Object.entries(files).filter(
      ([path, text]) => !existsSync(join(ROOT, path)) || readText(path) !== text,
    );
    if (values.check && stale.length > 0)
      throw new Error(
        `${stale.map(([path]) => path).join(', ')}: not what the lockfile and the requirements say; run npm run sbom and commit the result`,
      );
    for (const [path, text] of stale) {
      mkdirSync(dirname(join(ROOT, path)), { recursive: true });
      writeFileSync(join(ROOT, path), text);
    }
    console.log(`${Object.keys(files).length} lists, ${stale.length} ${values.check ? 'stale' : 'written'}`);
    end({ lists: Object.keys(files), [values.check ? 'stale' : 'written']: stale.map(([path]) => path) });
  }
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
