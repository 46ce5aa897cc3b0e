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

const first = (message: PbMessage, field: string): PbValue | undefined => message[field]?.[0];
const text = (message: PbMessage, field: string): string => String(first(message, field) ?? '');
const isMessage = (value: PbValue | undefined): value is PbMessage =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const messages = (message: PbMessage, field: string): PbMessage[] => (message[field] ?? []).filter(isMessage);

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
  return {
    name,
    datatype,
    dims: (message.dims ?? []).map(Number),
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
    maxQueueDelayUs: Number(first(settings, 'max_queue_delay_microseconds') ?? 0),
    maxQueueSize: Number((policy && first(policy, 'max_queue_size')) || DEFAULT_QUEUE),
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
  for (const field of ['sequence_batching', 'batch_input', 'batch_output']) {
    if (message[field]) throw new Error(`${field} is not served here; use Triton`);
  }
  const scheduling = messages(message, 'ensemble_scheduling')[0];
  const parameters = messages(message, 'parameters').map((entry) => {
    const value = first(entry, 'value');
    return [text(entry, 'key'), isMessage(value) ? text(value, 'string_value') : String(value ?? '')];
  });
  return {
    name,
    platform: text(message, 'platform') || (scheduling ? 'ensemble' : ''),
    backend: text(message, 'backend'),
    maxBatchSize: Number(first(message, 'max_batch_size') ?? 0),
    inputs: messages(message, 'input').map((item) => tensor(item, 'input')),
    outputs: messages(message, 'output').map((item) => tensor(item, 'output')),
    dynamicBatching: batching(message),
    steps: (scheduling ? messages(scheduling, 'step') : []).map((step) => ({
      model: text(step, 'model_name'),
      inputMap: map(step, 'input_map'),
      outputMap: map(step, 'output_map'),
    })),
    modelFilename: text(message, 'default_model_filename') || 'model.onnx',
    parameters: Object.fromEntries(parameters),
  };
}
