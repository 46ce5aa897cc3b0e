/** Advisories in OSV's form, and whether one speaks of a package. https://ossf.github.io/osv-schema says the form. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

interface Range {
  readonly type: string;
  readonly events?: readonly { introduced?: string; fixed?: string; last_affected?: string }[];
}

export interface Advisory {
  readonly id: string;
  readonly aliases?: readonly string[];
  readonly summary?: string;
  readonly withdrawn?: string;
  readonly affected?: readonly {
    readonly package?: { readonly ecosystem: string; readonly name: string };
    readonly ranges?: readonly Range[];
    readonly versions?: readonly string[];
  }[];
}

/** `1.10.0-rc.2` as what counts: numbers first, then a release before… after its candidates. */
function compare(a: string, b: string): number {
  const split = (version: string) => {
    const [, numbers = '', rest = ''] = /^v?(\d+(?:\.\d+)*)(.*?)(?:\+.*)?$/.exec(version) ?? [];
    return { numbers: numbers.split('.').map(Number), rest: rest.replace(/^[-.]/, '') };
  };
  const [x, y] = [split(a), split(b)];
  for (let i = 0; i < Math.max(x.numbers.length, y.numbers.length); i++) {
    const difference = (x.numbers[i] ?? 0) - (y.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  // Python's post releases come after; everything else that follows the numbers comes before.
  const rank = (rest: string) => (rest === '' ? 1 : /^post/.test(rest) ? 2 : 0);
  return rank(x.rest) - rank(y.rest) || x.rest.localeCompare(y.rest, 'en', { numeric: true });
}

/** Events open and close the range in the order of versions. */
function isWithin(version: string, { type, events = [] }: Range): boolean {
  if (type === 'GIT') return false;
  const at = (event: (typeof events)[number]) =>
    event.introduced ?? event.fixed ?? event.last_affected ?? '0';
  let isIn = false;
  for (const event of [...events].sort((a, b) => compare(at(a), at(b)))) {
    if (
      event.introduced !== undefined &&
      (event.introduced === '0' || compare(version, event.introduced) >= 0)
    )
      isIn = true;
    if (event.fixed !== undefined && compare(version, event.fixed) >= 0) isIn = false;
    if (event.last_affected !== undefined && compare(version, event.last_affected) > 0) isIn = false;
  }
  return isIn;
}

const canonical = (ecosystem: string, name: string) =>
  ecosystem === 'PyPI' ? name.toLowerCase().replaceAll(/[-_.]+/g, '-') : name;

export function speaksOf(
  advisory: Advisory,
  ecosystem: 'npm' | 'PyPI',
  name: string,
  version: string,
): boolean {
  if (advisory.withdrawn) return false;
  return (advisory.affected ?? []).some(
    (affected) =>
      affected.package?.ecosystem === ecosystem &&
      canonical(ecosystem, affected.package.name) === name &&
      ((affected.versions ?? []).includes(version) ||
        (affected.ranges ?? []).some((range) => isWithin(version, range))),
  );
}

/**
 * Every advisory of a folder (and the folders in it) or of one file: a single advisory, or a list of them.
 *
 * @throws Error naming the file that is none.
 */
export function readAdvisories(path: string): Advisory[] {
  if (!existsSync(path)) throw new Error(`${path} is not there`);
  const files = statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
        .map((entry) => join(entry.parentPath, entry.name))
    : [path];
  return files.flatMap((file) => {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const list = (Array.isArray(found) ? found : [found]) as Advisory[];
    if (!list.every((one) => typeof one?.id === 'string')) throw new Error(`${file} holds no OSV advisory`);
    return list;
  });
}
