/** The chart, rendered as a user would. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadAll } from 'js-yaml';
import { CHART } from '../../deploy/helm/src/files.ts';
import { setupHelm } from '../parts/helm.ts';
import { ROOT } from '../parts/lib.ts';

/** Kubernetes versions that manifests are judged by: the chart's oldest, and the newest that there are schemas of. */
export const KUBERNETES = ['1.30', '1.37'] as const;

/** A Kubernetes object, as far as the rules look into it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own shape, which the schemas judge.
  readonly spec?: any;
  readonly data?: Readonly<Record<string, string>>;
  readonly automountServiceAccountToken?: boolean;
}

export interface Rendering {
  /** Files of values, absolute or from the root. */
  readonly values?: readonly string[];
  /** `--set` arguments. */
  readonly set?: readonly string[];
  /** Values over all files. */
  readonly over?: object;
  readonly release?: string;
  readonly namespace?: string;
  readonly kubernetes?: string;
  /** The chart's folder; default: ours. */
  readonly chart?: string;
}

/** The ready-made values files by name, such as `laptop`, with their paths. */
export function valuesFiles(chart: string = join(ROOT, CHART)): ReadonlyMap<string, string> {
  const folder = join(chart, 'values');
  const names = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  return new Map(names.sort().map((file) => [basename(file, '.yaml'), join(folder, file)]));
}

/** Runs helm. @returns what it printed on both outputs, and how it ended. */
export async function helm(
  args: readonly string[],
  input = '',
): Promise<{ code: number; out: string; err: string }> {
  const program = await setupHelm();
  return new Promise((resolve) => {
    const child = execFile(program, args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) || 1 : 0, out, err }),
    );
    // One that refuses its arguments does not read.
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
}

/** Arguments that helm lint and helm template share. */
export const valueArgs = ({ values = [], set = [], over, kubernetes = `${KUBERNETES[0]}.0` }: Rendering) => [
  '--kube-version',
  kubernetes,
  ...[...values, ...(over ? ['-'] : [])].flatMap((file) => ['--values', file]),
  ...set.flatMap((each) => ['--set', each]),
];

/**
 * `helm template`.
 *
 * @throws Error with helm's words.
 */
export async function render(options: Rendering = {}): Promise<Manifest[]> {
  const { chart = CHART, release = 'r', namespace = 'llm' } = options;
  const args = ['template', release, chart, '--namespace', namespace, ...valueArgs(options)];
  const { code, out, err } = await helm(args, JSON.stringify(options.over));
  if (code !== 0) throw new Error(err.trim());
  return loadAll(out).filter((each): each is Manifest => each !== null && each !== undefined);
}

/** A manifest by kind and end of its name. @throws Error when there is none, or more than one. */
export function pick(manifests: readonly Manifest[], kind: string, end = ''): Manifest {
  const found = manifests.filter((each) => each.kind === kind && each.metadata.name.endsWith(end));
  if (found.length === 1) return found[0]!;
  const there = manifests.map((each) => `${each.kind} ${each.metadata.name}`).join(', ');
  throw new Error(`${found.length} of kind ${kind} whose name ends with '${end}'; there are: ${there}`);
}
