/** What is in each image: what the COPY and RUN lines of its Dockerfile bring, on the base that they name. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { parseDockerfile, type Stage } from '../deploy/dockerfile.ts';
import { dockerfilePath, workspacePackages } from '../deploy/dockerfiles.ts';
import { ROOT, readText } from '../parts/lib.ts';
import { type Lockfile, runtimeOf } from './npm-parts.ts';
import type { Part } from './part.ts';

export interface Known {
  readonly lock: Lockfile;
  readonly npm: readonly Part[];
  readonly python: readonly Part[];
}

/** A RUN that installs nothing; a bundle, and what is compiled, are made of what is installed. */
const HARMLESS =
  /^(?:cp|rm|mv|mkdir|chmod|chown|useradd|cd|find|PYTHONPATH=\S+ python3 -m trainer|node services\/bundler\/src\/(?:compiled|main)\.ts)\b/;

interface Installed {
  /** Folder that holds it. */
  readonly at: string;
  readonly npm: readonly string[];
  /** Lines of requirements. */
  readonly python: readonly string[];
  /** Debian's packages, whose versions the build chooses. */
  readonly debian: readonly string[];
}

/** `grep -v '^a=='`, `grep -E '^(a|b)=='`, over a requirements file. */
function filtered(grep: string, requirements: string): string[] {
  const [, flags = '', pattern = ''] = /grep\s+(-\w+\s+)?'([^']+)'/.exec(grep) ?? [];
  const wanted = new RegExp(pattern);
  const lines = requirements.split('\n').filter((line) => /^[A-Za-z]/.test(line));
  return lines.filter((line) => wanted.test(line) !== flags.includes('v'));
}

/**
 * What one RUN line installs.
 *
 * @throws Error for a line that this doesn't understand: a list that leaves something out is worse than none.
 */
export function installed(
  command: string,
  workdir: string,
  requirements: (name: string) => string,
): Installed[] {
  const lists = new Map<string, string[]>();
  const found: Installed[] = [];
  for (const part of command.split('&&').map((each) => each.trim())) {
    const nothing = { npm: [], python: [], debian: [] };
    const grep = /^grep\s.+\s(\S+)\s*>\s*(\S+)$/.exec(part);
    const pip = /^python3 -m pip install\b.*--requirement\s+(\S+)/.exec(part);
    const pnpm = /\bpnpm@\S+\s+install\b.*--prod\b.*--filter\s+'?([^\s']+?)(?:\.\.\.)?'?$/.exec(part);
    const apt = /^apt-get install\b(.*)$/.exec(part);
    if (grep) lists.set(grep[2]!, filtered(part, requirements(posix.basename(grep[1]!))));
    else if (pip) {
      const target = /--target\s+(\S+)/.exec(part)?.[1];
      found.push({ ...nothing, at: target ?? '/usr', python: lists.get(pip[1]!) ?? [] });
    } else if (pnpm) found.push({ ...nothing, at: workdir, npm: [pnpm[1]!] });
    else if (apt)
      found.push({
        ...nothing,
        at: '/usr',
        debian: apt[1]!.split(/\s+/).filter((word) => /^[a-z0-9]/.test(word)),
      });
    else if (!HARMLESS.test(part) && !/^apt-get update\b/.test(part))
      throw new Error(`the list of an image's parts can't say what this brings: ${part}`);
  }
  return found;
}

const within = (path: string, folder: string) =>
  folder === path || folder.startsWith(path.replace(/\/?$/, '/'));

/** What is installed into the image: by its last stage, and by earlier ones as far as it copies from there. */
function ofImage(stages: readonly Stage[]): Installed[] {
  const requirements = (name: string) =>
    readText(globSync(`services/*/${name}`, { cwd: ROOT }).sort().at(-1) ?? name);
  const of = (stage: Stage) => {
    let workdir = '/';
    return stage.steps.flatMap((step) => {
      if (step.kind === 'workdir') workdir = step.path;
      return step.kind === 'run' ? installed(step.command, workdir, requirements) : [];
    });
  };
  const last = stages.at(-1)!;
  const copied = last.steps.flatMap((step) => {
    const from = step.kind === 'copy' && stages.find(({ name }) => name !== null && name === step.from);
    return from ? of(from).filter(({ at }) => step.sources.some((source) => within(source, at))) : [];
  });
  return [...of(last), ...copied];
}

