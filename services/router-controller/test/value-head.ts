/**
 * A repository with a value head beside the shipped encoder: the complexity head, whose seven outputs and eight scores have the
 * shape of seven targets, under other names. What it says of targets is made up; how it says it is a value head's way.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MODELS } from './harness.ts';

const FROM = 'complexity_router';
/** What names the encoder of its embeddings. */
export const ENCODER = 'the shipped one';
export const TARGETS = ['t0', 't1', 't2', 't3', 't4', 't5', 't6'] as const;

export interface HeadFolder {
  readonly repository: string;
  readonly remove: () => void;
}

/** Writes `auto_head`, `auto_details` and `auto_ensemble`. */
export function writeValueHead(): HeadFolder {
  const repository = mkdtempSync(join(tmpdir(), 'llm-router-value-'));
  for (const name of ['prompt_encoder', 'prompt_tokenizer'])
    symlinkSync(join(MODELS, name), join(repository, name));
  for (const kind of ['head', 'details', 'ensemble']) {
    const folder = join(repository, `auto_${kind}`);
    mkdirSync(folder);
    cpSync(join(MODELS, `${FROM}_${kind}`), folder, { recursive: true });
    let config = readFileSync(join(folder, 'config.pbtxt'), 'utf8').replaceAll(FROM, 'auto');
    if (kind === 'details')
      config = config
        .replaceAll('value: "embedding"', 'value: "EMBEDDING"')
        .replace(/(name: "SCORES"[^}]*\})/, '$1, { name: "EMBEDDING" data_type: TYPE_FP32 dims: [ 768 ] }');
    writeFileSync(
      join(folder, 'config.pbtxt'),
      `${config}parameters { key: "kind" value: { string_value: "value" } }\nparameters { key: "embedding_of" value: { string_value: "${ENCODER}" } }\n`,
    );
    writeFileSync(join(folder, 'labels.txt'), `${TARGETS.join('\n')}\n`);
    if (kind !== 'ensemble') {
      const scores = ['familiarity', ...TARGETS.map((name) => `output_tokens/${name}`)];
      writeFileSync(join(folder, 'scores.txt'), `${scores.join('\n')}\n`);
    }
  }
  return { repository, remove: () => rmSync(repository, { recursive: true, force: true }) };
}
