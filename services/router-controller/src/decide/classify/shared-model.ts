/**
 * The models behind one list of endpoints, for all policies that name the same list: one channel each, one reading of what
 * a model tells at a time, and prompts of all these policies in the same calls.
 */
import type { ClassifierConfig } from '../../config/schema.ts';
import { type TlsConfig, tlsOf } from '../../config/tls.ts';
import type { ClassifierEndpoint } from '../../config/types.ts';
import { PromptBatcher } from './batcher.ts';
import { KServeGrpcClient } from './kserve-grpc.ts';
import { KServeHttpClient } from './kserve-http.ts';
import {
  type CallOptions,
  ClassifierError,
  type InferResult,
  type ModelClient,
  type ModelDescription,
} from './model-client.ts';

/** @param tls for endpoints that speak it. */
export function createModelClient(
  { protocol, address, model }: ClassifierEndpoint,
  tls: TlsConfig | undefined,
): ModelClient {
  if (protocol === 'http') return new KServeHttpClient(address, model, tlsOf(tls));
  return protocol === 'grpcs'
    ? new KServeGrpcClient(address, model, tlsOf(tls))
    : new KServeGrpcClient(address, model);
}

/** What of the settings makes calls differ. */
type CallSettings = Pick<ClassifierConfig, 'batch_max' | 'tls'>;

export interface SharedModelDeps {
  readonly connect?: (endpoint: ClassifierEndpoint, tls: TlsConfig | undefined) => ModelClient;
  readonly onBatch?: (size: number) => void;
  /** A model answers several prompts wrongly; each is asked alone for a while. */
  readonly onAlone?: (problem: string) => void;
}

/** What a call hangs on: prompts go together when a model has told the same of itself. */
const wanted = ({
  version,
  model,
  size,
  maxBatch,
  hasTokenCount,
  scoreNames,
  embeddingOf,
}: ModelDescription) =>
  JSON.stringify([version, model, size, maxBatch, hasTokenCount, scoreNames, embeddingOf]);

/** Kinds of calls to one model that are told apart; versions that are gone make place. */
const MOST_KINDS = 8;

export class SharedModel {
  readonly #clients: readonly ModelClient[];
  readonly #batchMax: number;
  readonly #deps: SharedModelDeps;
  /** By what is asked for. */
  readonly #batchers = new Map<string, PromptBatcher>();
  /** A description is made anew at each reading. */
  readonly #byDescription = new WeakMap<ModelDescription, PromptBatcher>();
  readonly #reading = new Map<ModelClient, Promise<ModelDescription>>();
  #next = 0;

  constructor(
    endpoints: readonly ClassifierEndpoint[],
    { batch_max, tls }: CallSettings,
    deps: SharedModelDeps = {},
  ) {
    const { connect = createModelClient } = deps;
    this.#clients = endpoints.map((endpoint) => connect(endpoint, tls));
    this.#batchMax = batch_max;
    this.#deps = deps;
  }

  /** The endpoints, beginning with the one whose turn it is. */
  clients(): readonly ModelClient[] {
    const at = this.#next % this.#clients.length;
    return [...this.#clients.slice(at), ...this.#clients.slice(0, at)];
  }

  /** What a model tells of itself; readings at the same time are one. @throws ClassifierError */
  describe(client: ModelClient, deadlineMs: number): Promise<ModelDescription> {
    let reading = this.#reading.get(client);
    if (!reading) {
      reading = client.describe({ deadlineMs }).finally(() => this.#reading.delete(client));
      this.#reading.set(client, reading);
    }
    return reading;
  }

  /** Where prompts for this model wait for each other. */
  batcher(model: ModelDescription): PromptBatcher {
    const known = this.#byDescription.get(model);
    if (known) return known;
    const key = wanted(model);
    let batcher = this.#batchers.get(key);
    if (!batcher) {
      batcher = new PromptBatcher(
        (texts, options) => this.#infer(model, texts, options),
        () => Math.min(this.#batchMax, model.maxBatch),
        this.#deps.onAlone,
      );
      this.#batchers.set(key, batcher);
      if (this.#batchers.size > MOST_KINDS) this.#batchers.delete(this.#batchers.keys().next().value!);
    }
    this.#byDescription.set(model, batcher);
    return batcher;
  }

  async #infer(
    model: ModelDescription,
    texts: readonly string[],
    options: Required<CallOptions>,
  ): Promise<InferResult> {
    this.#deps.onBatch?.(texts.length);
    const until = performance.now() + options.deadlineMs;
    let last: unknown;
    for (let turn = 0; turn < this.#clients.length; turn++) {
      const client = this.#clients[this.#next++ % this.#clients.length]!;
      const deadlineMs = until - performance.now();
      if (deadlineMs <= 0) break;
      try {
        return await client.infer(texts, model, { deadlineMs, signal: options.signal });
      } catch (error) {
        last = error;
        if (!(error instanceof ClassifierError) || error.reason !== 'unavailable') throw error;
      }
    }
    throw last ?? new ClassifierError('timeout', 'no time left for another endpoint');
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

interface Lent {
  readonly model: SharedModel;
  holders: number;
}

/** Models by their endpoints, for as long as a policy's classifier holds them. */
export class SharedModels {
  readonly #deps: SharedModelDeps;
  readonly #lent = new Map<string, Lent>();

  constructor(deps: SharedModelDeps) {
    this.#deps = deps;
  }

  /** @returns the model, and how to give it back: the last to do so closes it. */
  lend(
    endpoints: readonly ClassifierEndpoint[],
    config: CallSettings,
  ): { readonly model: SharedModel; readonly giveBack: () => void } {
    const key = JSON.stringify([endpoints, config.batch_max, config.tls]);
    let lent = this.#lent.get(key);
    if (!lent) {
      lent = { model: new SharedModel(endpoints, config, this.#deps), holders: 0 };
      this.#lent.set(key, lent);
    }
    const { model } = lent;
    lent.holders++;
    let held = true;
    const giveBack = () => {
      if (!held) return;
      held = false;
      if (--lent.holders > 0) return;
      this.#lent.delete(key);
      model.close();
    };
    return { model, giveBack };
  }
}
