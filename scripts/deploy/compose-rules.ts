/** What we ask of a compose file beyond what Compose itself does. Each rule names the service, what is wrong, and what is right. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { ROOT } from '../parts/lib.ts';
import type { Project, Service } from './compose-project.ts';

const LOOPBACK = '127.0.0.1';
const LASTING = ['unless-stopped', 'always', 'on-failure'];

/** A service that runs to its end: it is not brought back, and its exit code is its health. */
const isJob = ({ restart, healthcheck }: Service) => restart === 'no' && healthcheck?.disable === true;

/** `name:tag` or `name@sha256:…`; a tag that moves without notice is none. */
export function imageProblem(image: string): string | null {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return null;
  const tag = image.includes('@') ? null : /:([^:/]+)$/.exec(image)?.[1];
  if (!tag) return `image ${image} has no tag, which means latest; give a version or a digest`;
  return tag === 'latest' ? `image ${image}: give a version or a digest` : null;
}

const ownDockerfile = ({ build }: Service) =>
  build ? resolve(build.context, build.dockerfile ?? 'Dockerfile') : null;

function* lifeProblems(service: Service): Generator<string> {
  if (!isJob(service)) {
    if (!LASTING.includes(service.restart ?? ''))
      yield `restart is ${service.restart ?? 'not set'}; one of ${LASTING.join(', ')} brings it back`;
    if (!service.healthcheck || service.healthcheck.disable) yield 'has no healthcheck';
  }
  for (const [name, { condition }] of Object.entries(service.depends_on ?? {}))
    if (condition === 'service_started')
      yield `depends on ${name} only to have been started; the condition service_healthy waits until it serves`;
  if (!service.mem_limit) yield 'has no mem_limit';
  if (!service.pids_limit) yield 'has no pids_limit';
}

function* confinementProblems(service: Service): Generator<string> {
  if (!service.read_only) yield 'read_only is missing: its root file system can be written';
  if (!service.cap_drop?.includes('ALL')) yield 'cap_drop: [ALL] is missing';
  if (service.cap_add?.length) yield `cap_add gives it ${service.cap_add.join(', ')}`;
  if (!service.security_opt?.includes('no-new-privileges:true'))
    yield 'security_opt: no-new-privileges:true is missing';
  if (service.privileged) yield 'is privileged';
  for (const key of ['network_mode', 'pid'] as const)
    if (service[key] === 'host') yield `${key}: host shares the host's`;
  if (!service.build && !/^[1-9]\d*(:\d+)?$/.test(service.user ?? ''))
    yield `user is ${service.user ?? 'the image’s'}; give the number of a user without rights`;
  for (const { host_ip: address, target } of service.ports ?? [])
    if (address !== LOOPBACK)
      yield `port ${target} is published on ${address || 'every address'}; the default must be ${LOOPBACK}`;
}

function* fileProblems(service: Service): Generator<string> {
  const dockerfile = ownDockerfile(service);
  if (dockerfile && !existsSync(dockerfile))
    yield `its Dockerfile ${relative(ROOT, dockerfile)} is not there`;
  if (!service.image) yield 'has no image name';
  else {
    const problem = imageProblem(service.image);
    if (problem) yield problem;
  }
  for (const { type, source, target, read_only: readOnly } of service.volumes ?? []) {
    if (type === 'volume' && !source)
      yield `the volume at ${target} has no name, so a new container loses it`;
    if (type !== 'bind') continue;
    if (/docker\.sock$/.test(source ?? '')) yield 'mounts Docker’s socket, which is root on the host';
    else if (!existsSync(source!)) yield `mounts ${relative(ROOT, source!)}, which is not there`;
    else if (!readOnly) yield `mounts ${relative(ROOT, source!)} for writing; add read_only: true`;
    // Compose makes a folder of a missing file, and a file over a folder fails at start.
    else if (/\.\w+$/.test(target) !== statSync(source!).isFile())
      yield `mounts ${relative(ROOT, source!)} at ${target}: one is a file, the other a folder`;
  }
}

/** Every rule about services, over the file with values in place. */
export function serviceProblems(project: Project): string[] {
  return Object.entries(project.services).flatMap(([name, service]) =>
    [...lifeProblems(service), ...confinementProblems(service), ...fileProblems(service)].map(
      (problem) => `${name}: ${problem}`,
    ),
  );
}

const SECRET = /PASSWORD|SECRET|TOKEN|_KEY(_|$)/;

/** Secrets that stand in the file itself, or have a default there. @param project read without values. */
export function secretProblems(project: Project): string[] {
  return Object.entries(project.services).flatMap(([name, { environment = {} }]) =>
    Object.entries(environment)
      .filter(([key, value]) => SECRET.test(key) && !/^\$\{\w+(:\?[^}]*|:-)\}$/.test(value ?? ''))
      .map(
        ([key]) =>
          `${name}: ${key} must come from the environment, without a default: \${NAME:?…} or \${NAME:-}`,
      ),
  );
}

/** Variables that a compose file names: name → whether it refuses to go on without a value. */
export function variablesOf(text: string): Map<string, boolean> {
  const variables = new Map<string, boolean>();
  for (const [, name, required] of text.matchAll(/(?<!\$)\$\{(\w+)(:\?)?/g))
    variables.set(name!, (variables.get(name!) ?? false) || required !== undefined);
  return variables;
}

/** Variables of the file and of the example must be the same ones, and secrets empty there. */
export function exampleProblems(composeFile: string, example: Readonly<Record<string, string>>): string[] {
  const used = variablesOf(readFileSync(composeFile, 'utf8'));
  const problems: string[] = [];
  for (const [name, required] of used) {
    if (!(name in example)) problems.push(`${name} is used but not in .env.example`);
    else if (required && example[name] !== '')
      problems.push(
        `${name} is required, so .env.example must leave it empty: a default would be everybody's`,
      );
  }
  for (const [name, value] of Object.entries(example)) {
    // Compose's own.
    if (!used.has(name) && name !== 'COMPOSE_PROFILES') problems.push(`.env.example: ${name} is not used`);
    if (SECRET.test(name) && value !== '') problems.push(`.env.example: ${name} has a value`);
  }
  return problems;
}

/** Names by which a service can be reached from another one: those of networks that both are on. */
export function reachable(project: Project, from: string): Set<string> {
  const own = Object.keys(project.services[from]?.networks ?? {});
  const names = new Set<string>();
  for (const [name, { networks = {} }] of Object.entries(project.services)) {
    for (const [network, settings] of Object.entries(networks)) {
      if (!own.includes(network)) continue;
      for (const each of [name, ...(settings?.aliases ?? [])]) names.add(each);
    }
  }
  return names;
}
