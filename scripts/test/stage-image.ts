/**
 * Builds an image's file tree without Docker: copies what each COPY copies into an empty folder, runs each RUN there. What
 * the base image brings is this machine's; what the repository brings is only what the Dockerfile says.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type CopyStep, readDockerfile, type Stage } from '../deploy/dockerfile.ts';
import { dockerfilePath } from '../deploy/dockerfiles.ts';
import { readIgnore } from '../deploy/dockerignore.ts';
import { ROOT } from '../parts/lib.ts';

export interface StagedImage {
  /** Its root folder on this machine. */
  readonly root: string;
  /** Where its process starts. */
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stage: Stage;
  /** Words of a command with the image's own paths turned into this machine's. */
  readonly words: (command: readonly string[]) => string[];
  readonly remove: () => void;
}

interface Built {
  readonly root: string;
  workdir: string;
  env: Record<string, string>;
}

const within = (built: Built, path: string) => join(built.root, resolve(built.workdir, path));

function copy(
  built: Built,
  step: CopyStep,
  earlier: ReadonlyMap<string, Built>,
  ignored: (path: string) => boolean,
) {
  const source = step.from === null ? null : earlier.get(step.from);
  if (source === undefined) throw new Error(`COPY --from=${step.from}: no such stage`);
  const base = source?.root ?? ROOT;
  const target = within(built, step.target);
  const intoFolder = step.target.endsWith('/') || step.sources.length > 1;
  for (const each of step.sources) {
    const from = join(base, each);
    // A folder's content is copied, not the folder; a file keeps its name.
    const to = lstatSync(from).isDirectory() || !intoFolder ? target : join(target, basename(each));
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => source !== null || path === from || !ignored(relative(ROOT, path)),
    });
  }
}

export interface StageOptions {
  /** The last stage to build; absent: all. */
  readonly until?: string;
  /** Goes first on the path of every RUN: programs of the base image that this machine has elsewhere. */
  readonly programs?: string;
}

/** Absolute paths of a RUN are the image's: they lie below its root here. */
const relocated = (command: string, root: string) =>
  command.replaceAll(/(?<=[\s=:])\/(?=[a-z])/g, `${root}/`);

/** A variable that names a folder of the image names it here. */
const relocatedEnv = (env: Readonly<Record<string, string>>, root: string) =>
  Object.fromEntries(
    Object.entries(env).map(([name, value]) => [
      name,
      isAbsolute(value) && existsSync(join(root, value)) ? join(root, value) : value,
    ]),
  );

/** @throws Error with a RUN's output when it fails. */
export async function stageImage(image: string, options: StageOptions = {}): Promise<StagedImage> {
  const file = dockerfilePath(image);
  const all = readDockerfile(file);
  const end = all.findIndex(({ name }) => name === options.until);
  const stages = options.until === undefined ? all : all.slice(0, end + 1);
  const ignored = readIgnore(readFileSync(`${file}.dockerignore`, 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), `llm-router-image-${image}-`));
  const built = new Map<string, Built>();
  try {
    for (const [index, { name, base, steps }] of stages.entries()) {
      const before = built.get(base);
      const now: Built = {
        root: join(folder, String(index)),
        workdir: before?.workdir ?? '/',
        env: { ...before?.env },
      };
      if (before) cpSync(before.root, now.root, { recursive: true, verbatimSymlinks: true });
      else mkdirSync(now.root);
      for (const step of steps) {
        if (step.kind === 'copy') copy(now, step, built, ignored);
        else if (step.kind === 'env') Object.assign(now.env, step.values);
        else if (step.kind === 'workdir') {
          now.workdir = resolve(now.workdir, step.path);
          mkdirSync(within(now, '.'), { recursive: true });
        } else if (step.kind === 'run') {
          const env = environment();
          if (options.programs) env.PATH = [options.programs, env.PATH].join(delimiter);
          await promisify(execFile)('sh', ['-ec', relocated(step.command, now.root)], {
            cwd: within(now, '.'),
            // How the machine reaches its package registry may stand in its environment.
            env: { ...process.env, ...env, ...now.env },
            maxBuffer: 16 * 1024 * 1024,
          });
        } else throw new Error(`ADD ${step.text} is not understood`);
      }
      built.set(name ?? String(index), now);
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const last = [...built.values()].at(-1)!;
  return {
    root: last.root,
    workdir: within(last, '.'),
    env: relocatedEnv(last.env, last.root),
    stage: stages.at(-1)!,
    words: (command) =>
      command.map((word) =>
        isAbsolute(word) && existsSync(join(last.root, word)) ? join(last.root, word) : word,
      ),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What a container would have: a path with Node 24 on it, and nothing of this checkout. */
export function environment(): Record<string, string> {
  const { PATH, HOME } = process.env;
  return { PATH: [dirname(process.execPath), PATH].join(delimiter), HOME: HOME ?? tmpdir() };
}
