/** OpenTelemetry's own variables that its parts leave to whoever puts them together. */
import type { Sampler } from '@opentelemetry/sdk-trace';

type Env = Readonly<Record<string, string | undefined>>;

/** The part of the SDK that samples. It is given: only whoever starts traces loads the SDK. */
type Samplers = Pick<
  typeof import('@opentelemetry/sdk-trace'),
  'AlwaysOffSampler' | 'AlwaysOnSampler' | 'ParentBasedSampler' | 'TraceIdRatioBasedSampler'
>;

const SAMPLERS: Readonly<Record<string, (sdk: Samplers, ratio: number) => Sampler>> = {
  always_on: (sdk) => new sdk.AlwaysOnSampler(),
  always_off: (sdk) => new sdk.AlwaysOffSampler(),
  traceidratio: (sdk, ratio) => new sdk.TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: (sdk) => new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }),
  parentbased_always_off: (sdk) => new sdk.ParentBasedSampler({ root: new sdk.AlwaysOffSampler() }),
  parentbased_traceidratio: (sdk, ratio) =>
    new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio) }),
};

/**
 * OTEL_TRACES_SAMPLER with OTEL_TRACES_SAMPLER_ARG, else the file's ratio under the caller's own choice.
 *
 * @param ratio 0…1, also where a sampler by ratio is asked for without one.
 * @param tell hears of a value that means nothing; the file's ratio stands then, as the specification wants.
 */
export function samplerFrom(
  sdk: Samplers,
  env: Env,
  ratio: number,
  tell: (message: string) => void,
): Sampler {
  const fromFile = () => SAMPLERS.parentbased_traceidratio!(sdk, ratio);
  const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: arg } = env;
  if (!name) return fromFile();
  if (!Object.hasOwn(SAMPLERS, name)) {
    tell(
      `OTEL_TRACES_SAMPLER=${name} is none of ${Object.keys(SAMPLERS).join(', ')}; sampled as the file says`,
    );
    return fromFile();
  }
  const share = arg ? Number(arg) : ratio;
  if (name.endsWith('traceidratio') && !(share >= 0 && share <= 1)) {
    tell(`OTEL_TRACES_SAMPLER_ARG=${arg} is no number from 0 to 1; sampled as the file says`);
    return fromFile();
  }
  return SAMPLERS[name]!(sdk, share);
}

export const PROTOCOLS = ['http/json', 'http/protobuf', 'grpc'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/**
 * What spans are sent by: the file's word, else OpenTelemetry's variables, else JSON over HTTP, which every receiver takes.
 *
 * @param tell hears of a variable that names none; the next word stands then.
 */
export function protocolFrom(
  env: Env,
  file: Protocol | undefined,
  tell: (message: string) => void,
): Protocol {
  if (file) return file;
  for (const name of ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']) {
    const said = env[name]?.trim();
    if (!said) continue;
    const protocol = PROTOCOLS.find((each) => each === said);
    if (protocol) return protocol;
    tell(`${name}=${said} is none of ${PROTOCOLS.join(', ')}; spans are sent as http/json`);
    return 'http/json';
  }
  return 'http/json';
}

/** Where the variables send traces, as they stand there; null: they don't say. */
export const endpointFrom = (env: Env): string | null =>
  env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim() || env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() || null;

function numbers(env: Env, tell: (message: string) => void) {
  return (name: string): number | undefined => {
    const text = env[name]?.trim();
    if (!text) return undefined;
    const value = Number(text);
    if (Number.isInteger(value) && value > 0) return value;
    tell(`${name}=${text} is no whole number above 0; it is left out`);
    return undefined;
  };
}

/** How spans wait and go out: OTEL_BSP_…; without them a second at most. */
export function batchingFrom(env: Env, tell: (message: string) => void) {
  const number = numbers(env, tell);
  return {
    scheduledDelayMillis: number('OTEL_BSP_SCHEDULE_DELAY') ?? 1_000,
    exportTimeoutMillis: number('OTEL_BSP_EXPORT_TIMEOUT'),
    maxQueueSize: number('OTEL_BSP_MAX_QUEUE_SIZE'),
    maxExportBatchSize: number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
  };
}

/** How much a span may hold: OTEL_SPAN_…, OTEL_ATTRIBUTE_…. */
export function spanLimitsFrom(env: Env, tell: (message: string) => void) {
  const number = numbers(env, tell);
  const either = (name: string) => number(`OTEL_SPAN_${name}`) ?? number(`OTEL_${name}`);
  const given = {
    attributeValueLengthLimit: either('ATTRIBUTE_VALUE_LENGTH_LIMIT'),
    attributeCountLimit: either('ATTRIBUTE_COUNT_LIMIT'),
    eventCountLimit: number('OTEL_SPAN_EVENT_COUNT_LIMIT'),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Tells of variables that ask for what the router has not. */
export function tellOfOthers(env: Env, tell: (message: string) => void): void {
  const { OTEL_TRACES_EXPORTER: exporter, OTEL_PROPAGATORS: propagators } = env;
  if (exporter && exporter !== 'otlp') tell(`OTEL_TRACES_EXPORTER=${exporter}: spans are sent by OTLP alone`);
  if (propagators && !propagators.split(',').some((name) => name.trim() === 'tracecontext'))
    tell(`OTEL_PROPAGATORS=${propagators}: traces go on by W3C’s traceparent alone`);
}
