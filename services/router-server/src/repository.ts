/**
 * The model repository: finds models, loads what this server can serve, refuses the rest by name, and takes up changes
 * while it serves. A folder without `config.pbtxt`, or whose name begins with a dot, is not there yet: writers write
 * beside and rename.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Batcher } from './batcher.ts';
import { planEnsemble, runEnsemble } from './ensemble.ts';
import { InferError } from './errors.ts';
import type { ServerMetrics } from './metrics.ts';
import { type ModelConfig, readModelConfig } from './model-config.ts';
import { OnnxModel } from './onnx-model.ts';
import type { Tensors } from './tensor.ts';
import { TokenizerModel, tokenizerOptions } from './tokenizer-model.ts';

/** The parameter by which a Python model names the step of this server that does the same. */
export const IMPLEMENTATION = 'router_server_implementation';

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly version: string;
  /** Label lists by output name. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
  readonly infer: (inputs: Tensors, signal?: AbortSignal) => Promise<Tensors>;
  /** Changes when any of its files does. */
  readonly stamp: string;
  readonly close: () => Promise<void>;
}

export interface IndexRow {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE';
  readonly reason: string;
}

export interface RepositoryOptions {
  readonly folder: string;
  readonly threads: number;
  readonly metrics: ServerMetrics;
  readonly log?: (line: string) => void;
}

/** Time for requests under way on a model that was replaced. */
const RETIRE_MS = 30_000;

async function newestVersion(folder: string): Promise<string> {
  const names = await readdir(folder);
  const versions = names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  if (versions.length === 0) throw new Error('has no version folder (1/, 2/, …)');
  return String(Math.max(...versions));
}

/** Sizes and times of everything that makes the model; it changes when they do. */
async function stampOf(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true });
  const parts = await Promise.all(
    names.sort().map(async (name) => {
      const info = await stat(join(folder, name));
      return info.isFile() ? `${name}:${info.size}:${info.mtimeMs}` : '';
    }),
  );
  return parts.join('|');
}

export class Repository {
  readonly #options: RepositoryOptions;
  readonly #models = new Map<string, LoadedModel>();
  readonly #refused = new Map<string, { reason: string; stamp: string }>();
  readonly #unloaded = new Set<string>();
  #syncing: Promise<void> | null = null;

  constructor(options: RepositoryOptions) {
    this.#options = options;
  }

  /** @throws InferError NOT_FOUND with the reason, when the model was refused. */
  get(name: string, version = ''): LoadedModel {
    const model = this.#models.get(name);
    if (model && (version === '' || version === '-1' || version === model.version)) return model;
    if (model)
      throw new InferError('NOT_FOUND', `model '${name}' has version ${model.version}, not ${version}`);
    const refused = this.#refused.get(name);
    if (refused) throw new InferError('UNAVAILABLE', `model '${name}' is not ready: ${refused.reason}`);
    const names = [...this.#models.keys()].join(', ') || 'none';
    throw new InferError('NOT_FOUND', `unknown model '${name}'; loaded: ${names}`);
  }

  index(): IndexRow[] {
    return [
      ...[...this.#models].map(
        ([name, { version }]): IndexRow => ({ name, version, state: 'READY', reason: '' }),
      ),
      ...[...this.#refused].map(
        ([name, { reason }]): IndexRow => ({ name, version: '', state: 'UNAVAILABLE', reason }),
      ),
    ].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Takes up what has changed on disk. Overlapping calls are one. */
  sync(): Promise<void> {
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = null;
    });
    return this.#syncing;
  }

  async load(name: string): Promise<void> {
    this.#unloaded.delete(name);
    this.#refused.delete(name);
    await this.sync();
    this.get(name);
  }

  async unload(name: string): Promise<void> {
    this.get(name);
    this.#unloaded.add(name);
    await this.sync();
  }

