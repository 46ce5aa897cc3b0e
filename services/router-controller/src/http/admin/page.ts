/** The admin page's files, read once. They hold nothing of anybody's, so they are sent without a token. */
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname, join } from 'node:path';
import type { Express, Response } from 'express';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'admin-page');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
};

/** The page runs its own modules and styles, talks to this server, and is shown in no frame. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // No text ever becomes HTML; the browser holds the page to it.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

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

/** `GET /admin` and what it is made of, below `/admin/page/`. To be called before the token is asked for. */
export function addPageRoutes(app: Express): void {
  const files = new Map(
    readdirSync(FOLDER)
      .filter((name) => TYPES[extname(name)] !== undefined)
      .map((name) => {
        const text = readFileSync(join(FOLDER, name), 'utf8');
        return [
          name,
          { type: TYPES[extname(name)]!, text: name.endsWith('.ts') ? strip(text) : text },
        ] as const;
      }),
  );
  const send = (response: Response, next: () => void, name: string) => {
    const file = files.get(name);
    if (!file) next();
    else response.set({ ...HEADERS, 'content-type': file.type }).end(file.text);
  };
  app.get(['/', '/admin'], (_request, response, next) => send(response, next, 'index.html'));
  app.get('/admin/page/:name', (request, response, next) =>
    send(response, next, String(request.params.name)),
  );
}
