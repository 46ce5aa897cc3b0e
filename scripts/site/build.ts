/** `npm run docs:site [-- --serve] [--base /PATH/]`: the documentation as a site, in docs/.site. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../parts/lib.ts';
import { stageSite } from './stage.ts';

/** Beside docs/package.json, so that VitePress is found from there. */
const STAGE = join(ROOT, 'docs/.site-pages');
export const SITE = join(ROOT, 'docs/.site');

export interface SiteOptions {
  /** Path under which it will be served, with slashes around. */
  readonly base?: string;
  readonly outDir?: string;
  readonly stage?: string;
}

/**
 * @returns how many pages were built.
 * @throws Error when a link leads nowhere; VitePress has told which.
 */
export async function buildSite({ base = '/', outDir = SITE, stage = STAGE }: SiteOptions = {}): Promise<number> {
  stageSite(stage);
  const { build } = await import('../../docs/node_modules/vitepress/dist/node/index.js');
  await build(stage, { base, outDir });
  return globSync('**/*.html', { cwd: outDir }).length;
}

/** Serves what was built, until the process ends. */
export async function serveSite(): Promise<void> {
  const { serve } = await import('../../docs/node_modules/vitepress/dist/node/index.js');
  await serve({ root: STAGE, port: 4173 });
}
