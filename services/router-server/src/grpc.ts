/** KServe v2 over gRPC. */
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import {
  decodeBytes,
  decodeNumbers,
  encodeBytes,
  encodeNumbers,
  type InferTensor,
  kserveService,
  MAX_MESSAGE_BYTES,
  type ModelInferRequest,
  type ModelName,
} from '@llm-router/protos';
import { describeConfig, describeModel, SERVER } from './describe.ts';
import { errorText, InferError } from './errors.ts';
import { type InputTensor, infer } from './infer.ts';
import { addressOfPeer, type Management } from './management.ts';
import type { ServerMetrics } from './metrics.ts';
import type { Repository } from './repository.ts';
import { statisticsOf } from './statistics.ts';
import type { Tensor, TensorData } from './tensor.ts';

/** INT64 stays exact: a hash or an id does not fit a double. */
function numbersOf(datatype: string, raw: Buffer): TensorData {
  if (datatype === 'INT64' && raw.length % 8 === 0)
    return BigInt64Array.from({ length: raw.length / 8 }, (_, i) => raw.readBigInt64LE(i * 8));
  const values = decodeNumbers(datatype, raw);
  if (datatype === 'FP32') return Float32Array.from(values);
  return datatype === 'INT32' ? Int32Array.from(values) : BigInt64Array.from(values, BigInt);
}

function inputOf(tensor: InferTensor, raw: Buffer | undefined): InputTensor {
  const { name, datatype, shape, contents } = tensor;
  const where = `input '${name}'`;
  try {
    if (raw !== undefined) {
      return {
        name,
        datatype,
        shape,
        data: datatype === 'BYTES' ? decodeBytes(raw) : numbersOf(datatype, raw),
      };
    }
  } catch (error) {
    throw new InferError('INVALID_ARGUMENT', `${where}: ${(error as Error).message}`);
  }
  if (datatype === 'BYTES') return { name, datatype, shape, data: contents?.bytes_contents ?? [] };
  if (datatype === 'FP32')
    return { name, datatype, shape, data: Float32Array.from(contents?.fp32_contents ?? []) };
  if (datatype === 'INT32')
    return { name, datatype, shape, data: Int32Array.from(contents?.int_contents ?? []) };
  if (datatype === 'INT64')
    return { name, datatype, shape, data: BigInt64Array.from(contents?.int64_contents ?? [], BigInt) };
  throw new InferError('INVALID_ARGUMENT', `${where}: datatype ${datatype} is not served here`);
}

export function inputsOf(request: ModelInferRequest): InputTensor[] {
  const raw = request.raw_input_contents ?? [];
  if (raw.length > 0 && raw.length !== request.inputs.length) {
    throw new InferError(
      'INVALID_ARGUMENT',
      `${raw.length} raw_input_contents for ${request.inputs.length} inputs; give one for each, or typed contents for all`,
    );
  }
  return request.inputs.map((tensor, index) => inputOf(tensor, raw.length > 0 ? raw[index] : undefined));
}

function encode({ datatype, data }: Tensor): Buffer {
  if (datatype === 'BYTES') return encodeBytes(data as Buffer[]);
  if (datatype !== 'INT64') return encodeNumbers(datatype, data as Float32Array);
  const raw = Buffer.allocUnsafe(data.length * 8);
  for (const [i, value] of (data as BigInt64Array).entries()) raw.writeBigInt64LE(value, i * 8);
  return raw;
}

async function modelInfer(
  repository: Repository,
  metrics: ServerMetrics,
  { request, ...call }: { request: ModelInferRequest; signal: AbortSignal },
): Promise<object> {
  const answer = await infer(repository, metrics, {
    model: request.model_name,
    version: request.model_version ?? '',
    inputs: inputsOf(request),
    outputs: (request.outputs ?? []).map(({ name, parameters }) => {
      const wish = parameters?.classification;
      return { name, classification: Number(wish?.int64_param ?? wish?.uint64_param ?? 0) };
    }),
    signal: call.signal,
  });
  return {
    model_name: answer.model.config.name,
    model_version: answer.model.version,
    id: request.id ?? '',
    outputs: answer.outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    raw_output_contents: answer.outputs.map(encode),
  };
}

/** Turns an async function into a handler: errors become statuses, the client's leaving a signal. */
function unary<Request>(
  run: (request: Request, signal: AbortSignal, peer: string) => Promise<object> | object,
): handleUnaryCall<Request, object> {
  return (call: ServerUnaryCall<Request, object>, callback) => {
    const controller = new AbortController();
    call.on('cancelled', () => controller.abort());
    Promise.resolve()
      .then(() => run(call.request, controller.signal, call.getPeer()))
      .then(
        (response) => callback(null, response),
        (error: unknown) => {
          const code = error instanceof InferError ? status[error.code] : status.INTERNAL;
          callback({ code, details: errorText(error) });
        },
      );
  };
}

export async function serveGrpc(
  repository: Repository,
  metrics: ServerMetrics,
  management: Management,
  address: string,
): Promise<{ port: number; close: () => Promise<void>; force: () => void }> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
  const ready = (name: string, version?: string) => {
    try {
      repository.get(name, version);
      return true;
    } catch {
      return false;
    }
  };
  const handlers: UntypedServiceImplementation = {
    ServerLive: unary(() => ({ live: true })),
    ServerReady: unary(() => ({ ready: repository.index().some((row) => row.state === 'READY') })),
    ModelReady: unary(({ name, version }: ModelName) => ({ ready: ready(name, version) })),
    ServerMetadata: unary(() => SERVER),
    ModelMetadata: unary(({ name, version }: ModelName) => describeModel(repository.get(name, version))),
    ModelConfig: unary(({ name, version }: ModelName) => ({
      config: describeConfig(repository.get(name, version)),
    })),
    ModelInfer: unary((request: ModelInferRequest, signal) =>
      modelInfer(repository, metrics, { request, signal }),
    ),
    ModelStatistics: unary(async ({ name, version }: ModelName) => {
      const models = name
        ? [repository.get(name, version)]
        : repository
            .index()
            .filter((row) => row.state === 'READY')
            .map((row) => repository.get(row.name));
      return { model_stats: await Promise.all(models.map((model) => statisticsOf(model, metrics))) };
    }),
    RepositoryIndex: unary(({ ready: only }: { ready?: boolean }) => ({
      models: repository.index().filter((row) => !only || row.state === 'READY'),
    })),
    RepositoryModelLoad: unary(async ({ model_name }: { model_name: string }, _signal, peer) => {
      management.check(addressOfPeer(peer));
      await repository.load(model_name);
      return {};
    }),
    RepositoryModelUnload: unary(async ({ model_name }: { model_name: string }, _signal, peer) => {
      management.check(addressOfPeer(peer));
      await repository.unload(model_name);
      return {};
    }),
  };
  server.addService(kserveService, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    force: () => server.forceShutdown(),
  };
}