const part = (given: Pick<Part, 'name' | 'version' | 'purl' | 'licence'> & Partial<Part>): Part => ({
  sha512: null,
  isRuntime: true,
  needs: [],
  from: [],
  ...given,
});

/** The weights that an image carries. */
function models(stages: readonly Stage[]): Part[] {
  const copies = stages
    .at(-1)!
    .steps.some((step) => step.kind === 'copy' && step.sources.includes('model_repository'));
  if (!copies) return [];
  return globSync('model_repository/*/*/*.{onnx,json}', { cwd: ROOT })
    .sort()
    .map((file) => {
      const [, model = '', version = ''] = file.split('/');
      const bytes = readFileSync(join(ROOT, file));
      return part({
        name: `${model}/${posix.basename(file)}`,
        version,
        purl: `pkg:generic/llm-router/${model}@${version}?file_name=${posix.basename(file)}`,
        licence: 'Apache-2.0',
        sha512: createHash('sha512').update(bytes).digest('hex'),
        from: [file, 'model_repository/ATTRIBUTION'],
        type: 'machine-learning-model',
      });
    });
}

/**
 * @param image by the name of its Dockerfile.
 * @throws Error for a line of it that is not understood, or a package that no list knows.
 */
export function imageParts(image: string, { lock, npm, python }: Known): Part[] {
  const file = dockerfilePath(image);
  const stages = parseDockerfile(readFileSync(file, 'utf8'));
  const brought = ofImage(stages);
  const folders = workspacePackages();
  const importers = brought
    .flatMap((each) => each.npm)
    .map((name) => {
      const folder = folders.get(name);
      if (!folder) throw new Error(`${image}: no package of the workspace is called ${name}`);
      return folder;
    });
  const wanted = runtimeOf(lock, importers);
  const pins = brought
    .flatMap((each) => each.python)
    .map((line) =>
      line
        .split(/==|;/)
        .slice(0, 2)
        .map((word) => word.trim()),
    );
  const packages = python.filter(({ name, version }) =>
    pins.some(([of, at]) => of === name && at === version),
  );
  const missing = pins.filter(([name]) => !packages.some((each) => each.name === name));
  if (missing.length > 0) throw new Error(`${image}: ${missing.join(', ')} is in no list; run npm run sbom`);
  // What Python's packages need comes with them.
  for (const each of packages)
    for (const need of each.needs) {
      const other = python.find(({ purl }) => purl === need);
      if (other && !packages.some(({ name }) => name === other.name)) packages.push(other);
    }
  const base = stages.at(-1)!.base;
  const [name = '', version = 'latest'] = base.split(/:(?=[^/]*$)/);
  const all = [
    part({
      name,
      version,
      purl: `pkg:docker/${name}@${version}`,
      licence: 'NOASSERTION',
      from: [`FROM of ${posix.join('deploy/docker', posix.basename(file))}; its own packages: --dpkg`],
      type: 'container',
    }),
    ...npm
      .filter((each) => wanted.has(`${each.name}@${each.version}`))
      .map((each) => ({ ...each, isRuntime: true })),
    ...packages.map((each) => ({ ...each, isRuntime: true })),
    ...models(stages),
    ...brought
      .flatMap((each) => each.debian)
      .map((each) =>
        part({ name: each, version: 'of the build', purl: `pkg:deb/debian/${each}`, licence: 'NOASSERTION' }),
      ),
  ];
  const purls = new Set(all.map(({ purl }) => purl));
  return all.map((each) => ({ ...each, needs: each.needs.filter((need) => purls.has(need)) }));
}

/** Installed packages of a base, from its /var/lib/dpkg/status. */
export function debianParts(status: string): Part[] {
  return status.split(/\n\n+/).flatMap((paragraph) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1];
    const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map(field);
    if (!name || !version || !/ installed$/.test(field('Status') ?? '')) return [];
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
    return [part({ name, version, purl, licence: 'NOASSERTION', from: ['the base'] })];
  });
}

/** Where the lists of images lie, from the root. */
export const imageList = (image: string): string => `docs/reference/sbom/images/${image}.cdx.json`;
export const imageFolder = dirname(imageList('x'));
