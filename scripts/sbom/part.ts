/** One package that the project brings in, and the CycloneDX document of many. */
import { createHash } from 'node:crypto';

export interface Part {
  readonly name: string;
  readonly version: string;
  /** pkg:npm/… or pkg:pypi/… */
  readonly purl: string;
  /** SPDX expression; NOASSERTION: not known here. */
  readonly licence: string;
  /** Hex SHA-512 of what the registry gives, where the lockfile says it. */
  readonly sha512: string | null;
  /** Whether it is in what runs, or only in what builds and tests. */
  readonly isRuntime: boolean;
  /** purls. */
  readonly needs: readonly string[];
  /** What of the project brings it in, where that is no lockfile. */
  readonly from: readonly string[];
  /** CycloneDX' word for what it is; absent: a library. */
  readonly type?: 'container' | 'machine-learning-model';
}

const byPurl = (a: { purl: string }, b: { purl: string }) => (a.purl < b.purl ? -1 : a.purl > b.purl ? 1 : 0);

/** A name of the document that is its content's, so that the same parts give the same bytes. */
function serial(content: string): string {
  const hex = createHash('sha256').update(content).digest('hex');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** CycloneDX 1.6 as JSON, without a time: what changes is what was changed. */
export function document(title: string, version: string, parts: readonly Part[]): string {
  const root = `pkg:generic/${title}@${version}`;
  const sorted = [...parts].sort(byPurl);
  const components = sorted.map((part) => ({
    type: part.type ?? 'library',
    'bom-ref': part.purl,
    name: part.name,
    version: part.version,
    scope: part.isRuntime ? 'required' : 'excluded',
    ...(part.sha512 && { hashes: [{ alg: 'SHA-512', content: part.sha512 }] }),
    ...(part.licence !== 'NOASSERTION' && { licenses: [{ expression: part.licence }] }),
    purl: part.purl,
    ...(part.from.length > 0 && {
      properties: part.from.map((value) => ({ name: 'llm-router:from', value })),
    }),
  }));
  const needed = new Set(sorted.flatMap((part) => part.needs));
  const dependencies = [
    { ref: root, dependsOn: sorted.map(({ purl }) => purl).filter((purl) => !needed.has(purl)) },
    ...sorted.map(({ purl, needs }) => ({ ref: purl, dependsOn: [...needs].sort() })),
  ];
  const content = {
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name: title,
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components,
    dependencies,
  };
  return `${JSON.stringify(
    {
      $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      serialNumber: serial(JSON.stringify(content)),
      version: 1,
      ...content,
    },
    null,
    1,
  )}\n`;
}

interface Written {
  readonly components: readonly {
    readonly type: string;
    readonly hashes?: readonly { readonly content: string }[];
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly scope: string;
    readonly licenses?: readonly { readonly expression: string }[];
    readonly properties?: readonly { readonly value: string }[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** The parts of a document that was written before. */
export function partsOf(json: string): Part[] {
  const { components, dependencies } = JSON.parse(json) as Written;
  const needs = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  return components.map(({ type, hashes, name, version, purl, scope, licenses, properties }) => ({
    name,
    version,
    purl,
    licence: licenses?.[0]?.expression ?? 'NOASSERTION',
    sha512: hashes?.[0]?.content ?? null,
    isRuntime: scope === 'required',
    needs: needs.get(purl) ?? [],
    from: (properties ?? []).map(({ value }) => value),
    ...(type !== 'library' && { type: type as Part['type'] & string }),
  }));
}
