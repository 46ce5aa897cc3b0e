/** What the server and its models tell of themselves, in the protocol's words. */
import type { LoadedModel } from './load-model.ts';

export const SERVER = {
  name: 'llm-router-server',
  version: '0.1.0',
  extensions: ['classification', 'model_configuration', 'model_repository', 'statistics'],
};

const TYPES: Readonly<Record<string, string>> = {
  BYTES: 'TYPE_STRING',
  FP32: 'TYPE_FP32',
  INT64: 'TYPE_INT64',
  INT32: 'TYPE_INT32',
};

export function describeModel({ config, version }: LoadedModel) {
  const tensor = ({ name, datatype, dims }: LoadedModel['config']['inputs'][number]) => ({
    name,
    datatype,
    shape: [...(config.maxBatchSize > 0 ? [-1] : []), ...dims],
  });
  return {
    name: config.name,
    versions: [version],
    platform: config.platform || config.backend,
    inputs: config.inputs.map(tensor),
    outputs: config.outputs.map(tensor),
  };
}

export function describeConfig({ config }: LoadedModel) {
  return {
    name: config.name,
    platform: config.platform,
    backend: config.backend,
    max_batch_size: config.maxBatchSize,
    input: config.inputs.map(({ name, datatype, dims }) => ({
      name,
      data_type: TYPES[datatype],
      dims: [...dims],
    })),
    output: config.outputs.map(({ name, datatype, dims, labelFilename }) => ({
      name,
      data_type: TYPES[datatype],
      dims: [...dims],
      label_filename: labelFilename ?? '',
    })),
    default_model_filename: config.modelFilename,
    parameters: Object.fromEntries(
      Object.entries(config.parameters).map(([key, value]) => [key, { string_value: value }]),
    ),
  };
}
