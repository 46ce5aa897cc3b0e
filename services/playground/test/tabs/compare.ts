/** Side by side. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { CODE, facts } from '../reader.ts';
import type { Opened } from './opened.ts';

/** Asks both sides and waits until both have ended in whatever way. */
export async function compare(page: Page, prompt: string): Promise<void> {
  await page.getByLabel('Prompt for both').fill(prompt);
  await page.getByRole('button', { name: 'Ask both' }).click();
  await page.getByRole('button', { name: 'Ask both' }).waitFor();
  await page.locator('.lanes .answer:not(.waiting)').nth(1).waitFor();
}

export function sideBySide({ open, scene }: Opened): void {
  test('a policy and a model answer one prompt, each with its decision, times, tokens and cost', async () => {
    const page = await open('Side by side');
    await page.getByLabel('Left', { exact: true }).selectOption({ label: 'task_router' });
    await page
      .getByLabel('Right', { exact: true })
      .selectOption({ label: 'meta/llama-3.1-8b-instruct (llama-8b)' });
    await compare(page, CODE);
    const [left, right] = await Promise.all(
      ['Left answer', 'Right answer'].map((name) =>
        facts(page.getByRole('region', { name }).locator('.facts')),
      ),
    );
    assert.deepEqual(
      [left!.Model, left!.Reason, right!.Model, right!.Reason],
      ['deepseek-ai/deepseek-r1', 'classified', 'meta/llama-3.1-8b-instruct', 'manual'],
    );
    for (const told of [left!, right!]) {
      assert.match(told['First token']!, /^[\d.]+ m?s$/);
      assert.match(told.Took!, /^[\d.]+ m?s$/);
      assert.match(told.Tokens!, /^8 in, \d+ out$/);
      assert.match(told.Cost!, /^\$0\.000\d+$/);
    }
    assert.equal(left!.Saved, undefined, 'nothing is dearer');
    assert.match(right!.Saved!, /^\$0\.000\d+ against deepseek-ai\/deepseek-r1$/);
    assert.match(
      (await page.locator('#compare-verdict').textContent())!,
      /^meta\/llama-3\.1-8b-instruct \(llama-8b\) cost \$0\.000\d+ less \(9\d %\)\.$/,
    );
    const sent = scene().whole.llms.seen.slice(-2);
    assert.ok(sent.every(({ body }) => body.stream === true));
  });

  test('both are stopped together, and an error of one leaves the other', async () => {
    const page = await open('Side by side');
    await page.getByLabel('Prompt for both').fill('hang please');
    await page.getByLabel('Prompt for both').press('Enter');
    await page.locator('.lanes .answer.waiting .said', { hasText: 'This is a' }).nth(1).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.lanes .hint', { hasText: 'Stopped.' }).nth(1).waitFor();
    await page.route('**/v1/chat/completions', (route) =>
      route.request().postData()!.includes('complexity_router')
        ? route.fulfill({ status: 503, json: { error: { message: 'Nobody is there', code: 'x' } } })
        : route.continue(),
    );
    await compare(page, CODE);
    assert.match(
      (await page.getByRole('region', { name: 'Left answer' }).textContent())!,
      /This is a stand-in/,
    );
    const alert = page.getByRole('region', { name: 'Right answer' }).getByRole('alert');
    assert.match((await alert.textContent())!, /^Nobody is there/);
  });
}
