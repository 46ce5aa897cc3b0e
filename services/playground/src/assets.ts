/** The page's files, read once. TypeScript loses its types here, so that the browser gets plain modules. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { extname, join } from 'node:path';

const PAGE = join(import.meta.dirname, '..', 'page');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/javascript; charset=utf-8',
};

export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Types become blanks, so lines and columns stay what they are in the source. */
function strip(source: string): string {
  const { emitWarning } = process;
  // Node warns once that the function is experimental; an operator can do nothing with that.
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** @returns every file that may be asked for, by its path. What is not in here does not exist. */
export function loadAssets(folder = PAGE): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(folder)) {
    const extension = extname(name);
    const type = TYPES[extension];
    if (!type) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    const bytes = Buffer.from(extension === '.ts' ? strip(text) : text);
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`;
    assets.set(name === 'index.html' ? '/' : `/${name}`, { type, bytes, etag });
  }
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
