/**
 * The models that are served. Takes up changes of the folder while it serves: what changed is loaded beside, then all of
 * it takes its place at once, so that a request sees the old models or the new ones and never a mixture.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InferError } from './errors.ts';
import { type LoadedModel, loadEnsemble, loadLeaf } from './load-model.ts';
import type { Level, Log } from './log.ts';
import type { ServerMetrics } from './metrics.ts';
import { type ModelConfig, readModelConfig } from './model-config.ts';
import { listModels, stampOf } from './model-files.ts';

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
  readonly log?: Log;
}

interface Refusal {
  readonly reason: string;
  readonly stamp: string;
}

interface Found {
  readonly config: ModelConfig;
  readonly stamp: string;
}

type Models = Map<string, LoadedModel>;

/** Time for requests under way on a model that was replaced, ms. */
const RETIRE_MS = 30_000;
/** A folder can only be replaced by two renames; a model that is gone for so short is not gone, ms. */
const SWAP_MS = 250;

const isEnsemble = (config: ModelConfig) => config.platform === 'ensemble';
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

export class Repository {
  readonly #options: RepositoryOptions;
  #models: Models = new Map();
  /** A model may be served and refused: its files changed to something that can't be served, the old form goes on. */
  readonly #refused = new Map<string, Refusal>();
  readonly #unloaded = new Set<string>();
  /** Models that compute and are not closed yet, the replaced ones too. */
  readonly #open = new Set<LoadedModel>();
  readonly #retiring = new WeakSet<LoadedModel>();
  #polling: Promise<void> | null = null;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: RepositoryOptions) {
    this.#options = options;
  }

  /** @throws InferError NOT_FOUND, or UNAVAILABLE with the reason when the model is there but was refused. */
  get(name: string, version = ''): LoadedModel {
    const model = this.#models.get(name);
    if (model && (version === '' || version === '-1' || version === model.version)) return model;
    if (model)
      throw new InferError('NOT_FOUND', `model '${name}' has version ${model.version}, not ${version}`);
    const refused = this.#refused.get(name);
    if (refused) throw new InferError('UNAVAILABLE', `model '${name}' is not ready: ${refused.reason}`);
    if (this.#unloaded.has(name))
      throw new InferError('UNAVAILABLE', `model '${name}' was unloaded; load it to use it`);
    const names = [...this.#models.keys()].sort().join(', ') || 'none';
    throw new InferError('NOT_FOUND', `unknown model '${name}'; loaded: ${names}`);
  }

  index(): IndexRow[] {
    const rows: IndexRow[] = [];
    for (const [name, { version }] of this.#models) {
      const refused = this.#refused.get(name);
      const reason = refused ? `serves its older form, its files were refused: ${refused.reason}` : '';
      rows.push({ name, version, state: 'READY', reason });
    }
    for (const [name, { reason }] of this.#refused)
      if (!this.#models.has(name)) rows.push({ name, version: '', state: 'UNAVAILABLE', reason });
    for (const name of this.#unloaded)
      rows.push({ name, version: '', state: 'UNAVAILABLE', reason: 'unloaded' });
    return rows.sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Takes up what has changed on disk. Overlapping calls are one. */
  sync(): Promise<void> {
    this.#polling ??= this.#inTurn(async () => null).finally(() => {
      this.#polling = null;
    });
    return this.#polling;
  }

  /**
   * Loads a model, or loads it anew; the steps of an ensemble that are not loaded come with it.
   *
   * @throws InferError with the reason; what served before goes on.
   */
  async load(name: string): Promise<void> {
    await this.#inTurn(async () => {
      const names = await this.#withSteps(name);
      for (const each of names) {
        this.#unloaded.delete(each);
        this.#refused.delete(each);
      }
      return names;
    });
    const refused = this.#refused.get(name);
    if (refused) throw new InferError('INVALID_ARGUMENT', `failed to load '${name}': ${refused.reason}`);
    this.get(name);
  }

  /** @param withSteps an ensemble's own models too, those that no other model needs. */
  async unload(name: string, withSteps = false): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#models.has(name) && !this.#refused.has(name)) this.get(name);
      this.#unloaded.add(name);
      if (withSteps) for (const step of this.#ownSteps(name)) this.#unloaded.add(step);
      return new Set();
    });
  }

  /** Models below an ensemble that nothing else of what is served needs. */
  #ownSteps(name: string): Set<string> {
    const below = (model: LoadedModel | undefined): string[] =>
      [...(model?.parts ?? [])].flatMap(([step, part]) => [step, ...below(part)]);
    const own = new Set(below(this.#models.get(name)));
    for (const [other, model] of this.#models)
      if (other !== name && !own.has(other)) for (const step of below(model)) own.delete(step);
    return own;
  }

  /** All that are served, in the order of their names. */
  all(): LoadedModel[] {
    return [...this.#models.values()].sort((a, b) => a.config.name.localeCompare(b.config.name));
  }

  async close(): Promise<void> {
    await this.#tail;
    const open = [...this.#open];
    this.#open.clear();
    this.#models = new Map();
    await Promise.all(open.map((model) => model.close()));
  }

  /**
   * One change at a time, in the order of asking; a load or unload must not join a look that has passed its folder.
   *
   * @param prepare tells the models to look at; null: all.
   */
  #inTurn(prepare: () => Promise<ReadonlySet<string> | null>): Promise<void> {
    const turn = this.#tail.then(async () => this.#sync(await prepare()));
    this.#tail = turn.catch(() => {});
    return turn;
  }

  async #withSteps(name: string, names = new Set<string>()): Promise<Set<string>> {
    if (names.has(name)) return names;
    names.add(name);
    const found = await this.#read(name).catch(() => null);
    for (const step of found?.config.steps ?? [])
      if (!this.#models.has(step.model)) await this.#withSteps(step.model, names);
    return names;
  }

  async #sync(only: ReadonlySet<string> | null): Promise<void> {
    const folders = await this.#folders();
    for (const name of this.#refused.keys()) if (!folders.has(name)) this.#refused.delete(name);
    const next: Models = new Map();
    const ensembles = new Map<string, Found>();
    for (const name of folders) {
      const old = this.#models.get(name);
      if (only && !only.has(name) && !(old && isEnsemble(old.config)) && !this.#refused.has(name)) {
        if (old) next.set(name, old);
        continue;
      }
      const model = await this.#takeLeaf(name, ensembles);
      if (model) next.set(name, model);
    }
    await this.#takeEnsembles(ensembles, next, folders);
    this.#swap(next);
  }

  /** Names on disk, less what was unloaded. A loaded model that is missing is looked for a second time. */
  async #folders(): Promise<Set<string>> {
    const { folder } = this.#options;
    let found = await listModels(folder);
    if ([...this.#models.keys()].some((name) => !found.has(name))) {
      await sleep(SWAP_MS);
      found = await listModels(folder);
    }
    return new Set([...found].filter((name) => !this.#unloaded.has(name)));
  }

  async #read(name: string): Promise<Found> {
    const folder = join(this.#options.folder, name);
    const stamp = await stampOf(folder);
    const config = readModelConfig(await readFile(join(folder, 'config.pbtxt'), 'utf8'), name);
    return { config, stamp };
  }

  /** Loads a model that computes itself, unless nothing changed; ensembles are put aside for later. */
  async #takeLeaf(name: string, ensembles: Map<string, Found>): Promise<LoadedModel | null> {
    const old = this.#models.get(name) ?? null;
    const folder = join(this.#options.folder, name);
    let stamp = '';
    try {
      stamp = await stampOf(folder);
      if (old?.stamp === stamp && !isEnsemble(old.config)) {
        this.#refused.delete(name);
        return old;
      }
      const found = await this.#read(name);
      if (isEnsemble(found.config)) {
        ensembles.set(name, found);
        return null;
      }
      if (this.#refused.get(name)?.stamp === stamp) return old;
      const { threads, metrics } = this.#options;
      const model = await loadLeaf(found.config, { folder, stamp, threads, metrics });
      if ((await stampOf(folder)) !== stamp) {
        await model.close();
        throw new Error('its files changed while they were read');
      }
      this.#open.add(model);
      this.#refused.delete(name);
      this.#log(`loaded ${name} version ${model.version}`);
      return model;
    } catch (error) {
      this.#refuse(name, stamp, error);
      return old;
    }
  }

  /** Ensembles may have ensembles as steps, so it goes round until nothing more can be made. */
  async #takeEnsembles(found: Map<string, Found>, next: Models, folders: ReadonlySet<string>): Promise<void> {
    const left = new Map(found);
    const errors = new Map<string, unknown>();
    for (let before = -1; before !== left.size; ) {
      before = left.size;
      for (const [name, { config, stamp }] of left) {
        if (config.steps.some((step) => left.has(step.model))) continue;
        const old = this.#models.get(name);
        const same = old?.stamp === stamp && [...old.parts].every(([step, part]) => next.get(step) === part);
        try {
          const folder = join(this.#options.folder, name);
          const model = same
            ? old
            : await loadEnsemble(config, { folder, stamp, metrics: this.#options.metrics }, next);
          if (!same) this.#log(`loaded ${name} version ${model.version}`);
          next.set(name, model);
          this.#refused.delete(name);
        } catch (error) {
          errors.set(name, error);
        }
        left.delete(name);
      }
    }
    for (const [name, { config }] of left) {
      const waiting = config.steps.map((step) => step.model).filter((step) => left.has(step));
      errors.set(name, new Error(`ensemble ${name}: its step ${waiting.join(', ')} needs itself`));
    }
    for (const [name, error] of errors) {
      this.#refuse(name, found.get(name)!.stamp, error);
      const old = this.#models.get(name);
      // A change that does not fit takes nothing away; a step that was taken away does.
      if (old && [...old.parts.keys()].every((step) => folders.has(step))) next.set(name, old);
    }
  }

  #refuse(name: string, stamp: string, error: unknown): void {
    const reason = reasonOf(error);
    if (this.#refused.get(name)?.reason !== reason) this.#log(`refused ${name}: ${reason}`, 'warn');
    this.#refused.set(name, { reason, stamp });
  }

  #swap(next: Models): void {
    for (const name of this.#models.keys()) if (!next.has(name)) this.#log(`unloaded ${name}`);
    this.#models = next;
    const needed = new Set<LoadedModel>();
    const need = (model: LoadedModel) => {
      needed.add(model);
      for (const part of model.parts.values()) need(part);
    };
    for (const model of next.values()) need(model);
    for (const model of this.#open) {
      if (needed.has(model) || this.#retiring.has(model)) continue;
      this.#retiring.add(model);
      setTimeout(() => {
        if (this.#open.delete(model)) void model.close();
      }, RETIRE_MS).unref();
    }
  }

  #log(line: string, level?: Level): void {
    this.#options.log?.(line, level);
  }
}
