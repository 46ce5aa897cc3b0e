/** Which pages the site has, what they are called, and in which order a reader meets them. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ROOT } from '../parts/lib.ts';

/** A page: where it lies in the repository, and where in the site. */
export interface Page {
  readonly source: string;
  /** Without a slash in front, with `.md`. */
  readonly path: string;
  readonly title: string;
}

export interface Section {
  readonly text: string;
  /** Pages by their source; a `*` stands for the rest of a folder, by name. One that is not there is passed over. */
  readonly pages: readonly string[];
  readonly closed?: boolean;
}

/** The order of the sidebar. What no line names is found by links and by search. */
export const SECTIONS: readonly Section[] = [
  { text: 'Begin', pages: ['docs/tutorials/first-minute.md', 'README.md'] },
  { text: 'Tutorials', pages: ['docs/tutorials/your-own-policy.md', 'docs/tutorials/*'] },
  {
    text: 'How to',
    pages: [
      'docs/how-to/agents-and-sdks.md',
      'docs/how-to/route-real-traffic.md',
      'docs/how-to/keys-limits-and-budgets.md',
      'docs/how-to/*',
      'deploy/helm/llm-router/README.md',
      'deploy/docker/README.md',
    ],
  },
  { text: 'Examples', pages: ['examples/README.md', 'examples/*/README.md'], closed: true },
  {
    text: 'Reference',
    pages: [
      'docs/reference/configuration.md',
      'docs/reference/cli.md',
      'docs/reference/http-api.md',
      'docs/reference/admin-api.md',
      'docs/reference/metrics.md',
      'docs/reference/errors.md',
      'docs/reference/dialects.md',
      'docs/reference/chart-values.md',
      'docs/reference/*',
      'services/trainer/MODEL_CARD.md',
    ],
  },
  {
    text: 'Explanation',
    pages: [
      'docs/explanation/how-a-decision-is-made.md',
      'docs/explanation/what-it-is-worth.md',
      'docs/explanation/compared.md',
      'docs/explanation/architecture.md',
      'docs/explanation/*',
      'docs/security.md',
    ],
  },
  { text: 'Runbooks', pages: ['docs/runbooks/*'], closed: true },
  { text: 'Measurements', pages: ['docs/measurements/*'], closed: true },
  { text: 'Decisions', pages: ['docs/decisions/*'], closed: true },
  {
    text: 'Work on it',
    pages: ['CONTRIBUTING.md', 'CHANGELOG.md', 'services/*/README.md'],
    closed: true,
  },
];

/** Where a file of the repository stands in the site: docs/ is its root, a README is its folder's page. */
export function sitePath(source: string): string {
  if (source === 'README.md') return 'overview.md';
  const path = source.replace(/^docs\//, '');
  return basename(path) === 'README.md' ? join(dirname(path), 'index.md') : path;
}

export const titleOf = (text: string, otherwise: string): string =>
  /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? otherwise;

/** @param tracked paths of the repository. Templates and what GitHub shows by itself are no pages. */
export function pagesOf(tracked: readonly string[]): Map<string, Page> {
  const pages = tracked
    .filter((path) => path.endsWith('.md') && !/^\.|_template\.md$/.test(path))
    .filter((path) => existsSync(join(ROOT, path)))
    .map((source) => ({
      source,
      path: sitePath(source),
      title: titleOf(readFileSync(join(ROOT, source), 'utf8'), source),
    }));
  return new Map(pages.map((page) => [page.source, page]));
}

export interface SidebarItem {
  readonly text: string;
  readonly link?: string;
  readonly items?: readonly SidebarItem[];
  readonly collapsed?: boolean;
}

const matches = (pattern: string, source: string) =>
  new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`).test(source);

/** The sidebar: each page once, in the first place that names it. */
export function sidebarOf(pages: ReadonlyMap<string, Page>): SidebarItem[] {
  const placed = new Set<string>();
  return SECTIONS.map(({ text, pages: patterns, closed }) => {
    const items = patterns.flatMap((pattern) =>
      [...pages.values()]
        .filter(({ source }) => !placed.has(source) && matches(pattern, source))
        .map(({ source, path, title }) => {
          placed.add(source);
          return { text: title, link: `/${path.replace(/(?:index)?\.md$/, '')}` };
        }),
    );
    return { text, items, ...(closed && { collapsed: true }) };
  }).filter(({ items }) => items.length > 0);
}
