/** Takes a body's bytes off the socket: unpacked, counted and bounded while they come. */
import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { decoders } from '../codings.ts';
import { abortError, RouterError } from '../errors.ts';
import type { Held } from './budget.ts';

export interface ReadBounds {
  /** Most bytes of a body, unpacked. */
  readonly bodyBytes: number;
  /** Most times that a packed body may grow; told by what came so far. */
  readonly inflateRatio: number;
  /** Longest silence of the client while it sends, ms. */
  readonly idleMs: number;
}

/** Growth that is nobody's business: small bodies of equal letters pack well. */
const FREE_INFLATED = 256 * 1024;

const DECODERS: Readonly<Record<string, () => Transform>> = decoders();

function decoderFor(message: IncomingMessage): Transform | null {
  const encoding = String(message.headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase();
  if (encoding === 'identity' || encoding === '') return null;
  const make = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (make) return make();
  throw new RouterError(
    'unsupported_media_type',
    `content-encoding '${encoding.slice(0, 40)}' is not known here; send the body unencoded, or as gzip, deflate, br or zstd`,
  );
}

const tooLarge = (limit: number) =>
  new RouterError('request_too_large', `The body is larger than ${limit} bytes (server.body_limit_bytes)`);

/**
 * Reads to the end and hands every piece on as it comes.
 *
 * @param held takes each piece's bytes; the caller gives them back.
 * @param onChunk sees the unpacked bytes in order; what it throws ends the reading.
 * @throws RouterError request_too_large, unsupported_media_type, invalid_request (packed bytes that are none),
 * request_timeout, overloaded, client_closed_request
 */
export function readBody(
  message: IncomingMessage,
  bounds: ReadBounds,
  held: Held,
  signal: AbortSignal,
  onChunk: (chunk: Buffer) => void,
): Promise<void> {
  const declared = Number(message.headers['content-length'] ?? 0);
  const decoder = decoderFor(message);
  if (!decoder && declared > bounds.bodyBytes) throw tooLarge(bounds.bodyBytes);
  return new Promise<void>((resolve, reject) => {
    const source = decoder ?? message;
    let packed = 0;
    let size = 0;
    let timer: NodeJS.Timeout | undefined;
    const quiet = () => end(new RouterError('request_timeout', idleText(bounds.idleMs)));
    const onPacked = (chunk: Buffer) => {
      packed += chunk.length;
      timer?.refresh();
    };
    const onData = (chunk: Buffer) => {
      try {
        size += chunk.length;
        if (size > bounds.bodyBytes) throw tooLarge(bounds.bodyBytes);
        if (decoder && size > FREE_INFLATED && size > packed * bounds.inflateRatio) {
          throw new RouterError(
            'request_too_large',
            `The packed body grows more than ${bounds.inflateRatio} times (server.body_inflate_ratio)`,
          );
        }
        held.take(chunk.length);
        onChunk(chunk);
      } catch (error) {
        end(error as Error);
      }
    };
    const onEnd = () => {
      if (!decoder && !message.complete) onClose();
      else end(null);
    };
    const onClose = () => {
      if (!message.complete) end(abortError(signal, 'it was being received'));
    };
    const onAbort = () => end(abortError(signal, 'it was being received'));
    const onError = onClose;
    const onBadPacking = (error: NodeJS.ErrnoException) =>
      end(new RouterError('invalid_request', `The body can’t be unpacked: ${error.code ?? error.message}`));
    function end(error: Error | null): void {
      clearTimeout(timer);
      message.off('data', onPacked).off('close', onClose).off('error', onError);
      source.off('data', onData).off('end', onEnd);
      signal.removeEventListener('abort', onAbort);
      if (decoder) {
        message.unpipe(decoder);
        decoder
          .off('error', onBadPacking)
          .on('error', () => {})
          .destroy();
      }
      // A client that goes on sending must not make an error event that nobody hears.
      message.on('error', () => {});
      if (error) {
        message.pause();
        reject(error);
      } else resolve();
    }
    if (signal.aborted) return end(abortError(signal, 'it was being received'));
    if (bounds.idleMs > 0) timer = setTimeout(quiet, bounds.idleMs);
    signal.addEventListener('abort', onAbort, { once: true });
    message.on('close', onClose).on('error', onError).on('data', onPacked);
    source.on('data', onData).on('end', onEnd);
    if (decoder) {
      decoder.on('error', onBadPacking);
      message.pipe(decoder);
    }
  });
}

const idleText = (ms: number) =>
  `The body stopped coming: nothing for ${ms} ms (server.body_idle_timeout_ms)`;
