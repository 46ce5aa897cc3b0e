/** A model's `config.pbtxt`, typed, as far as this server serves it. What it can't serve, it refuses by name. */
import { type PbMessage, type PbValue, parsePbtxt } from './pbtxt.ts';

export interface TensorSpec {
  readonly name: string;
  /** KServe datatype: BYTES, FP32, INT64, INT32. */
  readonly datatype: string;
  /** Without the batch dimension; -1 is any length. */
  readonly dims: readonly number[];
  readonly labelFilename: string | null;
}

export interface EnsembleStep {
  readonly model: string;
  /** Empty: the one that is served. */
  readonly version: string;
  /** The step's input name → tensor name in the ensemble. */
  readonly inputMap: Readonly<Record<string, string>>;
  readonly outputMap: Readonly<Record<string, string>>;
}

export interface ModelConfig {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly maxBatchSize: number;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Null: requests are not gathered. */
  readonly dynamicBatching: { readonly maxQueueDelayUs: number; readonly maxQueueSize: number } | null;
  readonly steps: readonly EnsembleStep[];
  readonly modelFilename: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const DATATYPES: Readonly<Record<string, string>> = {
  TYPE_STRING: 'BYTES',
  TYPE_FP32: 'FP32',
  TYPE_INT64: 'INT64',
  TYPE_INT32: 'INT32',
};
const DEFAULT_QUEUE = 1024;

/** Triton's ModelConfig fields; a field that is none of them is a slip of the pen, which Triton refuses too. */
const FIELDS = new Set(
  `name platform runtime backend version_policy max_batch_size input output batch_input batch_output optimization
   dynamic_batching sequence_batching ensemble_scheduling instance_group default_model_filename cc_model_filenames
   metric_tags parameters model_warmup model_operations model_transaction_policy model_repository_agents response_cache
   model_metrics`.split(/\s+/),
);
/** What would change a model's answers or its protocol, and is not built here. */
const UNSERVED = [
  'sequence_batching',
  'batch_input',
  'batch_output',
  'model_operations',
  'model_repository_agents',
];
const TENSOR_FIELDS = new Set(['name', 'data_type', 'dims', 'label_filename', 'format']);

const first = (message: PbMessage, field: string): PbValue | undefined => message[field]?.[0];
const text = (message: PbMessage, field: string): string => String(first(message, field) ?? '');
const isMessage = (value: PbValue | undefined): value is PbMessage =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const messages = (message: PbMessage, field: string): PbMessage[] => (message[field] ?? []).filter(isMessage);

/** A whole number not below `least`. */
function whole(value: PbValue | undefined, where: string, least: number, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least)
    throw new Error(`${where} must be a whole number from ${least}, not ${JSON.stringify(value)}`);
  return value;
}

function tensor(message: PbMessage, where: string): TensorSpec {
  const name = text(message, 'name');
  const type = text(message, 'data_type');
  const datatype = DATATYPES[type];
  if (!name) throw new Error(`${where} without a name`);
  if (!datatype) {
    throw new Error(
      `${where} '${name}': data_type ${type || 'missing'} is not served here; one of: ${Object.keys(DATATYPES).join(', ')}`,
    );
  }
  const unserved = Object.keys(message).find((field) => !TENSOR_FIELDS.has(field));
  if (unserved) throw new Error(`${where} '${name}': ${unserved} is not served here; use Triton`);
  const dims = (message.dims ?? []).map((n) => whole(n, `${where} '${name}': dims`, -1, -1));
  if (dims.length === 0) throw new Error(`${where} '${name}': dims is missing; it must list the dimensions`);
  if (dims.includes(0)) throw new Error(`${where} '${name}': dims must be above 0, or -1 for any length`);
  return {
    name,
    datatype,
    dims,
    labelFilename: text(message, 'label_filename') || null,
  };
}

function map(step: PbMessage, field: string): Record<string, string> {
  return Object.fromEntries(messages(step, field).map((entry) => [text(entry, 'key'), text(entry, 'value')]));
}

function batching(message: PbMessage): ModelConfig['dynamicBatching'] {
  const [settings] = messages(message, 'dynamic_batching');
  if (!settings) return null;
  const [policy] = messages(settings, 'default_queue_policy');
  return {
    maxQueueDelayUs: whole(
      first(settings, 'max_queue_delay_microseconds'),
      'dynamic_batching max_queue_delay_microseconds',
      0,
      0,
    ),
    // In Triton's words 0 means no limit; a queue without one only ends in a crash.
    maxQueueSize:
      whole(policy && first(policy, 'max_queue_size'), 'max_queue_size', 0, DEFAULT_QUEUE) || DEFAULT_QUEUE,
  };
}

/**
 * Reads a model's configuration.
 *
 * @param folder the model's folder name, which its `name` must match, as in Triton.
 */
export function readModelConfig(source: string, folder: string): ModelConfig {
  const message = parsePbtxt(source);
  const name = text(message, 'name') || folder;
  if (name !== folder) throw new Error(`name is '${name}', but its folder is '${folder}'`);
  const unknown = Object.keys(message).find((field) => !FIELDS.has(field));
  if (unknown)
    throw new Error(`unknown field '${unknown}'; the fields of a model are: ${[...FIELDS].join(', ')}`);
  for (const field of UNSERVED) {
    if (message[field]) throw new Error(`${field} is not served here; use Triton`);
  }
  const [policy] = messages(message, 'version_policy');
  if (policy && (policy.specific || policy.all))
    throw new Error('version_policy other than latest is not served here; use Triton');
  const scheduling = messages(message, 'ensemble_scheduling')[0];
  const parameters = messages(message, 'parameters').map((entry) => {
    const value = first(entry, 'value');
    return [text(entry, 'key'), isMessage(value) ? text(value, 'string_value') : String(value ?? '')];
  });
  const platform = text(message, 'platform') || (scheduling ? 'ensemble' : '');
  return {
    name,
    platform,
    // Triton's older way to say it.
    backend: text(message, 'backend') || (platform === 'onnxruntime_onnx' ? 'onnxruntime' : ''),
    maxBatchSize: whole(first(message, 'max_batch_size'), 'max_batch_size', 0, 0),
    inputs: messages(message, 'input').map((item) => tensor(item, 'input')),
    outputs: messages(message, 'output').map((item) => tensor(item, 'output')),
    dynamicBatching: batching(message),
    steps: (scheduling ? messages(scheduling, 'step') : []).map((step) => ({
      model: text(step, 'model_name'),
      version: text(step, 'model_version').replace('-1', ''),
      inputMap: map(step, 'input_map'),
      outputMap: map(step, 'output_map'),
    })),
    modelFilename: text(message, 'default_model_filename') || 'model.onnx',
    parameters: Object.fromEntries(parameters),
  };
}
