import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileAsPage, type Linked, notebookAsPage, siteLink, withSiteLinks } from './links.ts';
import { sitePath } from './pages.ts';

const none = (): Linked => ({ files: new Set(), folders: new Set(), pictures: new Set() });
const isFolder = (path: string) => path === 'docs/decisions';

test('links hold in the site: pages, READMEs, folders, pictures, files; those to elsewhere stay', () => {
  const linked = none();
  const turn = (link: string) => siteLink('docs/how-to/a.md', link, linked, isFolder);
  assert.equal(turn('b.md#part'), '/how-to/b.md#part');
  assert.equal(turn('../../examples/README.md'), '/examples/index.md');
  assert.equal(turn('../decisions/'), '/decisions/index.md');
  assert.equal(turn('../x.svg'), '/pictures/docs/x.svg');
  assert.equal(turn('../../config/v1.yaml'), '/files/config/v1.yaml.md');
  for (const link of ['https://example.com/a.md', '#part', 'mailto:a@b.c']) assert.equal(turn(link), link);
  assert.deepEqual([...linked.files], ['config/v1.yaml']);
  assert.equal(sitePath('README.md'), 'overview.md');
});

test('fences keep what looks like a link, and comments to editors are left out', () => {
  const page = '<!-- made by x -->\n[a](b.md)\n\n```md\n[a](b.md)\n```\n[c](d.md)\n';
  assert.equal(
    withSiteLinks(page, (link) => link.toUpperCase()),
    '[a](B.MD)\n\n```md\n[a](b.md)\n```\n[c](D.MD)\n',
  );
});

test('a file with fences in it is shown whole; a notebook shows words, code and output', () => {
  assert.match(
    fileAsPage('a/b.yaml', 'x: |\n  ```\n'),
    /^# b\.yaml\n[\s\S]*````yaml\nx: \|\n {2}```\n````\n$/,
  );
  const cells = [
    { cell_type: 'markdown', source: ['# T\n', 'words'] },
    { cell_type: 'code', source: 'print(1)', outputs: [{ text: ['1\n'] }] },
  ];
  assert.equal(
    notebookAsPage(JSON.stringify({ cells })),
    '# T\nwords\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n',
  );
});
