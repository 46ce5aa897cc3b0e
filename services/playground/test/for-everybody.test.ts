/** The page for all: by keyboard, to screen readers, on small screens; and no browser gets the router's key. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { eventually } from '../../router-controller/test/harness.ts';
import { ask, CODE } from './reader.ts';
import { BrowserScene, KEY, type Visit, type VisitOptions } from './scene.ts';

let scene: BrowserScene;
let visit: Visit;
before(async () => {
  scene = await BrowserScene.start();
});
after(() => scene.stop());
afterEach(async () => {
  assert.deepEqual(visit.complaints, [], 'errors in the console');
  await visit.page.context().close();
});

async function open(options?: VisitOptions): Promise<Page> {
  visit = await scene.visit(options);
  return visit.page;
}

describe('for everybody', () => {
  test('it works by keyboard alone', async () => {
    const page = await open();
    await page.keyboard.press('Tab');
    assert.equal(await page.locator(':focus').textContent(), 'Skip to the prompt');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator(':focus').getAttribute('id'), 'prompt');
    await page.keyboard.type('hang please');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('now');
    assert.equal(await page.getByLabel('Your message').inputValue(), 'hang please\nnow');
    await page.keyboard.press('Enter');
    await page.locator('.answer.waiting .said', { hasText: 'This is a' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Stopped.').waitFor();
    await page.locator('#announce', { hasText: 'Stopped' }).waitFor({ state: 'attached' });
  });

  test('every control has a name, and headings and landmarks are in place', async () => {
    const page = await open();
    const turn = await ask(page, CODE);
    await turn.getByRole('button', { name: 'Why?' }).click();
    await page.getByRole('table', { name: /All labels/ }).waitFor();
    const tree = await page.locator('body').ariaSnapshot();
    const controls = tree
      .split('\n')
      .filter((line) => /^\s*- '?(button|textbox|combobox|slider|radio|checkbox|link)\b/.test(line));
    assert.ok(controls.length >= 20, tree);
    for (const line of controls)
      assert.match(line, /^\s*- '?\w+ "[^"]+/, `a control without a name: ${line}`);
    for (const landmark of ['banner', 'main', 'complementary "Settings"', 'complementary "Why"', 'status'])
      assert.match(tree, new RegExp(`- ${landmark}`));
    assert.match(tree, /- heading "LLM Router Playground" \[level=1\]/);
    // The answer is told to those who can't see it.
    await page.locator('#announce', { hasText: 'Decision: Code Generation' }).waitFor({ state: 'attached' });
  });

  for (const [name, options] of [
    ['a phone', { width: 360, height: 740 }],
    ['a tablet in the dark', { width: 900, height: 1100, dark: true }],
    ['a desk in the dark', { dark: true }],
  ] as const) {
    test(`on ${name} nothing is wider than the screen, and the prompt is within reach`, async () => {
      const page = await open(options);
      const turn = await ask(page, `${CODE} ${'averylongwordwithoutanyspace'.repeat(10)}`);
      await turn.getByRole('button', { name: 'Why?' }).click();
      await page.getByRole('table', { name: /All labels/ }).waitFor();
      const [content, screen] = (await page.evaluate(
        '[document.documentElement.scrollWidth, innerWidth]',
      )) as [number, number];
      assert.ok(content <= screen, `${content} px on ${screen}`);
      await page.evaluate('scrollTo(0, 0)');
      const box = (await page.getByLabel('Your message').boundingBox())!;
      const height = page.viewportSize()!.height;
      assert.ok(box.y >= 0 && box.y + box.height <= height, `the prompt is at ${box.y} of ${height}`);
    });
  }
});

test('the router’s key never reaches the browser', async () => {
  const page = await open();
  await ask(page, CODE);
  await ask(page, 'refuse please');
  await page.getByLabel('Your message').fill(CODE);
  await page.getByRole('button', { name: 'Explain', exact: true }).click();
  await page.getByRole('table', { name: /All labels/ }).waitFor();
  let received = '';
  await eventually('everything is received', async () => {
    received = await visit.received();
    return received.includes('default_policy');
  });
  assert.match(received, /x-llm-router-label/);
  assert.ok(!received.includes(KEY));
  // It was needed: the router serves nobody without it.
  assert.equal((await fetch(`${scene.whole.url}/config`)).status, 401);
});
