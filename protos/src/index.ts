/** KServe v2: the service definition, a typed client, and tensor codecs. */
import { fileURLToPath } from 'node:url';
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  type ClientDuplexStream,
  type ClientUnaryCall,
  credentials,
  loadPackageDefinition,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type {
  ModelConfigMessage,
  ModelIndex,
  ModelInferRequest,
  ModelInferResponse,
  ModelMetadataResponse,
  ModelName,
  ModelStatistics,
  ModelStreamInferResponse,
  RepositoryChange,
  ServerMetadataResponse,
} from './messages.ts';

export type * from './messages.ts';
export * from './tensors.ts';

const PROTO_FILE = fileURLToPath(new URL('../kserve_v2.proto', import.meta.url));

type Unary<Request, Response> = (
  request: Request,
  options: CallOptions,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** The client; every call wants options with a deadline, because grpc-js may wait for ever without one. */
export interface KServeClient {
  ServerLive: Unary<object, { live: boolean }>;
  ServerReady: Unary<object, { ready: boolean }>;
  ModelReady: Unary<ModelName, { ready: boolean }>;
  ServerMetadata: Unary<object, ServerMetadataResponse>;
  ModelMetadata: Unary<ModelName, ModelMetadataResponse>;
  ModelInfer: Unary<ModelInferRequest, ModelInferResponse>;
  /** One call, many requests; answers carry their request's id. No deadline: who opens it ends it. */
  ModelStreamInfer(options?: CallOptions): ClientDuplexStream<ModelInferRequest, ModelStreamInferResponse>;
  ModelConfig: Unary<ModelName, { config: ModelConfigMessage }>;
  ModelStatistics: Unary<Partial<ModelName>, { model_stats: ModelStatistics[] }>;
  RepositoryIndex: Unary<{ ready?: boolean }, { models: ModelIndex[] }>;
  RepositoryModelLoad: Unary<RepositoryChange, object>;
  RepositoryModelUnload: Unary<RepositoryChange, object>;
  close(): void;
}

interface ServiceConstructor {
  new (address: string, creds: ChannelCredentials, options?: ChannelOptions): KServeClient;
  readonly service: ServiceDefinition;
}

const definition = loadSync(PROTO_FILE, {
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});
const loaded = loadPackageDefinition(definition) as unknown as {
  inference: { GRPCInferenceService: ServiceConstructor };
};
const Service = loaded.inference.GRPCInferenceService;

/** For servers: `server.addService(kserveService, handlers)`. */
export const kserveService: ServiceDefinition = Service.service;

/** Prompts are text, but batches and other models' tensors may be large. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * One long-lived channel with keepalive; a name that resolves to several addresses (a headless service) is balanced
 * over all of them.
 *
 * @param address host:port, or any gRPC target such as `dns:///router-server:8001`.
 * @param channel absent: in clear. Channels of the same object share connections.
 */
export function createKServeClient(
  address: string,
  options: ChannelOptions = {},
  channel: ChannelCredentials = credentials.createInsecure(),
): KServeClient {
  return new Service(address, channel, {
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    // By default a name is looked up again after 30 s at the earliest: a new pod's address would be missed that long.
    'grpc.dns_min_time_between_resolutions_ms': 1_000,
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 800,
    ...options,
  });
}
