/**
 * `npm run bodies -- --data BODIES.jsonl [--data …] --out PROMPTS.jsonl [--config FILE.yaml]`: labelled request bodies as the
 * prompts that the classifier would see, for training and for looking at.
 *
 * Each goes through the router's own understanding step. Follow-ups ("and in Rust?") come with the turns before them only, because
 * alone the label isn't theirs; others both ways, so that a new topic is learnt not to be held by an old one.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { anyEnv, loadConfig } from '../services/router-controller/src/config/index.ts';
import { type UnderstandSettings, understand } from '../services/router-controller/src/understand/index.ts';
import { ROOT } from './parts/lib.ts';

const HELP =
  'npm run bodies -- --data BODIES.jsonl [--data …] --out PROMPTS.jsonl [--config config/router.yaml]';

export interface BodyRow {
  readonly body: Record<string, unknown>;
  readonly path: string;
  readonly source: string;
  readonly [column: string]: unknown;
}

/** The texts that a row teaches, none, one or two; never an empty one. */
export function textsOf(row: BodyRow, settings: UnderstandSettings): string[] {
  const { ask, turn } = understand({ body: row.body, path: row.path, headers: {} }, settings);
  const history = turn.closes ? null : ask.withHistory;
  const follows = turn.leans || row.kind === 'follow-up';
  const texts = follows && history !== null ? [history] : [ask.text, history];
  return texts.filter((text) => text !== null && text.trim() !== '') as string[];
}

function fail(message: string): never {
  console.error(`bodies: ${message}`);
  process.exit(1);
}

async function main(): Promise<void> {
  const { data, out, config } = parseArgs({
    options: {
      data: { type: 'string', multiple: true },
      out: { type: 'string' },
      config: { type: 'string', default: join(ROOT, 'config/router.yaml') },
    },
  }).values;
  if (!data?.length || !out) fail(`--data and --out are needed\n${HELP}`);
  const { prompt, identity } = (await loadConfig(config, { env: anyEnv })).file;
  const lines: string[] = [];
  let silent = 0;
  for (const file of data) {
    for (const [index, line] of readFileSync(file, 'utf8').trimEnd().split('\n').entries()) {
      let row: BodyRow;
      try {
        row = JSON.parse(line) as BodyRow;
      } catch (error) {
        fail(`${file}:${index + 1}: ${(error as Error).message}`);
      }
      if (row.body === null || typeof row.body !== 'object') fail(`${file}:${index + 1}: no "body"`);
      const { body: _, path: __, ...labels } = row;
      const texts = textsOf(row, { prompt, identity });
      if (texts.length === 0) silent++;
      for (const text of texts)
        lines.push(JSON.stringify({ prompt: text, ...labels, source: `own/${row.source}` }));
    }
  }
  writeFileSync(out, `${lines.join('\n')}\n`);
  console.log(`${out}: ${lines.length} prompts${silent ? `; ${silent} bodies hold no words` : ''}`);
}

if (import.meta.main) await main();
