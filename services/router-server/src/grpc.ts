/** KServe v2 over gRPC. */
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import {
  type InferTensor,
  kserveService,
  MAX_MESSAGE_BYTES,
  type ModelInferRequest,
  type ModelName,
  type RepositoryChange,
} from '@llm-router/protos';
import { describeConfig, describeModel, SERVER } from './describe.ts';
import { errorText, InferError } from './errors.ts';
import { checkMessage } from './grpc-bounds.ts';
import { type InputTensor, infer } from './infer.ts';
import { InferStreams } from './infer-stream.ts';
import { addressOfPeer, type Management } from './management.ts';
import type { Repository } from './repository.ts';
import { checkLoad, checkUnload } from './repository-request.ts';
import { fromRaw, toRaw } from './tensor-bytes.ts';

function inputOf(tensor: InferTensor, raw: Buffer | undefined): InputTensor {
  const { name, datatype, shape, contents } = tensor;
  const where = `input '${name}'`;
  if (raw !== undefined) return { name, datatype, shape, data: fromRaw(name, datatype, shape, raw) };
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

async function modelInfer(
  repository: Repository,
  { request, ...call }: { request: ModelInferRequest; signal: AbortSignal },
): Promise<object> {
  const answer = await infer(repository, {
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
    raw_output_contents: answer.outputs.map(toRaw),
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
      .then(() => {
        if (call.request instanceof InferError) throw call.request;
        return run(call.request, controller.signal, call.getPeer());
      })
      .then(
        (response) => callback(null, response),
        (error: unknown) => {
          const code = error instanceof InferError ? status[error.code] : status.INTERNAL;
          callback({ code, details: errorText(error) });
        },
      );
  };
}

/** The service, each request of which is looked over before it is decoded. */
const bounded = (service: ServiceDefinition): ServiceDefinition =>
  Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      {
        ...method,
        requestDeserialize: (wire: Buffer) => {
          try {
            checkMessage(wire);
          } catch (error) {
            // Thrown here it would reach the client without its words.
            return error;
          }
          return method.requestDeserialize(wire);
        },
      },
    ]),
  );

export async function serveGrpc(
  repository: Repository,
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
  const modelInferOf = (request: ModelInferRequest, signal: AbortSignal) =>
    modelInfer(repository, { request, signal });
  const streams = new InferStreams(modelInferOf);
  const handlers: UntypedServiceImplementation = {
    ServerLive: unary(() => ({ live: true })),
    ServerReady: unary(() => ({ ready: repository.index().some((row) => row.state === 'READY') })),
    ModelReady: unary(({ name, version }: ModelName) => ({ ready: ready(name, version) })),
    ServerMetadata: unary(() => SERVER),
    ModelMetadata: unary(({ name, version }: ModelName) => describeModel(repository.get(name, version))),
    ModelConfig: unary(({ name, version }: ModelName) => ({
      config: describeConfig(repository.get(name, version)),
    })),
    ModelInfer: unary(modelInferOf),
    ModelStreamInfer: streams.handler,
    ModelStatistics: unary(({ name, version }: ModelName) => {
      const models = name ? [repository.get(name, version)] : repository.all();
      return {
        model_stats: models.map((model) => model.counts.tell(model.config.name, model.version)),
      };
    }),
    RepositoryIndex: unary(({ ready: only }: { ready?: boolean }) => ({
      models: repository.index().filter((row) => !only || row.state === 'READY'),
    })),
    RepositoryModelLoad: unary(async ({ model_name, parameters }: RepositoryChange, _signal, peer) => {
      management.check(addressOfPeer(peer));
      checkLoad(model_name, parameters);
      await repository.load(model_name);
      return {};
    }),
    RepositoryModelUnload: unary(async ({ model_name, parameters }: RepositoryChange, _signal, peer) => {
      management.check(addressOfPeer(peer));
      const wish = parameters?.unload_dependents;
      await repository.unload(
        model_name,
        checkUnload(model_name, wish && { unload_dependents: wish.bool_param }),
      );
      return {};
    }),
  };
  server.addService(bounded(kserveService), handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
        streams.close();
      }),
    force: () => server.forceShutdown(),
  };
}
