/** Traces by OpenTelemetry's SDK, sent as OTLP. Imported only when tracing is on. */
import {
  type Context,
  createTraceState,
  DiagLogLevel,
  diag,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { batchingFrom, protocolFrom, samplerFrom, spanLimitsFrom, tellOfOthers } from './otel-env.ts';
import { createExporter } from './otel-exporter.ts';
import type { Headers, Span, SpanAttributes, Tracing } from './spans.ts';
import type { TracingSettings } from './tracing.ts';

/** How often the same trouble is told, milliseconds. */
const RETELL_MS = 60_000;
/** Longest wait for the last ones when the process stops. */
const CLOSE_MS = 2_000;
/** Less is the time that ending takes. */
const LATE_MS = 1;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The caller's span by its `traceparent` and `tracestate`; null: none, or none that is valid. */
function remoteParent(headers: Headers): SpanContext | null {
  const match = TRACEPARENT.exec(String(headers.traceparent ?? ''));
  if (!match || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return null;
  const { tracestate } = headers;
  return {
    traceId: match[1]!,
    spanId: match[2]!,
    traceFlags: Number.parseInt(match[3]!, 16) & 1,
    isRemote: true,
    ...(typeof tracestate === 'string' && { traceState: createTraceState(tracestate) }),
  };
}

function present(attributes: SpanAttributes): Record<string, string | number | boolean> {
  const out: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(attributes))
    if (value !== null && value !== undefined) out[key] = value;
  return out;
}

class SdkSpan implements Span {
  readonly #tracer: Tracer;
  readonly #span: OtelSpan;
  readonly #context: Context;
  #ended = false;

  constructor(tracer: Tracer, span: OtelSpan, parent: Context) {
    this.#tracer = tracer;
    this.#span = span;
    this.#context = trace.setSpan(parent, span);
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  child(name: string, attributes: SpanAttributes, kind: 'client' | 'internal' = 'internal'): Span {
    const options = {
      kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
      attributes: present(attributes),
    };
    return new SdkSpan(this.#tracer, this.#tracer.startSpan(name, options, this.#context), this.#context);
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(present(attributes));
  }

  event(name: string): void {
    this.#span.addEvent(name);
  }

  end(error: string | null = null, agoMs = 0): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error !== null) {
      this.#span.setAttribute('error.type', error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end(agoMs > LATE_MS ? new Date(Date.now() - agoMs) : undefined);
  }
}

export async function startTracing(
  { endpoint, protocol, sample_ratio, service_name }: TracingSettings,
  version: string,
  onError: (message: string) => void,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Tracing> {
  // Not at the top: what the one file imports from outside of itself is loaded with it, whoever asks for it in there.
  const { defaultResource, detectResources, envDetector, resourceFromAttributes } = await import(
    '@opentelemetry/resources'
  );
  const sdk = await import('@opentelemetry/sdk-trace');
  tellOfOthers(env, onError);
  let toldAt = Number.NEGATIVE_INFINITY;
  const tell = (message: string) => {
    if (performance.now() - toldAt < RETELL_MS) return;
    toldAt = performance.now();
    onError(message);
  };
  const nothing = () => {};
  diag.setLogger(
    { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const exporter = await createExporter(protocolFrom(env, protocol, onError), endpoint, env, onError);
  const provider = new sdk.TracerProvider({
    // Names of pod, namespace and environment come by OTEL_RESOURCE_ATTRIBUTES.
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': service_name, 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerFrom(sdk, env, sample_ratio, onError),
    // Its queue is bounded: spans that can't be sent in time are dropped.
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, ...batchingFrom(env, onError) })],
    spanLimits: spanLimitsFrom(env, onError),
  });
  const tracer = provider.getTracer('llm-router', version);
  return {
    request: (name, headers, startedAgoMs) => {
      const remote = remoteParent(headers);
      const parent = remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
      const startTime = new Date(Date.now() - startedAgoMs);
      return new SdkSpan(
        tracer,
        tracer.startSpan(name, { kind: SpanKind.SERVER, startTime }, parent),
        parent,
      );
    },
    close: async () => {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([provider.shutdown().catch((error: unknown) => tell(String(error))), late]);
      diag.disable();
    },
  };
}
