/** What all pages of ours have in common on the server: their files, ready for a browser, and what a browser is held to. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';

/** Sent with everything: a page runs its own modules and styles, talks to its own server, and is shown in no frame. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // No text ever becomes HTML; the browser holds the page to it.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** Modules for the browser that pages share, from the folder of the services; pages import them relatively. */
export const BROWSER_MODULES = ['pages/browser/elements.ts'] as const;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/javascript; charset=utf-8',
};

export interface PageFile {
  readonly type: string;
  readonly text: string;
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

/** @returns a file as a browser takes it, TypeScript as a plain module; null: no page is made of such files. */
export function readPageFile(path: string): PageFile | null {
  const extension = extname(path);
  const type = TYPES[extension];
  if (!type) return null;
  const text = readFileSync(path, 'utf8');
  return { type, text: extension === '.ts' ? strip(text) : text };
}
