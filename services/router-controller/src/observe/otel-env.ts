/** OpenTelemetry's own variables that its parts leave to whoever puts them together. */
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';

type Env = Readonly<Record<string, string | undefined>>;

const SAMPLERS: Readonly<Record<string, (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
};

/**
 * OTEL_TRACES_SAMPLER with OTEL_TRACES_SAMPLER_ARG, else the file's ratio under the caller's own choice.
 *
 * @param ratio 0…1, also where a sampler by ratio is asked for without one.
 * @param tell hears of a value that means nothing; the file's ratio stands then, as the specification wants.
 */
export function samplerFrom(env: Env, ratio: number, tell: (message: string) => void): Sampler {
  const fromFile = () => SAMPLERS.parentbased_traceidratio!(ratio);
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
  return SAMPLERS[name]!(share);
}

/** Tells of a protocol that spans are not sent by: a receiver of another one takes none of them. */
export function checkProtocol(env: Env, tell: (message: string) => void): void {
  for (const name of ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']) {
    const protocol = env[name];
    if (!protocol) continue;
    if (!protocol.startsWith('http/'))
      tell(
        `${name}=${protocol}: spans are sent by OTLP over HTTP all the same; name the receiver’s HTTP port (4318 by custom)`,
      );
    return;
  }
}
