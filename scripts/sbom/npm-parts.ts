/** Parts from npm: what pnpm-lock.yaml says, for all platforms, with the licences of the packages themselves. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { load } from 'js-yaml';
import { ROOT } from '../parts/lib.ts';
import { spdx } from './licence.ts';
import type { Part } from './part.ts';

type Versions = Readonly<Record<string, string>>;
interface Snapshot {
  readonly dependencies?: Versions;
  readonly optionalDependencies?: Versions;
}
export interface Lockfile {
  readonly importers: Readonly<
    Record<
      string,
      Readonly<Record<'dependencies' | 'devDependencies', Readonly<Record<string, { version: string }>>>>
    >
  >;
  readonly packages: Readonly<Record<string, { resolution: { integrity?: string } }>>;
  readonly snapshots: Readonly<Record<string, Snapshot>>;
}

export const readLockfile = (text: string) => load(text) as Lockfile;

/** `a@1.0.0(b@2.0.0)`: the version without the peers that it was resolved with. */
const bare = (key: string) => key.replace(/\(.*$/, '');
const purlOf = (key: string) => {
  const at = key.lastIndexOf('@');
  return `pkg:npm/${key.slice(0, at).replace('@', '%40')}@${key.slice(at + 1)}`;
};

function below(lock: Lockfile, starts: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const queue = [...starts]; queue.length > 0; ) {
    const key = queue.pop()!;
    if (found.has(key) || key.includes('link:')) continue;
    found.add(key);
    for (const [name, version] of needsOf(lock, key)) queue.push(`${name}@${version}`);
  }
  return found;
}

/**
 * What a `pnpm install --prod` of these packages of the workspace brings in, by name@version; packages of the workspace that they need
 * count with theirs.
 *
 * @param importers folders, such as services/router-controller.
 */
export function runtimeOf(lock: Lockfile, importers: readonly string[]): Set<string> {
  const starts: string[] = [];
  const seen = new Set<string>();
  for (const queue = [...importers]; queue.length > 0; ) {
    const importer = queue.pop()!;
    if (seen.has(importer)) continue;
    seen.add(importer);
    for (const [name, { version }] of Object.entries(lock.importers[importer]?.dependencies ?? {})) {
      if (version.startsWith('link:')) queue.push(posix.join(importer, version.slice('link:'.length)));
      else starts.push(`${name}@${version}`);
    }
  }
  return new Set([...below(lock, starts)].map(bare));
}

const needsOf = ({ snapshots }: Lockfile, key: string) =>
  Object.entries({ ...snapshots[key]?.dependencies, ...snapshots[key]?.optionalDependencies });

const STORE = join(ROOT, 'node_modules', '.pnpm');
let folders: readonly string[] | null = null;
function installedFolders(): readonly string[] {
  folders ??= existsSync(STORE) ? readdirSync(STORE) : [];
  return folders;
}

/** The licence in a package's own package.json, where it is installed. */
export function installedLicence(name: string, version: string): string | null {
  const folder = `${name.replace('/', '+')}@${version}`;
  // A package with peers lies in a folder that names them, too: a@1.0.0_b@2.0.0.
  const found = installedFolders().find((each) => each === folder || each.startsWith(`${folder}_`));
  if (!found) return null;
  const file = join(STORE, found, 'node_modules', name, 'package.json');
  const { license } = JSON.parse(readFileSync(file, 'utf8')) as { license?: string | { type: string } };
  return spdx(typeof license === 'object' ? license.type : license);
}

/**
 * @param licenceOf by name and version.
 * @throws Error naming what has no licence.
 */
export function npmParts(
  lock: Lockfile,
  licenceOf: (name: string, version: string) => string | null,
): Part[] {
  const roots = (kind: 'dependencies' | 'devDependencies') =>
    Object.values(lock.importers).flatMap((importer) =>
      Object.entries(importer[kind] ?? {}).map(([name, { version }]) => `${name}@${version}`),
    );
  const runtime = new Set([...below(lock, roots('dependencies'))].map(bare));
  const needs = new Map<string, Set<string>>();
  for (const key of Object.keys(lock.snapshots)) {
    const own = needs.get(bare(key)) ?? new Set();
    needs.set(bare(key), own);
    for (const [name, version] of needsOf(lock, key)) own.add(purlOf(bare(`${name}@${version}`)));
  }
  const nameless: string[] = [];
  const parts = Object.entries(lock.packages).map(([key, { resolution }]): Part => {
    const at = key.lastIndexOf('@');
    const [name, version] = [key.slice(0, at), key.slice(at + 1)];
    const licence = licenceOf(name, version);
    if (!licence) nameless.push(key);
    const [, hash] = /^sha512-(.+)$/.exec(resolution.integrity ?? '') ?? [];
    return {
      name,
      version,
      purl: purlOf(key),
      licence: licence ?? 'NOASSERTION',
      sha512: hash ? Buffer.from(hash, 'base64').toString('hex') : null,
      isRuntime: runtime.has(key),
      needs: [...(needs.get(key) ?? [])],
      from: [],
    };
  });
  if (nameless.length > 0) throw new Error(`no licence is known of ${nameless.join(', ')}`);
  return parts;
}
