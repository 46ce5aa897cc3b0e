/** A request's body: collected, unpacked and parsed, each within bounds that hold whatever a client sends. */
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import { InferError } from './errors.ts';

/** Bytes of one body, as sent and as unpacked. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Bytes of all bodies that are being received at one time. */
const MAX_HELD_BYTES = 4 * MAX_BODY_BYTES;
/** JSON values of one body: 64 rows of 768 numbers are 50,000. A value can take two bytes and cost a hundred. */
export const MAX_VALUES = 500_000;
const MAX_DEPTH = 32;

const bad = (message: string) => new InferError('INVALID_ARGUMENT', message);

/** Bytes held by all requests of this process. */
let held = 0;

/** How `content-encoding` is undone; Triton knows the same. */
const UNPACK = { gzip: createGunzip, deflate: createInflate } as const;

function unpacked(request: IncomingMessage): NodeJS.ReadableStream {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity' || encoding === '') return request;
  const make = Object.hasOwn(UNPACK, encoding) ? UNPACK[encoding as keyof typeof UNPACK] : null;
  if (!make)
    throw new InferError(
      'UNIMPLEMENTED',
      `content-encoding ${encoding} is not served here; send gzip, deflate or it plain`,
    );
  const stream = make();
  pipeline(request, stream, () => {});
  return stream;
}

/**
 * Collects the body, unpacked.
 *
 * @param release is given what to call when the body is not needed any more.
 * @throws InferError RESOURCE_EXHAUSTED; the rest is read and thrown away, so that the client gets to read its answer.
 */
export function readBody(request: IncomingMessage, release: (free: () => void) => void): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  const free = () => {
    held -= size;
    size = 0;
  };
  release(free);
  return new Promise((resolve, reject) => {
    const source = unpacked(request);
    let isOver = false;
    const refuse = (error: InferError) => {
      isOver = true;
      parts.length = 0;
      free();
      reject(error);
      if (source !== request) {
        (source as unknown as { destroy(): void }).destroy();
        request.resume();
      }
    };
    source.on('data', (part: Buffer) => {
      if (isOver) return;
      size += part.length;
      held += part.length;
      parts.push(part);
      if (size > MAX_BODY_BYTES)
        refuse(new InferError('RESOURCE_EXHAUSTED', `the body is larger than ${MAX_BODY_BYTES} bytes`));
      else if (held > MAX_HELD_BYTES)
        refuse(new InferError('UNAVAILABLE', 'too many large bodies at one time; try again'));
    });
    source.once('end', () => resolve(Buffer.concat(parts)));
    source.once('error', (error: Error) => {
      free();
      reject(bad(`the body can’t be unpacked: ${error.message}`));
    });
    request.once('close', () => {
      if (request.complete) return;
      free();
      reject(new InferError('CANCELLED', 'the client has gone'));
    });
  });
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];

/** Refuses what would take much more memory as values than as text. Strings are passed over; JSON.parse judges them. */
function checkValues(json: Buffer): void {
  let values = 1;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]!;
    if (byte === QUOTE) {
      for (;;) {
        at = json.indexOf(QUOTE, at + 1);
        if (at < 0) return;
        let slashes = 0;
        while (json[at - 1 - slashes] === BACKSLASH) slashes++;
        if (slashes % 2 === 0) break;
      }
    } else if (byte === COMMA) values++;
    else if (byte === 0x7b || byte === 0x5b) {
      values++;
      if (++depth > MAX_DEPTH) throw bad(`the body is nested deeper than ${MAX_DEPTH}`);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
    if (values > MAX_VALUES)
      throw new InferError(
        'RESOURCE_EXHAUSTED',
        `the body holds more than ${MAX_VALUES} JSON values; send large tensors as binary data`,
      );
  }
}

/** @param json a whole object, or nothing, which is one without fields. */
export function parseObject(json: Buffer): Record<string, unknown> {
  checkValues(json);
  const text = json.toString('utf8');
  if (text.trim() === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw bad(`the body is not JSON: ${(error as Error).message}`);
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw bad('the body must be a JSON object');
  return body as Record<string, unknown>;
}
