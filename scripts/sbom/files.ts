/** The lists as files, from the lockfile, the requirements, and what is known of their packages. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { imageNames } from '../deploy/dockerfiles.ts';
import { ROOT, readText } from '../parts/lib.ts';
import { imageList, imageParts } from './images.ts';
import { isAllowed } from './licence.ts';
import { installedLicence, npmParts, readLockfile } from './npm-parts.ts';
import { licencesPage } from './page.ts';
import { document, type Part, partsOf } from './part.ts';
import { allPins, pythonParts } from './python-parts.ts';

const FOLDER = 'docs/reference/sbom';
export const NPM = `${FOLDER}/npm.cdx.json`;
export const PYTHON = `${FOLDER}/python.cdx.json`;
const PAGE = 'docs/reference/licences.md';

export const lockfile = () => readLockfile(readText('pnpm-lock.yaml'));

/** The parts of a list that was written before; none where it was not. */
export const readParts = (path: string): Part[] =>
  existsSync(join(ROOT, path)) ? partsOf(readText(path)) : [];

/** Licences by name@version, of the list that was written before. */
export const knownNpm = () =>
  new Map(readParts(NPM).map(({ name, version, licence }) => [`${name}@${version}`, licence]));

/**
 * @param licences of npm's packages by name@version.
 * @param python what is known of Python's packages.
 * @returns text by path.
 * @throws Error naming a package whose licence is not known, or does not go with Apache-2.0.
 */
export function listFiles(licences = knownNpm(), python = readParts(PYTHON)): Record<string, string> {
  const { version } = JSON.parse(readText('package.json')) as { version: string };
  const npm = npmParts(
    lockfile(),
    (name, wanted) => licences.get(`${name}@${wanted}`) ?? installedLicence(name, wanted),
  );
  const pypi = pythonParts(allPins(), python);
  const refused = [...npm, ...pypi].filter(({ licence }) => !isAllowed(licence));
  if (refused.length > 0)
    throw new Error(
      `licences that Apache-2.0 code can’t simply stand beside: ${refused.map(({ purl, licence }) => `${purl} (${licence})`).join(', ')}`,
    );
  const known = { lock: lockfile(), npm, python: pypi };
  const images = imageNames().map((image) => [
    imageList(image),
    document(`llm-router-${image}`, version, imageParts(image, known)),
  ]);
  return {
    ...Object.fromEntries(images),
    [NPM]: document('llm-router-npm', version, npm),
    [PYTHON]: document('llm-router-python', version, pypi),
    [PAGE]: licencesPage(npm, pypi),
  };
}
