/** The admin page's files, read once. They hold nothing of anybody's, so they are sent without a token. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Express, Response } from 'express';
import { BROWSER_MODULES, PAGE_HEADERS, type PageFile, readPageFile } from '../../../../pages/src/served.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'admin-page');

const SERVICES = join(FOLDER, '..', '..');

const HEADERS = { ...PAGE_HEADERS, 'cache-control': 'no-store' };

/** `GET /admin` and what it is made of, below `/admin/page/`. To be called before the token is asked for. */
export function addPageRoutes(app: Express): void {
  const files = new Map<string, PageFile>();
  const add = (name: string, path: string) => {
    const file = readPageFile(path);
    if (file) files.set(name, file);
  };
  for (const name of readdirSync(FOLDER)) add(name, join(FOLDER, name));
  for (const name of BROWSER_MODULES) add(name, join(SERVICES, name));
  const send = (response: Response, next: () => void, name: string) => {
    const file = files.get(name);
    if (!file) next();
    else response.set({ ...HEADERS, 'content-type': file.type }).end(file.text);
  };
  app.get(['/', '/admin'], (_request, response, next) => send(response, next, 'index.html'));
  app.get('/admin/page/:name', (request, response, next) =>
    send(response, next, String(request.params.name)),
  );
  // Where the page's own imports, relative as they are, lead in a browser.
  for (const name of BROWSER_MODULES)
    app.get(`/${name}`, (_request, response, next) => send(response, next, name));
}
