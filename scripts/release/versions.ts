/** Where the version stands, and what a release makes of each place. */

/** A file's text with another version in it. @throws Error when the old one is not where it is looked for */
export function withVersion(path: string, text: string, from: string, to: string): string {
  const place = placeOf(path, from);
  if (!place.test(text)) throw new Error(`${path} does not say ${from} where its version stands`);
  return text.replaceAll(new RegExp(place.source, `${place.flags}g`), (match) => match.replace(from, to));
}

const literal = (text: string) => text.replaceAll(/[.+]/g, '\\$&');

function placeOf(path: string, version: string): RegExp {
  const v = literal(version);
  if (path.endsWith('package.json')) return new RegExp(`^ {2}"version": "${v}"`, 'm');
  if (path.endsWith('Chart.yaml')) return new RegExp(`^(?:version|appVersion): ${v}$`, 'm');
  if (path.endsWith('.Dockerfile')) return new RegExp(`^ARG VERSION=${v}$`, 'm');
  if (path.endsWith('compose.yaml')) return new RegExp(`LLM_ROUTER_VERSION:-${v}\\}`);
  return new RegExp(`VERSION = '${v}'`);
}

/** Of the repository's files, those that tell the version. */
export const saysVersion = (path: string): boolean =>
  /^(?:package\.json|protos\/package\.json|services\/[^/]+\/package\.json)$/.test(path) ||
  /^deploy\/helm\/[^/]+\/Chart\.yaml$/.test(path) ||
  path === 'deploy/compose/compose.yaml' ||
  path === 'services/router-controller/src/version.ts';

const PARTS = /^(\d+)\.(\d+)\.(\d+)(?:-([\w.]+))?$/;

/** True when the second version comes after the first; one with a suffix comes before the one without. */
export function isLater(from: string, to: string): boolean {
  const [a, b] = [PARTS.exec(from), PARTS.exec(to)];
  if (!a || !b) return false;
  for (const at of [1, 2, 3]) if (a[at] !== b[at]) return Number(b[at]) > Number(a[at]);
  return a[4] !== undefined && (b[4] === undefined || b[4] > a[4]);
}

const UNRELEASED = '## Unreleased';

/** The changelog with what was unreleased under the version. @throws Error when there is nothing to release */
export function withChanges(text: string, version: string, date: string): string {
  const begin = text.indexOf(`${UNRELEASED}\n`);
  if (begin < 0) throw new Error(`CHANGELOG.md has no \`${UNRELEASED}\``);
  const after = text.slice(begin + UNRELEASED.length);
  if (!/^- /m.test(after.split(/^## /m)[0]!))
    throw new Error('CHANGELOG.md tells no change under Unreleased');
  return `${text.slice(0, begin)}${UNRELEASED}\n\n## ${version} (${date})${after}`;
}
