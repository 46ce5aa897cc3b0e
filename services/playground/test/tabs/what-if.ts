/** The what-if tab. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { ask, CODE, openTab } from '../reader.ts';
import type { Opened } from './opened.ts';

const line = (made: object) =>
  `${JSON.stringify({
    policy: 'task_router',
    strategy: 'triton',
    label: 'Open QA',
    confidence: 0.6,
    scores: { 'Open QA': 0.6, Other: 0.2 },
    reason: 'classified',
    entry: 'Open QA',
    target: 'llama-70b',
    needs: {},
    usage: { promptTokens: 1000, cachedTokens: 0, completionTokens: 1000 },
    cost_usd: 0.0018,
    request_id: 'req_of_the_log',
    ...made,
  })}\n`;

export function whatIf({ open }: Opened): void {
  test('a label sent elsewhere shows what this session’s turns would cost, and the stanza for it', async () => {
    const page = await open('Chat');
    const before = await page.evaluate(`fetch('/config').then((answer) => answer.text())`);
    await ask(page, CODE);
    // Else the second turn stays with the first one's model.
    await page.getByRole('button', { name: 'New conversation' }).click();
    await ask(page, 'Thank you very much!');
    await openTab(page, 'What if');
    await page.locator('#what-if-moved', { hasText: '0 of 2 decisions go to another target' }).waitFor();
    const target = page.getByLabel('Target of Code Generation');
    await target.selectOption('llama-8b');
    await page.locator('#what-if-moved', { hasText: /^1 of 2 decisions .* cost of the 2 that/ }).waitFor();
    assert.match(
      (await page.locator('#what-if-cost').textContent())!,
      /^\$0\.000\d+ → \$0\.00\d+ \(−\d\d\.\d %\)$/,
    );
    const moved = page.getByRole('table', { name: 'Decisions that would move', exact: true });
    assert.match((await moved.locator('tbody').textContent())!, /reverses a list.*deepseek-r1 → llama-8b/);
    await page.locator('#announce', { hasText: 'go to another target' }).waitFor({ state: 'attached' });
    assert.deepEqual(load((await page.locator('#what-if-yaml').textContent())!), {
      policies: [{ name: 'task_router', llms: [{ name: 'Code Generation', target: 'llama-8b' }] }],
    });
    await page.getByRole('button', { name: 'As it is in force' }).click();
    await page.locator('#what-if-moved', { hasText: '0 of 2 decisions' }).waitFor();
    assert.ok(await page.locator('#what-if-yaml').isHidden());
    assert.equal(await page.evaluate(`fetch('/config').then((answer) => answer.text())`), before);
  });

  test('a decision log is gone through under another threshold, as many of its lines as are asked for', async () => {
    const page = await open('What if');
    const log = line({ entry: 'Other', label: 'Other', reason: 'rule' }) + line({}).repeat(3);
    await page
      .getByLabel(/Decision log/)
      .setInputFiles({ name: 'decisions.jsonl', mimeType: 'application/x-ndjson', buffer: Buffer.from(log) });
    await page.locator('#what-if-moved', { hasText: '0 of 4 decisions' }).waitFor();
    await page.getByLabel(/Confidence threshold/).fill('0.7');
    await page.keyboard.press('Tab');
    await page.locator('#what-if-moved', { hasText: '3 of 4 decisions' }).waitFor();
    assert.match(
      (await page.locator('#what-if-rows').textContent())!,
      /req_of_the_logOpen QA 60\.0 %llama-70b → mixtral-8x22b/,
    );
    assert.match((await page.locator('#what-if-yaml').textContent())!, /threshold: 0\.7 # was 0/);
    await page.getByLabel('How many, the last').fill('2');
    await page.keyboard.press('Tab');
    await page.locator('#what-if-moved', { hasText: '2 of 2 decisions' }).waitFor();
    await page.getByLabel(/Decision log/).setInputFiles({
      name: 'wrong.jsonl',
      mimeType: 'application/x-ndjson',
      buffer: Buffer.from('{"a":1}\n'),
    });
    assert.match(
      (await page.getByRole('alert').textContent())!,
      /Line 1: no 'policy': not a line of the decision log/,
    );
  });
}
