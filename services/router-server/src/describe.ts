/** What the server and its models tell of themselves, in the protocol's words. */
import type { LoadedModel } from './load-model.ts';

export const SERVER = {
  name: 'llm-router-server',
  version: '0.1.0',
  extensions: [
    'binary_tensor_data',
    'classification',
    'model_configuration',
    'model_repository',
    'model_repository(unload_dependents)',
    'statistics',
  ],
};

const TYPES: Readonly<Record<string, string>> = {
  BYTES: 'TYPE_STRING',
  FP32: 'TYPE_FP32',
  INT64: 'TYPE_INT64',
  INT32: 'TYPE_INT32',
};

/** Triton's older word for a backend, which it still tells. */
const platformOf = ({ platform, backend }: LoadedModel['config']) =>
  platform || (backend === 'onnxruntime' ? 'onnxruntime_onnx' : '');

export function describeModel({ config, version }: LoadedModel) {
  const tensor = ({ name, datatype, dims }: LoadedModel['config']['inputs'][number]) => ({
    name,
    datatype,
    shape: [...(config.maxBatchSize > 0 ? [-1] : []), ...dims],
  });
  return {
    name: config.name,
    versions: [version],
    platform: platformOf(config) || config.backend,
    inputs: config.inputs.map(tensor),
    outputs: config.outputs.map(tensor),
  };
}

const isEnsemble = ({ platform }: LoadedModel['config']) => platform === 'ensemble';

function filenameOf(config: LoadedModel['config']): string {
  if (isEnsemble(config)) return '';
  return config.backend === 'python' ? 'model.py' : config.modelFilename;
}

/** As Triton tells it: with its defaults written out, and what this server does with what was left open. */
export function describeConfig({ config }: LoadedModel) {
  const { dynamicBatching, maxBatchSize } = config;
  return {
    name: config.name,
    platform: platformOf(config),
    backend: config.backend,
    runtime: '',
    version_policy: { latest: { num_versions: 1 } },
    max_batch_size: maxBatchSize,
    input: config.inputs.map(({ name, datatype, dims }) => ({
      name,
      data_type: TYPES[datatype],
      format: 'FORMAT_NONE',
      dims: [...dims],
      is_shape_tensor: false,
      allow_ragged_batch: false,
      optional: false,
    })),
    output: config.outputs.map(({ name, datatype, dims, labelFilename }) => ({
      name,
      data_type: TYPES[datatype],
      dims: [...dims],
      label_filename: labelFilename ?? '',
      is_shape_tensor: false,
    })),
    batch_input: [],
    batch_output: [],
    ...(isEnsemble(config) && {
      ensemble_scheduling: {
        step: config.steps.map(({ model, version, inputMap, outputMap }) => ({
          model_name: model,
          model_version: version === '' ? -1 : Number(version),
          input_map: { ...inputMap },
          output_map: { ...outputMap },
        })),
      },
    }),
    ...(dynamicBatching && {
      dynamic_batching: {
        preferred_batch_size: [maxBatchSize],
        max_queue_delay_microseconds: dynamicBatching.maxQueueDelayUs,
        preserve_ordering: false,
        default_queue_policy: { max_queue_size: dynamicBatching.maxQueueSize },
      },
    }),
    // One of each, on the CPU, whatever the file asks of a machine with more.
    instance_group: isEnsemble(config) ? [] : [{ name: `${config.name}_0`, kind: 'KIND_CPU', count: 1 }],
    default_model_filename: filenameOf(config),
    cc_model_filenames: {},
    metric_tags: {},
    parameters: Object.fromEntries(
      Object.entries(config.parameters).map(([key, value]) => [key, { string_value: value }]),
    ),
    model_warmup: [],
  };
}
