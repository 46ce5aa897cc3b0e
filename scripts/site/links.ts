/** Links of pages as they hold in the site: to pages, to files that are shown as pages, to pictures. */
import { basename, dirname, join, normalize } from 'node:path';
import { sitePath } from './pages.ts';

/** What a link leads to, beside pages; they are staged too. */
export interface Linked {
  /** Text files, shown as a page each. */
  readonly files: Set<string>;
  /** Folders, shown as a list. */
  readonly folders: Set<string>;
  /** Pictures, copied. */
  readonly pictures: Set<string>;
}

const PICTURE = /\.(?:svg|png|jpg|gif|webp)$/;

/** Where a file that is no page is shown. */
export const filePage = (source: string): string => `files/${source}.md`;
export const folderPage = (folder: string): string => join(sitePath(`${folder}/x`), '..', 'index.md');
export const pictureOf = (source: string): string => `pictures/${source}`;

/**
 * @param source the page that links.
 * @param linked gathers what has to be there for it.
 * @param isFolder whether a path of the repository is a folder.
 * @returns the link as it holds in the site; a link to another host, or within the page, as it is.
 */
export function siteLink(
  source: string,
  link: string,
  linked: Linked,
  isFolder: (path: string) => boolean,
): string {
  if (/^(?:[a-z]+:|#|\/\/)/.test(link)) return link;
  const [path, heading] = link.split('#') as [string, string?];
  const hash = heading === undefined ? '' : `#${heading}`;
  const target = normalize(join(dirname(source), path)).replace(/\/$/, '');
  if (isFolder(target)) {
    linked.folders.add(target);
    return `/${folderPage(target)}${hash}`;
  }
  if (target.endsWith('.md')) return `/${sitePath(target)}${hash}`;
  if (PICTURE.test(target)) {
    linked.pictures.add(target);
    return `/${pictureOf(target)}`;
  }
  linked.files.add(target);
  return `/${filePage(target)}`;
}

const FENCE = /^(?:```|~~~).*?^(?:```|~~~)$/gms;
const COMMENT = /<!--[\s\S]*?-->\n*/g;
const LINK = /\]\(([^)\s]+)\)/g;

/** A page's text with its links as they hold in the site, without comments to those who edit it; fences are left as they are. */
export function withSiteLinks(text: string, relink: (link: string) => string): string {
  const turned = (prose: string) =>
    prose.replaceAll(COMMENT, '').replaceAll(LINK, (_, link: string) => `](${relink(link)})`);
  let whole = '';
  let at = 0;
  for (const fence of text.matchAll(FENCE)) {
    whole += turned(text.slice(at, fence.index)) + fence[0];
    at = fence.index + fence[0].length;
  }
  return whole + turned(text.slice(at));
}

const LANGUAGES: Readonly<Record<string, string>> = {
  yaml: 'yaml',
  yml: 'yaml',
  ts: 'ts',
  mjs: 'js',
  json: 'json',
  jsonl: 'json',
  py: 'python',
  sh: 'sh',
};

/** Longest file that is shown; a reader of more wants the repository. */
const SHOWN_CHARS = 60_000;

interface Cell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly outputs?: readonly { readonly text?: string | readonly string[] }[];
}

/** A notebook as a page: its words, its code, what the code printed. */
export function notebookAsPage(text: string): string {
  const joined = (lines: string | readonly string[]) => [lines].flat().join('').trimEnd();
  const parts = (JSON.parse(text) as { cells: Cell[] }).cells.map(({ cell_type, source, outputs = [] }) => {
    if (cell_type !== 'code') return joined(source);
    const printed = joined(outputs.map(({ text: lines = '' }) => [lines].flat().join('')));
    const shown = printed === '' ? '' : `\n\n\`\`\`text\n${printed}\n\`\`\``;
    return `\`\`\`python\n${joined(source)}\n\`\`\`${shown}`;
  });
  return `${parts.join('\n\n')}\n`;
}

/** A text file as a page. */
export function fileAsPage(source: string, text: string): string {
  const language = /Dockerfile$/.test(source)
    ? 'dockerfile'
    : (LANGUAGES[source.split('.').at(-1)!] ?? 'txt');
  const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  const cut = text.length > SHOWN_CHARS ? '\n\nOnly its beginning is shown here.' : '';
  return `# ${basename(source)}\n\n\`${source}\` of the repository.${cut}\n\n${fence}${language}\n${text.slice(0, SHOWN_CHARS).trimEnd()}\n${fence}\n`;
}
