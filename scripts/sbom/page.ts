/** The page of licences, for people. */
import { table } from '../docs/markdown.ts';
import type { Part } from './part.ts';

function rows(parts: readonly Part[]): string[][] {
  const by = new Map<string, Part[]>();
  for (const part of parts) by.set(part.licence, [...(by.get(part.licence) ?? []), part]);
  return [...by]
    .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
    .map(([licence, those]) => [
      licence,
      String(those.length),
      [...new Set(those.map(({ name }) => name))].sort().join(', '),
    ]);
}

/** @returns Markdown. */
export function licencesPage(npm: readonly Part[], python: readonly Part[]): string {
  const list = (parts: readonly Part[]) => table(['licence', 'packages', 'which'], rows(parts));
  const isRuntime = ({ isRuntime }: Part) => isRuntime;
  const isTool = ({ isRuntime }: Part) => !isRuntime;
  return `# Licences

Written by \`npm run sbom\` from \`pnpm-lock.yaml\`, the requirements files and the packages' own metadata; the same lists for machines are
[\`sbom/npm.cdx.json\`](sbom/npm.cdx.json) and [\`sbom/python.cdx.json\`](sbom/python.cdx.json) (CycloneDX 1.6). The project is Apache-2.0; a
licence that it can't stand beside fails \`npm run sbom\`, \`npm run docs\` and the tests. Base images bring their own lists (\`docker buildx build --sbom=true\`). The clients of others
that \`npm run conformance\` runs are no part of the project: they are pinned whole in \`services/conformance\`.

## In what runs, from npm

${list(npm.filter(isRuntime))}

## In what runs, from Python (Triton's steps)

${list(python.filter(isRuntime))}

## Only to build, train and test, from npm

${list(npm.filter(isTool))}

## Only to build, train and test, from Python

${list(python.filter(isTool))}
`;
}
