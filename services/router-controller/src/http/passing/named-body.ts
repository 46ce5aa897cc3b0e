/** A body that is passed on: its model, as far as that is needed to choose the target, and its bytes. */

import { Readable } from 'node:stream';
import type { Request, Response } from 'express';
import type { RouterConfig } from '../../config/types.ts';
import { RouterError } from '../../errors.ts';
import { type Held, readBody, scan, splice, valueBytes } from '../../receive/index.ts';
import { boundsOf, invite, isJson } from '../body.ts';
import { boundaryOf, FormReader, onlyModel } from './form.ts';

export interface NamedBody {
  /** Null: the body names none. */
  readonly model: string | null;
  /** Bytes of text that a model reads, for estimates. */
  readonly textBytes: number;
  /** What goes upstream, with this model in it; null: as it came. */
  readonly under: (model: string | null) => {
    readonly body: Buffer | Readable | null;
    readonly length: number | null;
  };
}

const NONE: NamedBody = { model: null, textBytes: 0, under: () => ({ body: null, length: null }) };

/** Of a form whose target is known without it, how much is looked at for the model's name. */
const PEEK_BYTES = 64 * 1024;

const lengthOf = ({ headers }: Request) => {
  const length = Number(headers['content-length']);
  return headers['content-length'] !== undefined && Number.isSafeInteger(length) ? length : null;
};

/**
 * @param wanted false: one target takes it whatever the model, so nothing is held back to find it.
 * @param bound the key is bound to models or policies: a body whose model could be read otherwise upstream is refused.
 * @throws RouterError as readBody does; request_too_large past passthrough.max_bytes
 */
export async function namedBody(
  request: Request,
  response: Response,
  config: RouterConfig,
  held: Held,
  signal: AbortSignal,
  wanted: boolean,
  bound: boolean,
): Promise<NamedBody> {
  const length = lengthOf(request);
  if (length === 0 || (length === null && request.headers['transfer-encoding'] === undefined)) return NONE;
  const max = config.file.passthrough.max_bytes;
  if (length !== null && length > max) throw tooLarge(max);
  invite(request, response);
  const type = String(request.headers['content-type'] ?? '');
  if (isJson(type)) return jsonBody(request, config, held, signal);
  const packed = !/^(?:identity)?$/i.test(String(request.headers['content-encoding'] ?? '').trim());
  const boundary = !packed && /^multipart\/form-data\b/i.test(type) ? boundaryOf(type) : null;
  if (boundary === null && bound) throw unreadable();
  const source = bounded(request, max);
  if (boundary !== null && bound)
    return boundForm(source, boundary, held, config.file.server.body_limit_bytes);
  if (boundary === null) return { ...NONE, under: () => ({ body: Readable.from(source), length }) };
  return formBody(
    source,
    new FormReader(boundary),
    length,
    held,
    wanted ? config.file.server.body_limit_bytes : PEEK_BYTES,
  );
}

const unreadable = () =>
  new RouterError(
    'unsupported_media_type',
    'This key is bound to models, so a body must tell its model plainly: send application/json or an unpacked multipart/form-data',
  );

/** A form of a bound key, held whole. */
async function boundForm(
  source: AsyncGenerator<Buffer>,
  boundary: string,
  held: Held,
  limit: number,
): Promise<NamedBody> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of source) {
    held.take(piece.length);
    size += piece.length;
    if (size > limit) {
      throw new RouterError(
        'request_too_large',
        `A form of a key that is bound to models may have ${limit} bytes (server.body_limit_bytes)`,
      );
    }
    pieces.push(piece);
  }
  const bytes = Buffer.concat(pieces);
  const field = onlyModel(bytes, boundary);
  if (field === 'unclear') {
    throw new RouterError(
      'invalid_request',
      'The form must name its model once, in a plain part, and end whole',
      {
        param: 'model',
      },
    );
  }
  const model = field && bytes.toString('utf8', field.start, field.end);
  return {
    model: model === '' ? null : model,
    textBytes: 0,
    under: (name) => {
      if (name === null || !field) return { body: bytes, length: bytes.length };
      const put = Buffer.concat([
        bytes.subarray(0, field.start),
        Buffer.from(name),
        bytes.subarray(field.end),
      ]);
      return { body: put, length: put.length };
    },
  };
}

const tooLarge = (max: number) =>
  new RouterError('request_too_large', `The body is larger than ${max} bytes (passthrough.max_bytes)`);

async function* bounded(request: Request, max: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > max) throw tooLarge(max);
    yield chunk as Buffer;
  }
}

async function jsonBody(
  request: Request,
  config: RouterConfig,
  held: Held,
  signal: AbortSignal,
): Promise<NamedBody> {
  const chunks: Buffer[] = [];
  await readBody(request, boundsOf(config), held, signal, (chunk) => void chunks.push(chunk));
  const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  // What is returned keeps this scope, and the pieces would stand beside the whole.
  chunks.length = 0;
  const layout = scan(bytes, boundsOf(config));
  const name = layout.rootStart < 0 ? null : valueBytes(bytes, layout, 'model');
  return {
    model: name && textOf(name),
    textBytes: bytes.length,
    under: (model) => {
      const put = model !== null && layout.rootStart >= 0;
      const body = put ? splice(bytes, layout, { model: JSON.stringify(model) }) : bytes;
      return { body, length: body.length };
    },
  };
}

function textOf(value: Buffer): string | null {
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    return typeof parsed === 'string' && parsed !== '' ? parsed : null;
  } catch {
    return null;
  }
}

async function formBody(
  source: AsyncGenerator<Buffer>,
  form: FormReader,
  length: number | null,
  held: Held,
  limit: number,
): Promise<NamedBody> {
  let begun = Buffer.alloc(0);
  let field = null;
  let pieces: Buffer[] = [];
  let waiting = 0;
  let ended = false;
  while (!field && !ended && begun.length + waiting < limit) {
    const { value, done } = await source.next();
    ended = done === true;
    if (value) {
      held.take(value.length);
      pieces.push(value);
      waiting += value.length;
    }
    // What was held doubles from look to look, so that joining it stays linear.
    if (!ended && waiting < begun.length) continue;
    begun = Buffer.concat([begun, ...pieces]);
    pieces = [];
    waiting = 0;
    field = form.find(begun);
  }
  if (waiting > 0) begun = Buffer.concat([begun, ...pieces]);
  const model = field && begun.toString('utf8', field.start, field.end);
  return {
    model: model === '' ? null : model,
    textBytes: 0,
    under: (name) => {
      let head = begun;
      if (name !== null && field)
        head = Buffer.concat([begun.subarray(0, field.start), Buffer.from(name), begun.subarray(field.end)]);
      else if (name !== null) head = Buffer.concat([form.part('model', name), begun]);
      const all = length === null ? null : length + head.length - begun.length;
      return { body: Readable.from(joined(head, source)), length: all };
    },
  };
}

async function* joined(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}
