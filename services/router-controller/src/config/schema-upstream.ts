/** How upstreams are called, for all targets alike. */
import { z } from 'zod';

const ms = (what: string, value: number) => z.int().min(1).default(value).describe(`${what}, milliseconds`);

export const upstreamSchema = z.strictObject({
  breaker_failures: z
    .int()
    .min(1)
    .default(5)
    .describe('Failures in a row after which a target rests behind its circuit breaker'),
  breaker_open_ms: ms(
    'First rest of a target before one request probes it; doubles while probes fail',
    2_000,
  ),
  breaker_open_max_ms: ms('Longest rest between probes', 30_000),
  bad_key_rest_ms: ms('How long a target that refuses our key, or is out of credit, is asked last', 60_000),
  retry_first_ms: ms('Pause before the first retry of a target; doubles, with full jitter', 100),
  retry_max_ms: ms('Longest pause of our own; an upstream’s Retry-After may ask for more', 5_000),
  opening_hold_ms: ms(
    'How long a stream’s headers wait for the first content once the upstream has sent comments or a role; they name the model that answers, unless they have to go before that is known',
    500,
  ),
  held_body_bytes: z
    .int()
    .min(1024)
    .default(2 * 1024 * 1024)
    .describe(
      'Plain answers up to this size are held whole before a byte goes out, so that a cut one can fall back',
    ),
  max_header_bytes: z
    .int()
    .min(4096)
    .default(64 * 1024)
    .describe('Longest response headers taken from an upstream'),
  connection_max_age_ms: ms(
    'A connection takes new requests so long: then new ones are made, which ask DNS again',
    300_000,
  ),
  pending_ms: ms(
    'How long an answer that is pending (202 of NVIDIA Cloud Functions) is polled for while another target could answer; alone it is the first-byte limit',
    10_000,
  ),
  connections_per_target: z.int().min(1).default(1024).describe('Connections to one target at once'),
});
