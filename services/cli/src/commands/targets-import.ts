/** `llm-router targets import`: others' lists of models as `targets:` of ours. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { readText } from '../../../process/src/text-file.ts';
import { whyUnread } from '../../../process/src/unread.ts';
import { newCommand } from '../lib/command.ts';
import { CommandError } from '../lib/errors.ts';

interface Options {
  readonly from: 'litellm' | 'openrouter';
  readonly file: string;
  readonly json?: boolean;
}

export const targetsImport = (): Command =>
  newCommand('import', 'LiteLLM’s config.yaml or OpenRouter’s list of models as targets of ours', {
    group: 'better',
    examples: [
      {
        line: 'llm-router targets import --from litellm --file config.yaml > targets.yaml',
        what: 'the targets on standard output; what could not be carried over, by line, on standard error',
      },
    ],
  })
    .addOption(
      new Option('--from <FORM>', 'whose form').choices(['litellm', 'openrouter']).makeOptionMandatory(),
    )
    .requiredOption('--file <FILE>', 'the list')
    .option('--json', 'targets, and what could not be carried over, as one JSON object')
    .action(run);

async function run({ from, file, json }: Options): Promise<void> {
  const { dump } = await import('js-yaml');
  const { fromLitellm } = await import('../import/litellm.ts');
  const { fromOpenrouter } = await import('../import/openrouter.ts');
  const { targetsOf } = await import('../init/write.ts');
  let source: string;
  try {
    source = readText(file);
  } catch (error) {
    throw new CommandError(`${file}: can’t be read: ${whyUnread(error)}`);
  }
  const { targets, notes } =
    from === 'litellm'
      ? fromLitellm(source, file)
      : fromOpenrouter(source, file, [], Number.POSITIVE_INFINITY);
  if (json) return console.log(JSON.stringify({ targets: targetsOf(targets), notes }));
  for (const note of notes) console.error(`${file}: ${note}`);
  process.stdout.write(dump({ targets: targetsOf(targets) }, { flowLevel: 3, lineWidth: 120, noRefs: true }));
}
