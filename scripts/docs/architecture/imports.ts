/** Which part of the code imports which, as the files say it. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { ROOT } from '../../parts/lib.ts';

/** `from` imports `to` in so many places. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

/** Sources without tests and what only tests use. */
const SOURCES = ['services/*/src/**/*.ts', 'protos/src/**/*.ts'];
const NOT_SHIPPED = /\.test\.ts$|testing\.ts$|fake-/;
const IMPORT = /(?:from|import)\s*\(?\s*'([^']+)'/g;
const PACKAGE = /^@llm-router\/([a-z-]+)/;

/** Folders of the workspace by the name of their package. */
const HOMES: Readonly<Record<string, string>> = { controller: 'router-controller' };

/**
 * The part that a file belongs to: a folder of the controller, which is the largest service, or a service as a whole. A
 * file that lies in the controller's root belongs to what it is used for: its name.
 */
export function partOf(path: string): string | null {
  if (path.startsWith('protos/')) return 'protos';
  const [, service, rest] = /^services\/([^/]+)\/src\/(.+)$/.exec(path) ?? [];
  // How processes end and how pages are served: what servers share, whose arrows would say nothing.
  if (!service || ['process', 'pages'].includes(service)) return null;
  if (service !== 'router-controller') return service;
  const [folder, more] = rest!.split('/');
  return more === undefined ? 'controller' : folder!;
}

/** Values that all parts speak of stand in the controller's root; an arrow to them says nothing. */
const SHARED = new Set(['request.ts', 'errors.ts', 'version.ts', 'echo.ts']);

export function arrows(
  files = globSync(SOURCES, { cwd: ROOT }).sort(),
  read = (path: string) => readFileSync(join(ROOT, path), 'utf8'),
): Arrow[] {
  const counts = new Map<string, number>();
  for (const file of files.filter((path) => !NOT_SHIPPED.test(path))) {
    const from = partOf(file);
    for (const [, name] of read(file).matchAll(IMPORT)) {
      const [, packageName] = PACKAGE.exec(name!) ?? [];
      const target = name!.startsWith('.') ? normalize(join(dirname(file), name!)) : null;
      if (target && SHARED.has(target.replace('services/router-controller/src/', ''))) continue;
      const to = packageName ? (HOMES[packageName] ? 'controller' : packageName) : target && partOf(target);
      if (from && to && from !== to) counts.set(`${from} ${to}`, (counts.get(`${from} ${to}`) ?? 0) + 1);
    }
  }
  return [...counts].map(([key, count]) => {
    const [from, to] = key.split(' ') as [string, string];
    return { from, to, count };
  });
}
