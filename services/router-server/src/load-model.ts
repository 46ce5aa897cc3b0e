/** Makes a served model of a model's folder, or says why it can't. */
import { join } from 'node:path';
import { Batcher, type Wanted } from './batcher.ts';
import { planEnsemble, runEnsemble } from './ensemble.ts';
import type { ServerMetrics } from './metrics.ts';
import type { ModelConfig } from './model-config.ts';
import { newestVersion, readLabels } from './model-files.ts';
import { loadOnnxModel, type RunnableModel } from './onnx-model.ts';
import { type ModelCounts, noTimes, type RequestTimes } from './statistics.ts';
import type { Tensors } from './tensor.ts';
import { TokenizerModel, tokenizerOptions } from './tokenizer-model.ts';

/** The parameter by which a Python model names the step of this server that does the same. */
export const IMPLEMENTATION = 'router_server_implementation';

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly version: string;
  /** Label lists by output name. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
  /** An ensemble gives all of its outputs, whichever are wanted. */
  readonly infer: (inputs: Tensors, wanted: Wanted) => Promise<Tensors>;
  readonly counts: ModelCounts;
  /** Changes when any of its files does. */
  readonly stamp: string;
  /** An ensemble's own step models. It keeps them when they are replaced, so that a request never meets half a change. */
  readonly parts: ReadonlyMap<string, LoadedModel>;
  /** Ends the run under way first. */
  readonly close: () => Promise<void>;
}

const DEFAULT_QUEUE = 1024;

async function runnable(config: ModelConfig, folder: string, threads: number): Promise<RunnableModel> {
  const { backend, parameters } = config;
  if (backend === 'onnxruntime') return loadOnnxModel(join(folder, config.modelFilename), config, threads);
  if (backend === 'python' && parameters[IMPLEMENTATION] === 'prompt_tokenizer') {
    const model = TokenizerModel.load(join(folder, 'tokenizer.json'), tokenizerOptions(parameters));
    return { run: (inputs) => model.run(inputs), close: async () => {} };
  }
  const what = backend ? `backend '${backend}'` : `platform '${config.platform}'`;
  throw new Error(
    `${what} can’t be served here (only onnxruntime, ensembles, and the prompt_tokenizer step); use Triton for it`,
  );
}

export interface LoadContext {
  readonly folder: string;
  readonly stamp: string;
  readonly threads: number;
  readonly metrics: ServerMetrics;
}

/** Counts a request of a model, whoever asks: a client or an ensemble. */
async function counted(counts: ModelCounts, work: Promise<Tensors>): Promise<Tensors> {
  const started = performance.now();
  let isAnswered = false;
  try {
    const outputs = await work;
    isAnswered = true;
    return outputs;
  } finally {
    counts.ended(isAnswered, (performance.now() - started) * 1e6);
  }
}

/** Without a batch dimension a request is one row, whatever its shape. */
const rowsOf = (inputs: Tensors, { maxBatchSize }: ModelConfig) =>
  maxBatchSize > 0 ? (inputs.values().next().value?.shape[0] ?? 1) : 1;

/** A model that computes itself. */
export async function loadLeaf(
  config: ModelConfig,
  { folder, stamp, threads, metrics }: LoadContext,
): Promise<LoadedModel> {
  const version = await newestVersion(folder);
  const labels = await readLabels(folder, config);
  const model = await runnable(config, join(folder, version), threads);
  const counts = metrics.of(config.name, version);
  const { maxBatchSize, dynamicBatching } = config;
  const gathers = dynamicBatching !== null && maxBatchSize > 0;
  const batcher = new Batcher(
    (inputs, outputs) => model.run(inputs, outputs),
    {
      maxBatch: gathers ? maxBatchSize : 1,
      maxDelayUs: dynamicBatching?.maxQueueDelayUs ?? 0,
      maxQueue: dynamicBatching?.maxQueueSize ?? DEFAULT_QUEUE,
    },
    { onRun: (rows, queues, times) => counts.ran(rows, queues, times) },
  );
  return {
    config,
    version,
    stamp,
    labels,
    parts: new Map(),
    counts,
    infer: (inputs, wanted) => counted(counts, batcher.submit(inputs, rowsOf(inputs, config), wanted)),
    close: async () => {
      await batcher.idle();
      await model.close();
    },
  };
}

/** @throws Error when its steps are not among the models, or do not fit. */
export async function loadEnsemble(
  config: ModelConfig,
  { folder, stamp, metrics }: Pick<LoadContext, 'folder' | 'stamp' | 'metrics'>,
  models: ReadonlyMap<string, LoadedModel>,
): Promise<LoadedModel> {
  const version = await newestVersion(folder);
  const steps = planEnsemble(config, (name) => models.get(name) ?? null);
  const parts = new Map(steps.map(({ model }) => [model, models.get(model)!]));
  const labels = await readLabels(folder, config);
  const outputs = config.outputs.map((output) => output.name);
  for (const output of outputs) {
    if (labels.has(output)) continue;
    // As in Triton, labels that the last step's output declares come through the ensemble.
    for (const step of steps) {
      for (const [name, tensor] of Object.entries(step.outputMap)) {
        const known = tensor === output && parts.get(step.model)!.labels.get(name);
        if (known) labels.set(output, known);
      }
    }
  }
  const counts = metrics.of(config.name, version);
  /** As in Triton, what its models took is what the ensemble took. */
  async function run(inputs: Tensors, { signal, times: above }: Wanted): Promise<Tensors> {
    const times = noTimes();
    const made = await runEnsemble(
      steps,
      (step) => ({
        infer: (given, wanted) => parts.get(step)!.infer(given, { outputs: wanted, signal, times }),
      }),
      inputs,
      outputs,
    );
    counts.ran(rowsOf(inputs, config), [times.queue], times);
    if (above) for (const name of Object.keys(times) as (keyof RequestTimes)[]) above[name] += times[name];
    return made;
  }
  return {
    config,
    version,
    stamp,
    labels,
    parts,
    counts,
    infer: (inputs, wanted) => counted(counts, run(inputs, wanted)),
    close: async () => {},
  };
}