  async close(): Promise<void> {
    await this.#syncing;
    await Promise.all([...this.#models.values()].map((model) => model.close()));
    this.#models.clear();
  }

  async #sync(): Promise<void> {
    const folders = await this.#folders();
    for (const name of [...this.#models.keys(), ...this.#refused.keys()])
      if (!folders.has(name)) this.#drop(name);
    // Ensembles come last: their steps must be there.
    const configs: ModelConfig[] = [];
    for (const name of folders) {
      const config = await this.#read(name);
      if (config) configs.push(config);
    }
    for (const ensembles of [false, true]) {
      for (const config of configs)
        if ((config.platform === 'ensemble') === ensembles) await this.#take(config);
    }
  }

  async #folders(): Promise<Set<string>> {
    const found = new Set<string>();
    for (const entry of await readdir(this.#options.folder, { withFileTypes: true })) {
      if (!entry.isDirectory() || entry.name.startsWith('.') || this.#unloaded.has(entry.name)) continue;
      const there = await stat(join(this.#options.folder, entry.name, 'config.pbtxt')).catch(() => null);
      if (there) found.add(entry.name);
    }
    return found;
  }

  #drop(name: string): void {
    const model = this.#models.get(name);
    this.#models.delete(name);
    this.#refused.delete(name);
    if (model) {
      this.#log(`unloaded ${name}`);
      setTimeout(() => void model.close(), RETIRE_MS).unref();
    }
  }

  #refuse(name: string, stamp: string, error: unknown): null {
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#refused.get(name)?.reason !== reason) this.#log(`refused ${name}: ${reason}`);
    // What served before goes on serving: a broken change takes nothing away.
    if (!this.#models.has(name)) this.#refused.set(name, { reason, stamp });
    return null;
  }

  async #read(name: string): Promise<ModelConfig | null> {
    try {
      return readModelConfig(await readFile(join(this.#options.folder, name, 'config.pbtxt'), 'utf8'), name);
    } catch (error) {
      return this.#refuse(name, '', error);
    }
  }

  async #take(config: ModelConfig): Promise<void> {
    const { name } = config;
    const folder = join(this.#options.folder, name);
    let stamp = '';
    try {
      stamp = await stampOf(folder);
      if (this.#models.get(name)?.stamp === stamp) return;
      if (config.platform !== 'ensemble' && this.#refused.get(name)?.stamp === stamp) return;
      const version = await newestVersion(folder);
      const model = await this.#build(config, folder, version, stamp);
      const old = this.#models.get(name);
      this.#models.set(name, model);
      this.#refused.delete(name);
      this.#log(`loaded ${name} version ${version}`);
      if (old) setTimeout(() => void old.close(), RETIRE_MS).unref();
    } catch (error) {
      this.#refuse(name, stamp, error);
    }
  }

  async #build(config: ModelConfig, folder: string, version: string, stamp: string): Promise<LoadedModel> {
    const labels = new Map<string, readonly string[]>();
    for (const output of config.outputs) {
      if (!output.labelFilename) continue;
      const text = await readFile(join(folder, output.labelFilename), 'utf8');
      labels.set(
        output.name,
        text
          .split('\n')
          .map((line) => line.trimEnd())
          .filter(Boolean),
      );
    }
    const base = { config, version, stamp };
    if (config.platform === 'ensemble') {
      const steps = planEnsemble(config, (step) => this.#models.get(step)?.config ?? null);
      const outputs = config.outputs.map((output) => output.name);
      for (const output of outputs) if (!labels.has(output)) this.#inheritLabels(labels, output, steps);
      return {
        ...base,
        labels,
        infer: (inputs, signal) => runEnsemble(steps, (step) => this.get(step), inputs, outputs, signal),
        close: async () => {},
      };
    }
    const model = await this.#runnable(config, join(folder, version));
    const { metrics } = this.#options;
    const by = { model: config.name, version };
    const batcher = new Batcher(
      (inputs) => model.run(inputs),
      {
        maxBatch: config.dynamicBatching ? Math.max(1, config.maxBatchSize) : 1,
        maxDelayUs: config.dynamicBatching?.maxQueueDelayUs ?? 0,
        maxQueue: config.dynamicBatching?.maxQueueSize ?? 1024,
      },
      {
        onRun: (rows, queueMs, computeMs) => {
          metrics.count.inc(by, rows);
          metrics.execCount.inc(by);
          metrics.queueUs.inc(by, queueMs * 1000);
          metrics.computeUs.inc(by, computeMs * 1000);
        },
      },
    );
    return {
      ...base,
      labels,
      infer: (inputs, signal) => batcher.submit(inputs, [...inputs.values()][0]!.shape[0]!, signal),
      close: model.close,
    };
  }

  /** As in Triton, labels that the last step's output declares come through the ensemble. */
  #inheritLabels(labels: Map<string, readonly string[]>, output: string, steps: ModelConfig['steps']): void {
    for (const step of steps) {
      for (const [name, tensor] of Object.entries(step.outputMap)) {
        const known = tensor === output && this.#models.get(step.model)?.labels.get(name);
        if (known) labels.set(output, known);
      }
    }
  }

  async #runnable(
    config: ModelConfig,
    folder: string,
  ): Promise<{ run: (inputs: Tensors) => Promise<Tensors>; close: () => Promise<void> }> {
    if (config.backend === 'onnxruntime') {
      const model = await OnnxModel.load(join(folder, config.modelFilename), config, this.#options.threads);
      return { run: (inputs) => model.run(inputs), close: () => model.close() };
    }
    if (config.backend === 'python' && config.parameters[IMPLEMENTATION] === 'prompt_tokenizer') {
      const model = TokenizerModel.load(join(folder, 'tokenizer.json'), tokenizerOptions(config.parameters));
      return { run: (inputs) => model.run(inputs), close: async () => {} };
    }
    const what = config.backend ? `backend '${config.backend}'` : `platform '${config.platform}'`;
    throw new Error(
      `${what} can’t be served here (only onnxruntime, ensembles, and the prompt_tokenizer step); use Triton for it`,
    );
  }

  #log(line: string): void {
    this.#options.log?.(line);
  }
}
