/** `llm-router bodies`: labelled request bodies as the prompts that the classifier would see. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readText } from '../../../process/src/text-file.ts';
import { whyUnread } from '../../../process/src/unread.ts';
import type { BodyRow } from '../evaluate/texts-of-bodies.ts';
import { gathered, newCommand, ownPath, writable } from '../lib/command.ts';
import { CommandError } from '../lib/errors.ts';

interface Options {
  readonly data: readonly string[];
  readonly out: string;
  readonly config: string;
  readonly json?: boolean;
}

export const bodies = (): Command =>
  newCommand('bodies', 'labelled request bodies as the prompts that the classifier would see, for training', {
    group: 'better',
    examples: [
      {
        line: 'llm-router bodies --data requests.jsonl --out prompts.jsonl',
        what: 'rows of {"body": {a request}, "path", "source", and labels}',
      },
    ],
  })
    .requiredOption('--data <FILE>', 'labelled bodies, as JSON lines; more than one may be given', gathered)
    .requiredOption('--out <FILE>', 'the prompts, as JSON lines')
    .addOption(ownPath('--config <FILE>', 'whose prompt and identity settings hold', 'config/router.yaml'))
    .option('--json', 'what was written, as one JSON object')
    .action(run);

function textIn(file: string): string {
  try {
    return readText(file);
  } catch (error) {
    throw new CommandError(`bodies: ${file} can’t be read: ${whyUnread(error)}`);
  }
}

async function run({ data, out, config, json }: Options): Promise<void> {
  const { anyEnv, loadConfig } = await import('../../../router-controller/src/config/index.ts');
  const { promptsOf } = await import('../evaluate/texts-of-bodies.ts');
  const { prompt, identity } = (await loadConfig(config, { env: anyEnv })).file;
  writable(out, '--out');
  const lines: string[] = [];
  let silent = 0;
  for (const file of data) {
    for (const [index, line] of textIn(file).split('\n').entries()) {
      if (line.trim() === '') continue;
      let row: BodyRow;
      try {
        row = JSON.parse(line) as BodyRow;
      } catch (error) {
        throw new CommandError(`bodies: ${file}:${index + 1}: ${(error as Error).message}`);
      }
      if (row?.body === null || typeof row?.body !== 'object')
        throw new CommandError(`bodies: ${file}:${index + 1}: no "body"`);
      if (typeof row.path !== 'string')
        throw new CommandError(`bodies: ${file}:${index + 1}: no "path", such as "/v1/chat/completions"`);
      const { body: _, path: __, ...labels } = row;
      const { texts, agent } = promptsOf(row, { prompt, identity });
      if (texts.length === 0) silent++;
      for (const text of texts)
        lines.push(JSON.stringify({ prompt: text, ...labels, agent, source: `own/${row.source}` }));
    }
  }
  if (lines.length === 0)
    throw new CommandError(`bodies: ${data.join(', ')}: no body with words; nothing was written`);
  writeFileSync(out, `${lines.join('\n')}\n`);
  if (json) console.log(JSON.stringify({ out, prompts: lines.length, bodies_without_words: silent }));
  else console.log(`${out}: ${lines.length} prompts${silent ? `; ${silent} bodies hold no words` : ''}`);
}
