/** Lays out what VitePress builds: pages in the site's order, their links turned, files and pictures that they link to. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../parts/lib.ts';
import {
  fileAsPage,
  filePage,
  folderPage,
  type Linked,
  notebookAsPage,
  pictureOf,
  siteLink,
  withSiteLinks,
} from './links.ts';
import { type Page, pagesOf, sidebarOf } from './pages.ts';

/** Files that git knows or would take: a new page shows before it is committed. */
const listed = (): string[] =>
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
    .split('\0')
    .filter((path) => path !== '');

const isFolder = (path: string) =>
  statSync(join(ROOT, path), { throwIfNoEntry: false })?.isDirectory() === true;

function folderAsPage(folder: string, files: readonly string[], pages: ReadonlyMap<string, Page>): string {
  const inside = files.filter((path) => path.startsWith(`${folder}/`));
  const own = inside.filter((path) => dirname(path) === folder);
  const lines = (own.length > 0 ? own : inside).map((path) => {
    const page = pages.get(path);
    return page ? `- [${page.title}](/${page.path})` : `- \`${path}\``;
  });
  return `# ${folder.replace(/^docs\//, '')}\n\n${lines.join('\n')}\n`;
}

/**
 * @param stage folder, made anew.
 * @returns how many pages there are.
 * @throws Error naming a page that links to a file that is not there.
 */
export function stageSite(stage: string): number {
  rmSync(stage, { recursive: true, force: true });
  const files = listed();
  const pages = pagesOf(files);
  const linked: Linked = { files: new Set(), folders: new Set(), pictures: new Set() };
  const write = (path: string, text: string) => {
    const file = join(stage, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const relinked = (source: string, text: string) =>
    withSiteLinks(text, (link) => siteLink(source, link, linked, isFolder));
  for (const { source, path } of pages.values()) {
    write(path, relinked(source, readFileSync(join(ROOT, source), 'utf8')));
  }
  const missing = [...linked.files, ...linked.pictures].filter((path) => !existsSync(join(ROOT, path)));
  if (missing.length > 0) throw new Error(`pages link to what is not there: ${missing.join(', ')}`);
  for (const source of linked.files) {
    const text = readFileSync(join(ROOT, source), 'utf8');
    const isNotebook = source.endsWith('.ipynb');
    write(filePage(source), isNotebook ? relinked(source, notebookAsPage(text)) : fileAsPage(source, text));
  }
  for (const folder of linked.folders)
    if (!existsSync(join(stage, folderPage(folder))))
      write(folderPage(folder), folderAsPage(folder, files, pages));
  for (const source of linked.pictures) {
    const file = join(stage, 'public', pictureOf(source));
    mkdirSync(dirname(file), { recursive: true });
    cpSync(join(ROOT, source), file);
  }
  mkdirSync(join(stage, 'public'), { recursive: true });
  cpSync(join(ROOT, 'services/playground/page/favicon.svg'), join(stage, 'public/favicon.svg'));
  cpSync(join(ROOT, 'docs/.vitepress'), join(stage, '.vitepress'), { recursive: true });
  write('.vitepress/sidebar.json', JSON.stringify(sidebarOf(pages)));
  return pages.size + linked.files.size + linked.folders.size;
}
