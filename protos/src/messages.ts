/** The protocol's messages as proto-loader gives them (keepCase, longs as numbers, bytes as Buffer). */

export interface InferParameter {
  bool_param?: boolean;
  int64_param?: number;
  string_param?: string;
  double_param?: number;
  uint64_param?: number;
}

export interface TensorContents {
  bool_contents?: boolean[];
  int_contents?: number[];
  int64_contents?: number[];
  uint_contents?: number[];
  uint64_contents?: number[];
  fp32_contents?: number[];
  fp64_contents?: number[];
  bytes_contents?: Buffer[];
}

export interface InferTensor {
  name: string;
  datatype: string;
  shape: number[];
  parameters?: Record<string, InferParameter>;
  contents?: TensorContents | null;
}

export interface RequestedOutput {
  name: string;
  parameters?: Record<string, InferParameter>;
}

export interface ModelInferRequest {
  model_name: string;
  model_version?: string;
  id?: string;
  parameters?: Record<string, InferParameter>;
  inputs: InferTensor[];
  outputs?: RequestedOutput[];
  raw_input_contents?: Buffer[];
}

export interface ModelInferResponse {
  model_name: string;
  model_version: string;
  id?: string;
  parameters?: Record<string, InferParameter>;
  outputs: InferTensor[];
  raw_output_contents?: Buffer[];
}

export interface ModelStreamInferResponse {
  /** Empty: it went well. */
  error_message: string;
  /** After an error only its `id` is set, if at all. */
  infer_response: ModelInferResponse | null;
}

export interface TensorMetadata {
  name: string;
  datatype: string;
  shape: number[];
}

export interface ModelMetadataResponse {
  name: string;
  versions: string[];
  platform: string;
  inputs: TensorMetadata[];
  outputs: TensorMetadata[];
}

export interface ServerMetadataResponse {
  name: string;
  version: string;
  extensions: string[];
}

export interface ModelConfigMessage {
  name: string;
  platform: string;
  backend: string;
  max_batch_size: number;
  input: { name: string; data_type: string; dims: number[] }[];
  output: { name: string; data_type: string; dims: number[]; label_filename: string }[];
  default_model_filename: string;
  parameters: Record<string, { string_value: string }>;
  version_policy: { latest: { num_versions: number } } | null;
  instance_group: { name: string; kind: string; count: number }[];
  dynamic_batching: {
    preferred_batch_size: number[];
    max_queue_delay_microseconds: number;
    preserve_ordering: boolean;
  } | null;
  ensemble_scheduling: {
    step: {
      model_name: string;
      model_version: number;
      input_map: Record<string, string>;
      output_map: Record<string, string>;
    }[];
  } | null;
}

export interface ModelIndex {
  name: string;
  version: string;
  state: string;
  reason: string;
}

export interface ModelName {
  name: string;
  version?: string;
}

/** Nanoseconds, cumulative. */
export interface StatisticDuration {
  count: number;
  ns: number;
}

export interface ModelStatistics {
  name: string;
  version: string;
  /** Milliseconds since the epoch. */
  last_inference: number;
  inference_count: number;
  execution_count: number;
  inference_stats: Record<
    | 'success'
    | 'fail'
    | 'queue'
    | 'compute_input'
    | 'compute_infer'
    | 'compute_output'
    | 'cache_hit'
    | 'cache_miss',
    StatisticDuration
  >;
  /** One row for every size of batch that was run. */
  batch_stats: ({ batch_size: number } & Record<
    'compute_input' | 'compute_infer' | 'compute_output',
    StatisticDuration
  >)[];
}

export interface RepositoryChange {
  model_name: string;
  parameters?: Record<string, { bool_param?: boolean; string_param?: string; bytes_param?: Buffer }>;
}
