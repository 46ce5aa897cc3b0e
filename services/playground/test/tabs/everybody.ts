/** Every tab for all: by keyboard, under axe's rules, in light and dark, and no wider than a phone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { toCsv } from '../../page/csv.ts';
import { examplesFor } from '../../page/examples.ts';
import { checkAccessible } from '../axe.ts';
import { takePicture } from '../pictures.ts';
import { ask, CODE, openTab } from '../reader.ts';
import { bring } from './batch.ts';
import { attach, openExtras, picture } from './chat-parts.ts';
import { compare } from './compare.ts';
import type { Opened } from './opened.ts';

/** Some of each kind, and one that is none. */
const MANY = toCsv(
  ['prompt'],
  [
    'Code Generation',
    'Summarization',
    'Code Generation',
    'Open QA',
    'Chatbot',
    'Extraction',
    'Rewrite',
    '',
  ].flatMap((label) =>
    label === '' ? [{ prompt: ' ' }] : examplesFor([label]).map(({ text }) => ({ prompt: text })),
  ),
);

/** Each tab with something on it. */
const FILLED: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  Chat: async (page) => {
    await openExtras(page);
    await page.getByRole('button', { name: 'Example', exact: true }).click();
    await attach(page, 'square.png', await picture(page, 40, 20));
    const turn = await ask(page, CODE);
    await turn.getByLabel('Result of get_weather').waitFor();
    await turn.getByRole('button', { name: 'Why?' }).click();
    await page.getByRole('table', { name: /All labels/ }).waitFor();
  },
  'Side by side': async (page) => {
    await page
      .getByLabel('Right', { exact: true })
      .selectOption({ label: 'meta/llama-3.1-8b-instruct (llama-8b)' });
    await compare(page, CODE);
  },
  Batch: async (page) => {
    await bring(page, 'prompts.csv', MANY);
    await page.getByRole('button', { name: 'Ask about every row' }).click();
    await page.locator('#batch-state', { hasText: 'Done' }).waitFor();
  },
  'What if': async (page) => {
    await page.getByLabel('Decisions of').selectOption('batch');
    await page.getByLabel('Target of Code Generation').selectOption('llama-70b');
    await page.locator('#what-if-moved', { hasText: /^[1-9]\d* of / }).waitFor();
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
        // Empty it differs in nothing that hangs on colours or width.
        if (name === 'light') await checkAccessible(page, `${tab}, empty`);
        await fill(page);
        await checkAccessible(page, `${tab}, ${name}`);
        await takePicture(page, `${tab.toLowerCase().replaceAll(' ', '-')}-${name}`);
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
