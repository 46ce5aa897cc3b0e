/** What we ask of a Dockerfile beyond what Docker itself does. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { imageProblem } from './compose-rules.ts';
import { type CopyStep, parseDockerfile, type Stage, type Step } from './dockerfile.ts';
import { readIgnore } from './dockerignore.ts';

export interface DockerfileContext {
  /** The repository, which is the build's context. */
  readonly root: string;
  readonly dockerfile: string;
  readonly ignore: string;
  /** It runs to its end, so it needs no health check. */
  readonly isJob?: boolean;
  /** Version of pnpm that the workspace is installed with. */
  readonly pnpm: string;
}

const LABELS = ['title', 'licenses'].map((name) => `org.opencontainers.image.${name}`);
/** What must never travel into an image, wherever the user keeps it. */
const PRIVATE = [
  '.git/config',
  'deploy/compose/.env',
  '.env',
  'node_modules/x',
  'services/a/node_modules/x',
  'services/a/dist/x',
  '.cache/x',
];

const fromContext = (stages: readonly Stage[]) =>
  stages.flatMap(({ steps }) =>
    steps.filter((step): step is CopyStep => step.kind === 'copy' && step.from === null),
  );

function* baseProblems(stages: readonly Stage[]): Generator<string> {
  for (const [index, { base }] of stages.entries()) {
    if (stages.slice(0, index).some(({ name }) => name === base)) continue;
    if (base === '' || base.includes('$')) yield `FROM ${base}: its build argument needs a default`;
    else {
      const problem = imageProblem(base);
      if (problem) yield problem;
    }
  }
}

function* lastStageProblems(
  { user, health, labels, entrypoint, cmd }: Stage,
  isJob: boolean,
): Generator<string> {
  if (!/^[1-9]\d*:[1-9]\d*$/.test(user ?? ''))
    yield `USER is ${user ?? 'root'}; give the numbers of a user and group without rights, such as 65532:65532`;
  if (!health && !isJob) yield 'has no HEALTHCHECK';
  for (const label of LABELS) if (!labels[label]) yield `has no label ${label}`;
  if (!entrypoint && !cmd) yield 'has neither ENTRYPOINT nor CMD';
}

function* copyProblems(stages: readonly Stage[], context: DockerfileContext): Generator<string> {
  const ignored = readIgnore(context.ignore);
  for (const { sources } of fromContext(stages)) {
    for (const source of sources) {
      if (!existsSync(join(context.root, source))) yield `COPY ${source}: there is no such file`;
      else if (ignored(source)) yield `COPY ${source}: its .dockerignore leaves it out`;
    }
  }
  for (const path of PRIVATE) if (!ignored(path)) yield `its .dockerignore lets ${path} into the build`;
  for (const { steps } of stages)
    for (const step of steps)
      if (step.kind === 'add') yield `ADD ${step.text}: use COPY; ADD unpacks and fetches`;
}

/** What Node is told to run. */
const isProgram = (word: string) => /\.(ts|mjs)$/.test(word);

/** The service whose bundle a file is. */
const bundled = (file: string) => /^services\/([^/]+)\/dist\/main\.mjs$/.exec(file)?.[1];

/** A bundle is made in an earlier stage, and comes from there. */
function* bundleProblems(stages: readonly Stage[], service: string): Generator<string> {
  const makes = (step: Step) =>
    step.kind === 'run' && step.command.trim() === `node services/bundler/src/main.ts ${service}`;
  const maker = stages.slice(0, -1).find(({ steps }) => steps.some(makes));
  if (!maker) yield `starts the bundle of ${service}, which no stage makes`;
  const brought = stages
    .at(-1)!
    .steps.some(
      (step) =>
        step.kind === 'copy' &&
        step.from === maker?.name &&
        step.sources.some((source) => source.endsWith(`/services/${service}/dist`)),
    );
  // What a service imports of other folders goes into its bundle.
  const folders = (stage: Stage) =>
    fromContext([stage])
      .flatMap(({ sources }) => sources)
      .filter((source) => /^(?:protos|services\/[^/]+)$/.test(source));
  for (const folder of maker ? folders(stages.at(-1)!) : [])
    if (!folders(maker!).includes(folder))
      yield `makes the bundle of ${service} without ${folder}, which the last stage copies`;
  if (maker && !brought)
    yield `starts the bundle of ${service}, which no COPY brings out of the stage '${maker.name}'`;
}

const envOf = ({ steps }: Stage): Readonly<Record<string, string>> =>
  Object.assign({}, ...steps.flatMap((step) => (step.kind === 'env' ? [step.values] : [])));

