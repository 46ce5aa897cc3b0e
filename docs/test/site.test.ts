/** The documentation's site: what is built, that it asks nobody else for anything, and how it reads on a phone. */
import assert from 'node:assert/strict';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM_ARGS, setupChromium } from '../../scripts/parts/chromium.ts';
import { ROOT } from '../../scripts/parts/lib.ts';
import { buildSite, buildStaged } from '../../scripts/site/build.ts';

const AXE = join(ROOT, 'docs/node_modules/axe-core/axe.min.js');
const STAGE = join(ROOT, 'docs/.site-pages-test');
const SITE = mkdtempSync(join(tmpdir(), 'llm-router-site-'));
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

let server: Server;
let url: string;
let browser: Browser;
before(async () => {
  await buildSite({ outDir: SITE, stage: STAGE });
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    const file = [pathname, `${pathname}.html`, join(pathname, 'index.html')]
      .map((path) => join(SITE, decodeURIComponent(path)))
      .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
    response.writeHead(file ? 200 : 404, { 'content-type': TYPES[extname(file ?? '')] ?? 'text/plain' });
    response.end(file ? readFileSync(file) : '');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await chromium.launch({
    executablePath: await setupChromium(),
    args: CHROMIUM_ARGS,
  });
});
after(async () => {
  await browser?.close();
  server?.close();
  for (const folder of [SITE, STAGE]) rmSync(folder, { recursive: true, force: true });
});

const pages = () => globSync('**/*.html', { cwd: SITE });
const read = (page: string) => readFileSync(join(SITE, page), 'utf8');
const attributes = (html: string, name: string) =>
  [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value]) =>
    value!.replaceAll('&amp;', '&'),
  );

describe('what is built', () => {
  test('every link of every page leads to a page and a heading that are there', () => {
    const ids = new Map(pages().map((page) => [page, new Set(attributes(read(page), 'id'))]));
    assert.ok(ids.size > 100, `${ids.size} pages`);
    const broken = pages().flatMap((page) =>
      attributes(read(page), 'href')
        .filter((link) => !/^(?:[a-z]+:|\/\/)/.test(link))
        .filter((link) => {
          const { pathname, hash } = new URL(link, `http://x/${page}`);
          const path = decodeURIComponent(pathname).slice(1);
          const file = [path, `${path}.html`, join(path, 'index.html')].find((each) => ids.has(each));
          if (!file) return !existsSync(join(SITE, path)) || path === '';
          return hash !== '' && !ids.get(file)!.has(decodeURIComponent(hash.slice(1)));
        })
        .map((link) => `${page}: ${link}`),
    );
    assert.deepEqual([...new Set(broken)], []);
  });

  test('nothing that a page loads comes from another host', () => {
    for (const page of pages()) {
      const html = read(page).replaceAll(/<a [^>]*>/g, '');
      for (const link of [...attributes(html, 'href'), ...attributes(html, 'src')])
        assert.ok(!/^(?:https?:)?\/\//.test(link), `${page} loads ${link}`);
    }
    for (const style of globSync('**/*.css', { cwd: SITE }))
      assert.doesNotMatch(read(style), /url\(["']?(?:https?:)?\/\/|@import|@font-face/, style);
  });

  test('pages stand in the order in which a reader meets them', () => {
    const sidebar = JSON.parse(readFileSync(join(STAGE, '.vitepress/sidebar.json'), 'utf8')) as {
      text: string;
      items: { text: string; link: string }[];
    }[];
    assert.deepEqual(
      sidebar.slice(0, 6).map(({ text }) => text),
      ['Begin', 'Tutorials', 'How to', 'Examples', 'Reference', 'Explanation'],
    );
    assert.equal(sidebar[0]!.items[0]!.link, '/tutorials/first-minute');
    const links = sidebar.flatMap(({ items }) => items.map(({ link }) => link));
    assert.equal(new Set(links).size, links.length);
    // A new page of these folders has a place by itself.
    for (const page of globSync('docs/{tutorials,how-to,reference,explanation}/*.md', { cwd: ROOT }))
      assert.ok(links.includes(page.replace(/^docs(.*)\.md$/, '$1')), `${page} is not in the sidebar`);
  });

  test('a link that leads nowhere fails the build', async () => {
    const stage = `${STAGE}-dead`;
    const put = (path: string, text: string) => {
      mkdirSync(dirname(join(stage, path)), { recursive: true });
      writeFileSync(join(stage, path), text);
    };
    put('index.md', '# One page\n\n[nowhere](/no-such-page.md)\n');
    put('.vitepress/config.mjs', readFileSync(join(STAGE, '.vitepress/config.mjs'), 'utf8'));
    put('.vitepress/sidebar.json', '[]');
    try {
      await assert.rejects(buildStaged(stage, { outDir: join(stage, 'out') }), /dead link/i);
    } finally {
      rmSync(stage, { recursive: true, force: true });
    }
  });
});

describe('in a browser', () => {
  for (const [device, dark] of [
    ['light', false],
    ['dark', true],
  ] as const)
    for (const path of [
      '/',
      '/reference/configuration',
      '/explanation/compared',
      '/explanation/architecture',
    ])
      test(`${path} on a phone, ${device}: nothing wider than the screen, axe finds nothing, nobody else is asked`, async () => {
        const context = await browser.newContext({
          viewport: { width: 360, height: 740 },
          colorScheme: dark ? 'dark' : 'light',
        });
        try {
          const page = await context.newPage();
          const complaints: string[] = [];
          page.on('console', (message) => {
            if (message.type() === 'error') complaints.push(message.text());
          });
          page.on('pageerror', (error) => complaints.push(String(error)));
          page.on('request', (request) => {
            if (!request.url().startsWith(url) && !request.url().startsWith('data:'))
              complaints.push(`asked for ${request.url()}`);
          });
          await page.goto(url + path, { waitUntil: 'networkidle' });
          const [content, screen, isDark] = (await page.evaluate(
            '[document.documentElement.scrollWidth, innerWidth, document.documentElement.classList.contains("dark")]',
          )) as [number, number, boolean];
          assert.ok(content <= screen, `${content} px on ${screen}`);
          assert.equal(isDark, dark);
          await page.addScriptTag({ path: AXE });
          const { violations } = (await page.evaluate('axe.run()')) as {
            violations: { id: string; nodes: { html: string; any: { message: string }[] }[] }[];
          };
          assert.deepEqual(
            violations.map(
              ({ id, nodes }) =>
                `${id}: ${nodes
                  .slice(0, 3)
                  .map(({ html }) => html.slice(0, 200))
                  .join(' | ')}`,
            ),
            [],
          );
          assert.deepEqual(complaints, []);
        } finally {
          await context.close();
        }
      });

  test('search finds a setting by its name, without asking anybody', async () => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    const others: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) others.push(request.url());
    });
    await page.goto(url, { waitUntil: 'networkidle' });
    await page.locator('.VPNavBarSearch button').first().click();
    await page.locator('#localsearch-input').fill('second_look');
    await page.locator('.VPLocalSearchBox .result').first().waitFor();
    const results = await page.locator('.VPLocalSearchBox .result').allTextContents();
    assert.match(results.join('\n'), /Configuration|Route real traffic/);
    assert.deepEqual(others, []);
    await page.close();
  });
});
