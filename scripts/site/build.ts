/** The documentation as a site, in docs/.site. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../parts/lib.ts';
import { stageSite } from './stage.ts';

/** Beside docs/package.json, so that VitePress is found from there. */
const STAGE = join(ROOT, 'docs/.site-pages');
const PORT = 4173;
export const SITE = join(ROOT, 'docs/.site');

export interface SiteOptions {
  /** Path under which it will be served, with slashes around. */
  readonly base?: string;
  readonly outDir?: string;
}

/** VitePress is no dependency of the workspace's root, so it is found where docs/package.json has it. */
const vitepress = () => import('../../docs/node_modules/vitepress/dist/node/index.js');

/**
 * Builds pages that have been laid out.
 *
 * @throws Error when a link leads nowhere; VitePress has told which.
 */
export async function buildStaged(stage: string, { base = '/', outDir = SITE }: SiteOptions): Promise<void> {
  // VitePress' spinner takes away as many lines as its text fills, without end where a terminal says that it has no columns.
  if (process.stderr.isTTY && !process.stderr.columns) process.env.CI ??= 'true';
  const { build } = await vitepress();
  await build(stage, { base, outDir });
}

/** @returns how many pages were built. */
export async function buildSite({
  stage = STAGE,
  outDir = SITE,
  ...options
}: SiteOptions & { readonly stage?: string } = {}): Promise<number> {
  stageSite(stage);
  await buildStaged(stage, { ...options, outDir });
  return globSync('**/*.html', { cwd: outDir }).length;
}

/** Serves what was built, until the process ends. */
export async function serveSite(): Promise<void> {
  const { serve } = await vitepress();
  await serve({ root: STAGE, port: PORT });
}
