/** The batch tab. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { parseCsv } from '../../page/csv.ts';
import type { Opened } from './opened.ts';

export const CSV = `id,prompt
1,Write a Python function that reverses a list
2,"Summarize in one sentence: ""The council met for four hours, and put off the vote."""
3,
4,=Hi there! How are you?
`;

export const bring = (page: Page, name: string, text: string) =>
  page
    .getByLabel(/CSV, JSONL or JSON file/)
    .setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });

async function saved(page: Page, button: string): Promise<string> {
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  return readFileSync(await (await coming).path(), 'utf8');
}

export function batch({ open, scene }: Opened): void {
  const said = (page: Page, text: string) =>
    page.locator('#batch').getByText(text, { exact: true }).waitFor();

  test('a file is asked row by row, shown with labels, targets and costs, and downloaded', async () => {
    const page = await open('Batch');
    const before = scene().whole.llms.seen.length;
    await bring(page, 'prompts.csv', CSV);
    await said(page, 'prompts.csv: 4 rows');
    assert.equal(await page.getByLabel('Column').inputValue(), 'prompt');
    await page.getByRole('button', { name: 'Ask about every row' }).click();
    await said(page, 'Done: 4 of 4, 1 with an error');
    const lines = page.locator('#batch-rows tr');
    assert.equal(await lines.count(), 4);
    assert.match(
      (await lines.nth(0).textContent())!,
      /Code Generation \d+\.\d %deepseek-r1 classified\$0\.0024/,
    );
    assert.match((await lines.nth(1).textContent())!, /Summarization.*llama-70b/);
    assert.match((await lines.nth(2).textContent())!, /The prompt is empty/);
    assert.equal(await page.getByRole('table', { name: 'Rows by label' }).locator('tbody tr').count(), 3);
    await page.locator('#batch').getByText('Target', { exact: true }).click();
    await page.getByRole('table', { name: 'Rows by target' }).waitFor();
    await page.getByLabel('Cost', { exact: true }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('table', { name: 'Estimated cost by target' }).waitFor();
    const [head, ...rows] = parseCsv(await saved(page, 'Download CSV'));
    assert.equal(rows.length, 4);
    assert.equal(rows[3]![head!.indexOf('prompt')], "'=Hi there! How are you?");
    const decisions = (await saved(page, 'Download JSONL'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      decisions.map(({ row }) => row),
      [1, 2, 3, 4],
    );
    assert.equal(decisions[0].decision.entry, 'Code Generation');
    assert.equal(scene().whole.llms.seen.length, before, 'no model was called');
  });

  test('a file of whole requests is asked as it is', async () => {
    const page = await open('Batch');
    const body = {
      model: 'auto',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'Prove that the square root of two is irrational.' }],
      'nim-llm-router': { policy: 'complexity_router', routing_strategy: 'triton', model: '' },
    };
    await bring(page, 'bodies.jsonl', `${JSON.stringify(body)}\n`);
    await said(page, 'bodies.jsonl: 1 row');
    assert.equal(await page.getByLabel('Holds').inputValue(), 'body');
    await page.getByRole('button', { name: 'Ask about every row' }).click();
    await said(page, 'Done: 1 of 1');
    assert.match((await page.locator('#batch-rows tr').textContent())!, /Reasoning/);
  });

  test('a file that is wrong is told with its line, and nothing is asked', async () => {
    const page = await open('Batch');
    await bring(page, 'wrong.csv', 'a,b\n1,"2');
    await page.getByRole('alert').waitFor();
    assert.equal(await page.getByRole('alert').textContent(), 'Line 2: a quoted field is never closed');
    assert.ok(await page.getByRole('button', { name: 'Ask about every row' }).isDisabled());
    await bring(page, 'right.csv', 'a\n1');
    await said(page, 'right.csv: 1 row');
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  test('a batch is waited for where the router’s limit says so, and stopped where the reader does', async () => {
    const page = await open('Batch');
    let refusals = 0;
    await page.route('**/v1/route', (route) =>
      refusals++ < 4
        ? route.fulfill({
            status: 429,
            headers: { 'retry-after': '1' },
            json: { error: { message: 'Too many requests', code: 'rate_limit_exceeded' } },
          })
        : route.continue(),
    );
    await bring(page, 'many.csv', `prompt\n${'Hello there\n'.repeat(6)}`);
    await said(page, 'many.csv: 6 rows');
    await page.getByRole('button', { name: 'Ask about every row' }).click();
    await page.locator('#batch-state', { hasText: 'limit is reached, waiting 1 s' }).waitFor();
    await said(page, 'Done: 6 of 6');
    refusals = Number.NEGATIVE_INFINITY;
    await page.getByRole('button', { name: 'Ask about every row' }).click();
    await page.locator('#batch-state', { hasText: 'waiting 1 s' }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await said(page, 'Stopped: 0 of 6');
    assert.ok(await page.getByRole('button', { name: 'Ask about every row' }).isVisible());
  });

  test('a file may be dropped onto the page', async () => {
    const page = await open('Batch');
    await page.evaluate(`{
      const data = new DataTransfer();
      data.items.add(new File(['prompt\\nHello'], 'dropped.csv'));
      document.getElementById('batch-drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    }`);
    await said(page, 'dropped.csv: 1 row');
  });
}
