/** Every tab for all: by keyboard, under axe's rules, in light and dark, and no wider than a phone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { checkAccessible } from '../axe.ts';
import { ask, CODE, openTab } from '../reader.ts';
import { bring, CSV } from './batch.ts';
import { compare } from './compare.ts';
import type { Opened } from './opened.ts';

/** Each tab with something on it. */
const FILLED: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  Chat: async (page) => {
    const turn = await ask(page, CODE);
    await turn.getByRole('button', { name: 'Why?' }).click();
    await page.getByRole('table', { name: /All labels/ }).waitFor();
  },
  'Side by side': async (page) => {
    await compare(page, CODE);
  },
  Batch: async (page) => {
    await bring(page, 'prompts.csv', CSV);
    await page.getByRole('button', { name: 'Ask about every row' }).click();
    await page.locator('#batch-state', { hasText: 'Done' }).waitFor();
  },
};

const VISITS = [
  ['light', { width: 1280, height: 800 }],
  ['dark', { width: 1280, height: 800, dark: true }],
  ['phone', { width: 360, height: 740 }],
] as const;

export function everybody({ open, visit }: Opened): void {
  for (const [name, options] of VISITS)
    test(`every tab is sound under axe and no wider than the screen (${name})`, async () => {
      const page = await open('Chat', options);
      for (const [tab, fill] of Object.entries(FILLED)) {
        await openTab(page, tab);
        await checkAccessible(page, `${tab}, empty, ${name}`);
        await fill(page);
        await checkAccessible(page, `${tab}, ${name}`);
      }
      assert.deepEqual(visit().complaints, []);
    });

  test('arrows move among the tabs, and the address remembers which one is open', async () => {
    const page = await open('Chat');
    await page.getByRole('tab', { name: 'Chat' }).focus();
    await page.keyboard.press('ArrowRight');
    const second = Object.keys(FILLED)[1]!;
    assert.equal(await page.locator(':focus').textContent(), second);
    assert.ok(await page.getByRole('main', { name: second }).isVisible());
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.locator(':focus').textContent(), 'Chat');
    await page.keyboard.press('ArrowLeft');
    const last = Object.keys(FILLED).at(-1)!;
    await page.reload();
    await page.locator('.router.up').waitFor();
    assert.ok(await page.getByRole('main', { name: last }).isVisible());
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator(':focus').getAttribute('class'), 'bench');
  });
}
