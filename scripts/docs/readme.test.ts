/** A reader of the README finds every command, and no page of the repository links to one that is not there. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../parts/lib.ts';

const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

test('every command of package.json stands in the README, and none that is not one', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const readme = read('README.md');
  const told = new Set(
    [...readme.matchAll(/npm (?:run ([a-z:-]+)|(start|test)\b)/g)].map(([, run, short]) => run ?? short),
  );
  assert.deepEqual([...told].sort(), Object.keys(scripts).sort());
});

test('links between pages lead somewhere, and so do their headings', () => {
  // A template's links hold from where it is written to.
  const pages = globSync('**/*.md', {
    cwd: ROOT,
    exclude: (name) => /^(node_modules|\.cache|\.git)$|_template\.md$/.test(String(name)),
  });
  assert.ok(pages.length > 30);
  const headings = (page: string) =>
    [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, words]) =>
      words!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  const broken = pages.flatMap((page) =>
    [
      ...read(page)
        .replaceAll(/^```.*?^```$/gms, '')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ]
      .map(([, link]) => link!)
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path, heading] = link.split('#') as [string, string?];
        const target = path ? join(dirname(page), path) : page;
        if (!existsSync(join(ROOT, target))) return true;
        return heading !== undefined && !headings(target).includes(heading);
      })
      .map((link) => `${page}: ${link}`),
  );
  assert.deepEqual(broken, []);
});