/** What Node compiled is kept by an earlier stage, of what the image starts and as it starts it: Node would silently compile anew. */
function* compiledProblems(stages: readonly Stage[]): Generator<string> {
  const last = stages.at(-1)!;
  const { NODE_COMPILE_CACHE: folder, NODE_COMPILE_CACHE_PORTABLE: portable, NODE_OPTIONS } = envOf(last);
  if (folder === undefined) return;
  if (portable !== '1') yield 'sets NODE_COMPILE_CACHE without NODE_COMPILE_CACHE_PORTABLE=1';
  const entry = last.entrypoint?.find(isProgram);
  const keeps = (step: Step) => {
    const [, at, file] =
      (step.kind === 'run' && /^node services\/bundler\/src\/compiled\.ts (\S+) (\S+)/.exec(step.command)) ||
      [];
    return at !== undefined && folder.endsWith(`/${at}`) && file === entry;
  };
  const maker = stages.slice(0, -1).find(({ steps }) => steps.some(keeps));
  if (!maker) {
    yield `looks in ${folder}, where no stage keeps what Node compiled of ${entry}`;
    return;
  }
  if (maker.user !== last.user)
    yield `keeps what Node compiled for the user ${maker.user ?? 'root'}, and runs as ${last.user ?? 'root'}`;
  if (envOf(maker).NODE_OPTIONS !== NODE_OPTIONS)
    yield `keeps what Node compiled with other NODE_OPTIONS than it runs with`;
  const brings = (step: Step) =>
    step.kind === 'copy' && step.from === maker.name && step.sources.includes(folder);
  if (!last.steps.some(brings))
    yield `looks in ${folder}, which no COPY brings out of the stage '${maker.name}'`;
}

/** The file that ENTRYPOINT or CMD starts comes into the image by a COPY. */
function* entryProblems(stages: readonly Stage[], { root }: DockerfileContext): Generator<string> {
  const { entrypoint, cmd, steps } = stages.at(-1)!;
  const entry = [...(entrypoint ?? []), ...(cmd ?? [])].find(isProgram);
  if (!entry) return;
  const service = bundled(entry);
  if (service !== undefined) {
    yield* bundleProblems(stages, service);
    return;
  }
  const copied = steps.some(
    (step) =>
      step.kind === 'copy' &&
      step.from === null &&
      step.sources.some((source) => entry.startsWith(`${source}/`)),
  );
  if (!copied) yield `starts ${entry}, which no COPY brings into the last stage`;
  else if (!existsSync(join(root, entry))) yield `starts ${entry}: there is no such file`;
}

/** The workspace is installed as the lockfile says, which stays in the image for whoever lists its parts. */
function* installProblems(stages: readonly Stage[], { pnpm }: DockerfileContext): Generator<string> {
  const commands = stages.flatMap(({ steps }) =>
    steps.flatMap((step) => (step.kind === 'run' ? [step.command] : [])),
  );
  for (const command of commands.filter((each) => /\bpnpm(@\S+)?\s+install\b/.test(each))) {
    for (const flag of ['--frozen-lockfile', '--prod'])
      if (!command.includes(flag)) yield `installs without ${flag}`;
    if (!command.includes(`${pnpm} `)) yield `installs with another pnpm than the workspace’s ${pnpm}`;
    if (!fromContext(stages).some(({ sources }) => sources.includes('pnpm-lock.yaml')))
      yield 'installs without pnpm-lock.yaml';
  }
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Packages of this workspace that a service runs with: their folders, itself first. */
function workspaceFolders(root: string, folder: string, known: ReadonlyMap<string, string>): string[] {
  const folders = [folder];
  for (const each of folders) {
    const { dependencies = {} } = JSON.parse(
      readFileSync(join(root, each, 'package.json'), 'utf8'),
    ) as Manifest;
    for (const [name, version] of Object.entries(dependencies)) {
      const own = known.get(name);
      if (version.startsWith('workspace:') && own && !folders.includes(own)) folders.push(own);
    }
  }
  return folders;
}

/** Each package of the workspace that the entry point needs is in the image, and was there to be installed. */
function* packageProblems(
  stages: readonly Stage[],
  { root }: DockerfileContext,
  known: ReadonlyMap<string, string>,
): Generator<string> {
  const { entrypoint, steps } = stages.at(-1)!;
  const service = /^(services\/[^/]+)\//.exec(entrypoint?.find(isProgram) ?? '')?.[1];
  if (!service || !existsSync(join(root, service, 'package.json'))) return;
  const copied = (list: readonly Stage['steps'][number][]) =>
    list.flatMap((step) => (step.kind === 'copy' && step.from === null ? step.sources : []));
  const installs = stages.slice(0, -1).flatMap((stage) => copied(stage.steps));
  for (const folder of workspaceFolders(root, service, known)) {
    if (!copied(steps).includes(folder)) yield `needs ${folder}, which the last stage does not COPY`;
    const manifest = `${folder}/package.json`;
    if (stages.length > 1 && !installs.includes(manifest)) yield `installs without ${manifest}`;
  }
}

/** Every problem of one Dockerfile. @param known workspace packages: name → folder. */
export function dockerfileProblems(context: DockerfileContext, known: ReadonlyMap<string, string>): string[] {
  const told = validate(context.dockerfile).map(
    ({ range, message }) => `line ${range.start.line + 1}: ${message}`,
  );
  try {
    const stages = parseDockerfile(context.dockerfile);
    return [
      ...told,
      ...baseProblems(stages),
      ...lastStageProblems(stages.at(-1)!, context.isJob ?? false),
      ...copyProblems(stages, context),
      ...entryProblems(stages, context),
      ...compiledProblems(stages),
      ...installProblems(stages, context),
      ...packageProblems(stages, context, known),
    ];
  } catch (error) {
    return [...told, (error as Error).message];
  }
}
