/** The page's files, read once. TypeScript loses its types here, so that the browser gets plain modules. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { BROWSER_MODULES, readPageFile } from '../../pages/src/served.ts';

const PAGE = join(import.meta.dirname, '..', 'page');

const SERVICES = join(PAGE, '..', '..');

/**
 * Modules of others that the page runs too: pure, and without imports but of each other. To the browser they are where
 * the page's own imports, relative as they are, lead from its root. The image copies them by name.
 */
export const SHARED = [
  ...BROWSER_MODULES,
  'router-controller/src/decide/choose/by-label.ts',
  'router-controller/src/replay/log-line.ts',
  'router-controller/src/replay/shares.ts',
  'router-controller/src/replay/sums.ts',
  'router-controller/src/settle/price.ts',
] as const;

export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly etag: string;
}

/** @returns every file that may be asked for, by its path. What is not in here does not exist. */
export function loadAssets(folder = PAGE): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  const add = (path: string, file: string) => {
    const read = readPageFile(file);
    if (!read) return;
    const bytes = Buffer.from(read.text);
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`;
    assets.set(path, { type: read.type, bytes, etag });
  };
  for (const name of readdirSync(folder)) add(name === 'index.html' ? '/' : `/${name}`, join(folder, name));
  for (const name of SHARED) add(`/${name}`, join(SERVICES, name));
  return assets;
}

export function sendAsset(
  request: IncomingMessage,
  response: ServerResponse,
  { type, bytes, etag }: Asset,
): void {
  const headers = { etag, 'cache-control': 'no-cache' };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, 'content-type': type, 'content-length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}
