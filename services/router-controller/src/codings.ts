/** What unpacks HTTP's content codings, for bodies of clients and answers of upstreams. */
import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';

/** RFC 9659: a window takes no more than 8 MB. */
const ZSTD = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

/**
 * By the coding's name, in small letters.
 *
 * @param options chunkSize: bytes of a piece that comes out; default: zlib's own, 16 KiB.
 */
export const decoders = (options: { readonly chunkSize?: number } = {}) =>
  ({
    gzip: () => createGunzip(options),
    'x-gzip': () => createGunzip(options),
    deflate: () => createInflate(options),
    br: () => createBrotliDecompress(options),
    zstd: () => createZstdDecompress({ ...options, ...ZSTD }),
  }) satisfies Readonly<Record<string, () => Transform>>;
