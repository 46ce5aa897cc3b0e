/** Receivers of spans, for tests: OTLP over gRPC and over HTTP with protobuf, and what arrived with them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  type handleUnaryCall,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServiceClientConstructor,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

interface Request {
  readonly resourceSpans: {
    readonly resource: { readonly attributes: { key: string; value: { stringValue?: string } }[] };
    readonly scopeSpans: { readonly spans: { name: string; traceId: Buffer }[] }[];
  }[];
}

export interface Received {
  /** Names of the spans. */
  readonly spans: string[];
  /** Of the last batch. */
  resource: Record<string, string | undefined>;
  headers: Record<string, string | undefined>;
  /** Of HTTP alone: grpc-js keeps it to itself. */
  encoding: string | undefined;
}

export interface Receiver extends Received {
  /** Host and port. */
  readonly address: string;
  readonly close: () => Promise<void>;
}

const definition = loadSync(join(import.meta.dirname, 'otlp-trace.proto'));
const loaded = loadPackageDefinition(definition) as unknown as {
  opentelemetry: { proto: { collector: { trace: { v1: { TraceService: ServiceClientConstructor } } } } };
};
const { service } = loaded.opentelemetry.proto.collector.trace.v1.TraceService;
const nothing = (): Received => ({ spans: [], resource: {}, headers: {}, encoding: undefined });

function take(received: Received, { resourceSpans }: Request): void {
  for (const { resource, scopeSpans } of resourceSpans) {
    received.resource = Object.fromEntries(
      resource.attributes.map(({ key, value }) => [key, value.stringValue]),
    );
    for (const { spans } of scopeSpans) received.spans.push(...spans.map(({ name }) => name));
  }
}

/** @param tls with it the receiver asks for a certificate that the authority has signed. */
export async function grpcReceiver(tls?: { ca: string; cert: string; key: string }): Promise<Receiver> {
  const received = nothing();
  const server = new Server({
    interceptors: [
      (_method, call) =>
        new ServerInterceptingCall(call, {
          start: (next) =>
            next({
              onReceiveMetadata: (metadata, onward) => {
                received.headers = metadata.getMap() as Record<string, string>;
                onward(metadata);
              },
            }),
        }),
    ],
  });
  server.addService(service, {
    Export: ((call, answer) => {
      try {
        take(received, call.request);
        answer(null, {});
      } catch (error) {
        answer({ code: status.INTERNAL, details: String(error) });
      }
    }) satisfies handleUnaryCall<Request, object>,
  });
  const credentials = tls
    ? ServerCredentials.createSsl(
        Buffer.from(tls.ca),
        [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }],
        true,
      )
    : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return Object.assign(received, {
    address: `127.0.0.1:${port}`,
    close: async () => server.forceShutdown(),
  });
}

/** OTLP over HTTP with protobuf bodies, which only protobuf's decoder understands. */
export async function protobufReceiver(): Promise<Receiver> {
  const received = nothing();
  const { Export } = service;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    received.headers = request.headers as Record<string, string>;
    received.encoding = request.headers['content-encoding'];
    if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf') {
      response.writeHead(415).end();
      return;
    }
    take(
      received,
      Export!.requestDeserialize(received.encoding === 'gzip' ? gunzipSync(body) : body) as Request,
    );
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(received, {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  });
}
