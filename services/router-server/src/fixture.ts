/** For tests: a copy of the committed model repository that a test may change. */
import { copyFile, cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const MODELS = fileURLToPath(new URL('../../../model_repository/', import.meta.url));

export interface RepositoryCopy {
  readonly folder: string;
  /** Puts a whole folder in place by one rename, as a careful writer does. */
  readonly put: (name: string, make: (folder: string) => Promise<void>) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** A token a character. */
const SMALL_TOKENIZER = {
  version: '1.0',
  added_tokens: [],
  model: {
    type: 'BPE',
    unk_token: '?',
    merges: [],
    vocab: Object.fromEntries(
      [...'? abcdefghijklmnopqrstuvwxyz0123456789'].map((letter, id) => [letter, id]),
    ),
  },
};

/** As wide as heads want it. */
const SMALL_ENCODER = `
  name: "prompt_encoder" backend: "onnxruntime" max_batch_size: 64
  input [
    { name: "INPUT_IDS" data_type: TYPE_INT64 dims: [ -1 ] }, { name: "ATTENTION_MASK" data_type: TYPE_INT64 dims: [ -1 ] }
  ]
  output [ { name: "EMBEDDING" data_type: TYPE_FP32 dims: [ 768 ] } ]
  dynamic_batching { max_queue_delay_microseconds: 0 }
`;

/**
 * Puts a tokenizer and an encoder without weights in place of the committed ones, which take .4 s of a processor to load: for tests to
 * which it does not matter what a prompt means. The encoder's file is made of small-encoder.txt:
 * `onnx.save(onnx.parser.parse_model(text), 'small-encoder.onnx')`.
 */
export async function makeSmall(folder: string): Promise<void> {
  await writeFile(join(folder, 'prompt_tokenizer', '1', 'tokenizer.json'), JSON.stringify(SMALL_TOKENIZER));
  const encoder = join(folder, 'prompt_encoder');
  await rm(encoder, { recursive: true });
  await mkdir(join(encoder, '1'), { recursive: true });
  const committed = await readFile(join(MODELS, 'prompt_encoder', 'config.pbtxt'), 'utf8');
  const [fingerprint] = /^parameters \{ key: "encoder_fingerprint".*$/m.exec(committed)!;
  await writeFile(join(encoder, 'config.pbtxt'), SMALL_ENCODER + fingerprint);
  await copyFile(new URL('small-encoder.onnx', import.meta.url), join(encoder, '1', 'model.onnx'));
}

/** Models are copied, but for the large encoder, which is linked unless a test wants to change it. */
export async function copyRepository(
  models: readonly string[] = [
    'prompt_tokenizer',
    'prompt_encoder',
    'task_router_head',
    'task_router_ensemble',
  ],
): Promise<RepositoryCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-router-models-'));
  for (const name of models) {
    if (name === 'prompt_encoder') await symlink(join(MODELS, name), join(folder, name));
    else await cp(join(MODELS, name), join(folder, name), { recursive: true });
  }
  return {
    folder,
    put: async (name, make) => {
      const beside = join(folder, `.${name}.new`);
      const old = join(folder, `.${name}.old`);
      await make(beside);
      await rename(join(folder, name), old).catch(() => {});
      await rename(beside, join(folder, name));
      await rm(old, { recursive: true, force: true });
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
