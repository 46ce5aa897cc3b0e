/** What a reader of the page does and sees. */
import type { Page } from 'playwright-core';

/** A prompt that is plainly for one label. */
export const CODE = 'Write a Python function that reverses a list';

/** Sends a prompt and waits until its answer has ended in whatever way. */
export async function ask(page: Page, prompt: string) {
  const turns = page.locator('.turn');
  const count = await turns.count();
  await page.getByLabel('Your message').fill(prompt);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  const turn = turns.nth(count);
  await turn.locator('.answer:not(.waiting)').waitFor();
  return turn;
}

/** Opens a tab by its name. */
export async function openTab(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name }).click();
  await page.getByRole('main', { name }).waitFor();
}

/** The terms and values of a description list. */
export async function facts(list: ReturnType<Page['locator']>): Promise<Record<string, string>> {
  const terms = await list.locator('dt').allTextContents();
  const values = await list.locator('dd').allTextContents();
  return Object.fromEntries(terms.map((term, index) => [term, values[index]!]));
}
