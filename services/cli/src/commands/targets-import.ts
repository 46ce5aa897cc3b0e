/** `llm-router targets import`: others' lists of models as `targets:` of ours. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Option } from 'commander';
import { newCommand } from '../lib/command.ts';
import { CommandError } from '../lib/errors.ts';

interface Options {
  readonly from: 'litellm' | 'openrouter';
  readonly file: string;
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
    .action(run);

async function run({ from, file }: Options): Promise<void> {
  const { dump } = await import('js-yaml');
  const { fromLiteLlm, fromOpenRouter } = await import('../targets/from-others.ts');
  try {
    const { targets, left } = (from === 'litellm' ? fromLiteLlm : fromOpenRouter)(readFileSync(file, 'utf8'));
    if (targets.length === 0) throw new Error(`no target in it${left[0] ? `; ${left[0]}` : ''}`);
    for (const each of left) console.error(`left out: ${file}: ${each}`);
    process.stdout.write(dump({ targets }, { flowLevel: 3, lineWidth: 120 }));
  } catch (error) {
    throw new CommandError(`targets import: ${file}: ${(error as Error).message}`);
  }
}
