/** `llm-router import KIND FILE`: a configuration of another program as one of this router. */
import { existsSync, writeFileSync } from 'node:fs';
import { Argument, type Command } from 'commander';
import { readText } from '../../../process/src/text-file.ts';
import { whyUnread } from '../../../process/src/unread.ts';
import { gathered, newCommand, writable } from '../lib/command.ts';
import { CommandError, UsageError } from '../lib/errors.ts';

interface Options {
  readonly out: string;
  readonly only?: readonly string[];
  readonly force?: boolean;
  readonly json?: boolean;
}

const KINDS = ['litellm', 'v1', 'openrouter'] as const;

export const importCommand = (): Command =>
  newCommand('import', 'a configuration of another program as one of this router', {
    group: 'clients',
    examples: [
      {
        line: 'llm-router import litellm litellm.yaml',
        what: 'models of LiteLLM’s proxy as targets, cheapest to the easy work',
      },
      {
        line: 'llm-router import v1 config.yaml --out router.yaml',
        what: 'NVIDIA’s blueprint v1 in today’s form (it also loads as it is)',
      },
      {
        line: 'llm-router import openrouter models.json --only meta-llama/llama-3.3-70b-instruct',
        what: 'of GET /api/v1/models',
      },
    ],
  })
    .addArgument(new Argument('<kind>', 'what FILE is').choices(KINDS))
    .argument('<FILE>', 'the file')
    .option('--out <FILE>', 'where it is written', 'router.yaml')
    .option('--only <MODEL>', 'of openrouter: a model to take, again for more', gathered)
    .option('--force', 'also over a file that is there')
    .option('--json', 'the last line is one JSON object: {"file", "targets", "notes"}')
    .addHelpText(
      'after',
      '\nKeys that stand in FILE are not copied: the new file names variables, and the notes say which.',
    )
    .action(run);

function read(file: string): string {
  try {
    return readText(file);
  } catch (error) {
    throw new CommandError(`${file}: can’t be read: ${whyUnread(error)}`);
  }
}

async function convert(
  kind: (typeof KINDS)[number],
  source: string,
  file: string,
  only: readonly string[],
): Promise<{ text: string; notes: readonly string[] }> {
  if (kind === 'v1') return (await import('../import/v1.ts')).fromV1(source, file);
  const { configOf } = await import('../init/write.ts');
  const { targets, notes } =
    kind === 'litellm'
      ? (await import('../import/litellm.ts')).fromLitellm(source, file)
      : (await import('../import/openrouter.ts')).fromOpenrouter(source, file, only);
  return { text: configOf(targets), notes };
}

/** Nothing was written that its problems could be looked up in. */
function passing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new CommandError(
      `what could be taken over makes no configuration that passes; nothing was written\n${(error as Error).message}`,
    );
  }
}

async function run(kind: (typeof KINDS)[number], file: string, options: Options): Promise<void> {
  const { anyEnv, parseConfig } = await import('../../../router-controller/src/config/index.ts');
  if (options.only && kind !== 'openrouter') throw new UsageError('--only is for openrouter');
  const source = read(file);
  if (existsSync(options.out) && !options.force)
    throw new CommandError(
      `${options.out} is there already; --force writes over it, --out names another file`,
    );
  writable(options.out, '--out');
  const { text, notes } = await convert(kind, source, file, options.only ?? []);
  // What does not pass is not written.
  const { table } = passing(() => parseConfig(text, `of ${file}`, { env: anyEnv }));
  writeFileSync(options.out, text);
  const targets = [...table.targets.keys()];
  console.log(`wrote ${options.out}: ${targets.length} targets, ${[...table.policies.keys()].join(', ')}`);
  for (const note of notes) console.log(`  note: ${note}`);
  console.log(`next:\n  npx llm-router doctor --config ${options.out}`);
  if (options.json) console.log(JSON.stringify({ file: options.out, targets, notes }));
}
