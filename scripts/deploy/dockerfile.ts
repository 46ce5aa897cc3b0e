/** A Dockerfile as data: stages with their steps, in order. */
import { readFileSync } from 'node:fs';
import { type Copy, DockerfileParser, type From, type Instruction } from 'dockerfile-ast';

export interface CopyStep {
  readonly kind: 'copy';
  /** Earlier stage or image; null: the build's context. */
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
}

export type Step =
  | CopyStep
  | { readonly kind: 'run'; readonly command: string }
  | { readonly kind: 'workdir'; readonly path: string }
  | { readonly kind: 'env'; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'add'; readonly text: string };

export interface Stage {
  readonly name: string | null;
  /** With build arguments' defaults in place; another stage's name, or an image. */
  readonly base: string;
  readonly steps: readonly Step[];
  readonly labels: Readonly<Record<string, string>>;
  readonly user: string | null;
  /** Health check's command; null: none. */
  readonly health: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  readonly cmd: readonly string[] | null;
  readonly ports: readonly number[];
}

type Growing = { -readonly [K in keyof Stage]: Stage[K] } & { steps: Step[] };

const content = (instruction: Instruction) => instruction.getArgumentsContent() ?? '';

/** `["a", "b"]`. @throws Error for a shell's form, which hides signals from the process. */
function exec(instruction: Instruction, text = content(instruction)): string[] {
  try {
    return JSON.parse(text) as string[];
  } catch {
    throw new Error(
      `${instruction.getKeyword()} ${text}: write it as a JSON list, so that no shell stands between`,
    );
  }
}

/** `a=b c="d e"`, as LABEL and ENV have it. */
function properties(text: string): Record<string, string> {
  const pairs = text.matchAll(/([\w.-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g);
  return Object.fromEntries([...pairs].map(([, key, quoted, plain]) => [key!, quoted ?? plain ?? '']));
}

/** Puts build arguments' defaults in place of their names. */
const fill = (text: string, args: ReadonlyMap<string, string>) =>
  text.replaceAll(/\$\{?(\w+)\}?/g, (whole, name: string) => args.get(name) ?? whole);

function copyStep(copy: Copy): CopyStep {
  const words = copy.getOpeningBracket() ? exec(copy) : copy.getArguments().map((word) => word.getValue());
  return {
    kind: 'copy',
    from:
      copy
        .getFlags()
        .find((flag) => flag.getName() === 'from')
        ?.getValue() ?? null,
    sources: words.slice(0, -1),
    target: words.at(-1)!,
  };
}

function take(stage: Growing, instruction: Instruction): void {
  const text = content(instruction);
  switch (instruction.getKeyword()) {
    case 'COPY':
      stage.steps.push(copyStep(instruction as Copy));
      break;
    case 'ADD':
      stage.steps.push({ kind: 'add', text });
      break;
    case 'RUN':
      // As the shell reads it: lines that go on are one.
      stage.steps.push({
        kind: 'run',
        command: (instruction.getRawArgumentsContent() ?? '').replaceAll(/\\\r?\n/g, ' '),
      });
      break;
    case 'WORKDIR':
      stage.steps.push({ kind: 'workdir', path: text });
      break;
    case 'ENV':
      stage.steps.push({ kind: 'env', values: properties(text) });
      break;
    case 'LABEL':
      stage.labels = { ...stage.labels, ...properties(text) };
      break;
    case 'USER':
      stage.user = text;
      break;
    case 'EXPOSE':
      stage.ports = [...stage.ports, ...text.split(/\s+/).map(Number)];
      break;
    case 'HEALTHCHECK':
      stage.health = /^NONE$/i.test(text) ? null : exec(instruction, text.replace(/^CMD\s+/i, ''));
      break;
    case 'ENTRYPOINT':
      stage.entrypoint = exec(instruction);
      break;
    case 'CMD':
      stage.cmd = exec(instruction);
      break;
  }
}

/** @throws Error that says what can't be read. */
export function parseDockerfile(text: string): Stage[] {
  const dockerfile = DockerfileParser.parse(text);
  const args = new Map<string, string>();
  for (const arg of dockerfile.getInitialARGs()) {
    const property = arg.getProperty();
    if (property?.getValue()) args.set(property.getName(), property.getValue()!);
  }
  const stages: Growing[] = [];
  for (const instruction of dockerfile.getInstructions()) {
    if (instruction.getKeyword() === 'FROM') {
      const from = instruction as From;
      stages.push({
        name: from.getBuildStage(),
        base: fill(from.getImage() ?? '', args),
        steps: [],
        labels: {},
        user: null,
        health: null,
        entrypoint: null,
        cmd: null,
        ports: [],
      });
    } else if (stages.length > 0) take(stages.at(-1)!, instruction);
  }
  if (stages.length === 0) throw new Error('has no FROM');
  return stages;
}

export const readDockerfile = (path: string): Stage[] => parseDockerfile(readFileSync(path, 'utf8'));
