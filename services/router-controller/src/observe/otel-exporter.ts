/** Who sends spans: OpenTelemetry's own exporters, each by the variables that it reads itself. */
import { readFileSync } from 'node:fs';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { proxyByEnv } from '../outgoing/proxy.ts';
import { endpointFrom, type Protocol } from './otel-env.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Longest try to send spans, its repetitions included, milliseconds. */
const SEND_MS = 3_000;
const TLS_FILES = { ca: 'CERTIFICATE', cert: 'CLIENT_CERTIFICATE', key: 'CLIENT_KEY' } as const;

/** The certificates that the exporter would read itself, were its connections not made by a proxy. */
function tlsFrom(env: Env, tell: (message: string) => void): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (const [option, end] of Object.entries(TLS_FILES)) {
    const path = env[`OTEL_EXPORTER_OTLP_TRACES_${end}`] || env[`OTEL_EXPORTER_OTLP_${end}`];
    if (!path) continue;
    try {
      files[option] = readFileSync(path);
    } catch (error) {
      tell(`OTEL_EXPORTER_OTLP_${end}: ${(error as Error).message}`);
    }
  }
  return files;
}

/** grpc-js knows proxies by small letters alone and asks a neighbour by them, too: it is told what holds for all that is called. */
function tellGrpcOfProxy(address: string): void {
  const url = new URL(address);
  const proxy = proxyByEnv(address);
  if (proxy === null) process.env.no_grpc_proxy ??= url.hostname;
  else process.env.grpc_proxy ??= proxy;
}

/** @param endpoint of the file; undefined: the variables say where, with OpenTelemetry's own default. */
export async function createExporter(
  protocol: Protocol,
  endpoint: string | undefined,
  env: Env,
  tell: (message: string) => void,
): Promise<SpanExporter> {
  const isTimed = env.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT || env.OTEL_EXPORTER_OTLP_TIMEOUT;
  const timeout = isTimed ? {} : { timeoutMillis: SEND_MS };
  const address = endpoint ?? endpointFrom(env) ?? '';
  const isUrl = /^https?:\/\//.test(address) && URL.canParse(address);
  if (protocol === 'grpc') {
    if (isUrl) tellGrpcOfProxy(address);
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc');
    return new OTLPTraceExporter({ ...(endpoint && { url: endpoint }), ...timeout });
  }
  const proxy = isUrl ? proxyByEnv(address) : null;
  const options = {
    ...(endpoint && { url: `${endpoint.replace(/(?<!\/)\/+$/, '')}/v1/traces` }),
    ...(proxy !== null && {
      httpAgentOptions: {
        keepAlive: true,
        proxyEnv: { http_proxy: proxy, https_proxy: proxy },
        ...tlsFrom(env, tell),
      },
    }),
    ...timeout,
  };
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter(options);
}
