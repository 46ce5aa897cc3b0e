/** Whether and where traces go. The library is loaded only when they do. */
import { NO_TRACING, type Tracing } from './spans.ts';

export interface TracingSettings {
  /** Base URL of an OTLP receiver. */
  readonly endpoint?: string | undefined;
  /** What spans are sent by; undefined: as OpenTelemetry's variables say. */
  readonly protocol?: 'http/json' | 'http/protobuf' | 'grpc' | undefined;
  readonly sample_ratio: number;
  readonly service_name: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The settings in force: OpenTelemetry's own variables count where the file says nothing. */
export function isTraced({ endpoint }: Pick<TracingSettings, 'endpoint'>, env: Env): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return false;
  return Boolean(endpoint || env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
}

/** @param onError told when spans can't be delivered; they are given up then, and requests never wait for them. */
export async function createTracing(
  settings: TracingSettings,
  version: string,
  onError: (message: string) => void,
  env: Env = process.env,
): Promise<Tracing> {
  if (!isTraced(settings, env)) return NO_TRACING;
  const { startTracing } = await import('./otel.ts');
  return startTracing(
    { ...settings, service_name: env.OTEL_SERVICE_NAME ?? settings.service_name },
    version,
    onError,
    env,
  );
}
