/** Pictures and tools in the chat. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { ask, CODE, facts } from '../reader.ts';
import type { Opened } from './opened.ts';

export const openExtras = (page: Page) => page.getByText('Pictures and tools').click();

/** A PNG of that size, drawn by the browser itself. */
export async function picture(page: Page, width: number, height: number): Promise<Buffer> {
  const url = (await page.evaluate(
    `{ const canvas = document.createElement('canvas'); canvas.width = ${width}; canvas.height = ${height};
       const pen = canvas.getContext('2d'); pen.fillStyle = '#0b6b62'; pen.fillRect(0, 0, ${width}, ${height});
       canvas.toDataURL('image/png'); }`,
  )) as string;
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
}

/** Attaches a file to the next message, and waits until it is taken or refused. */
export async function attach(page: Page, name: string, buffer: Buffer): Promise<void> {
  // What was told of the file before, and pictures that are there already, are no answer for this one.
  await page.evaluate(`document.querySelector('#images-problem').textContent = ''`);
  const before = await page.locator('#images-list canvas').count();
  await page.locator('#images').setInputFiles({ name, mimeType: 'image/png', buffer });
  const taken = page.locator('#images-list canvas').nth(before);
  await taken.or(page.locator('#images-problem:not(:empty)')).first().waitFor();
}

export function chatParts({ open, scene }: Opened): void {
  const sent = () => scene().whole.llms.seen.at(-1)!.body;

  test('tools are called, their results answered, and the conversation goes on with its bill', async () => {
    const page = await open('Chat');
    await openExtras(page);
    const field = page.getByLabel(/Tools that the model may call/);
    await field.fill('[{"type":"function","function":{"name":"no spaces"}}]');
    await page.getByLabel('Your message').fill(CODE);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    assert.match((await page.locator('#tools-problem').textContent())!, /Tool 1 needs a function\.name/);
    assert.equal(await page.locator(':focus').getAttribute('id'), 'tools');
    assert.equal(await page.locator('.turn').count(), 0);
    await page.getByRole('button', { name: 'Example', exact: true }).click();
    const first = await ask(page, CODE);
    assert.match((await first.locator('.call').textContent())!, /Calls get_weather\{\s*"city":/);
    assert.ok(await page.getByText('The model waits for the results of its tools, above.').isVisible());
    assert.ok(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled());
    assert.equal((await facts(first.locator('.facts'))).Reason, 'classified');
    await page.keyboard.type('12 degrees');
    await first.getByRole('button', { name: 'Send result' }).click();
    const second = page.locator('.turn').nth(1);
    await second.locator('.answer:not(.waiting)').waitFor();
    assert.match((await second.locator('.question').textContent())!, /Toolsget_weather: 12 degrees/);
    assert.match((await second.locator('.answer .said').textContent())!, /It was given a tool’s result\./);
    assert.deepEqual(
      sent().messages!.map(({ role }) => role),
      ['user', 'assistant', 'tool'],
    );
    assert.match(
      (await page.locator('#bill').textContent())!,
      /^This conversation: \$0\.00\d+ in 2 turns\. The same tokens at the dearest model of the policy: \$0\.00\d+/,
    );
    await openExtras(page);
    await field.fill('');
    await ask(page, 'Thank you!');
    assert.equal(sent().messages!.length, 5);
    await page.getByRole('button', { name: 'New conversation' }).click();
    assert.equal(await page.locator('#bill').textContent(), '');
  });

  test('pictures go with the message as they are, go where they can be seen, and large ones are made smaller', async () => {
    const page = await open('Chat');
    await openExtras(page);
    await attach(page, 'no-picture.png', Buffer.from('GIF? no, plain text'));
    assert.equal(
      await page.locator('#images-problem').textContent(),
      'no-picture.png: it is no PNG, JPEG, WebP or GIF',
    );
    const small = await picture(page, 40, 20);
    await attach(page, 'broken.png', small.subarray(0, 40));
    assert.equal(await page.locator('#images-problem').textContent(), 'broken.png: it is broken');
    await attach(page, 'small.png', small);
    await page.getByRole('img', { name: 'small.png' }).waitFor();
    const turn = await ask(page, 'What is on it?');
    const told = await facts(turn.locator('.facts'));
    assert.equal(told.Target, 'llama-vision', 'the one that sees');
    assert.match((await turn.locator('.answer .said').textContent())!, /and 1 image/);
    assert.ok(await turn.locator('.question').getByRole('img', { name: 'small.png' }).isVisible());
    const [text, image] = sent().messages!.at(-1)!.content as unknown as {
      type: string;
      image_url: { url: string };
    }[];
    assert.equal(text!.type, 'text');
    assert.equal(image!.image_url.url, `data:image/png;base64,${small.toString('base64')}`);
    assert.equal(await page.locator('#images-list canvas').count(), 0);
    await attach(page, 'large.png', await picture(page, 3000, 1500));
    await ask(page, 'And this?');
    const [, large] = sent().messages!.at(-1)!.content as unknown as (typeof image)[];
    const url = large!.image_url.url;
    assert.match(url, /^data:image\/jpeg;base64,/);
    const bytes = JSON.stringify(url.split(',')[1]);
    assert.deepEqual(
      await page.evaluate(
        `createImageBitmap(new Blob([Uint8Array.from(atob(${bytes}), (char) => char.charCodeAt(0))])).then(({ width, height }) => [width, height])`,
      ),
      [1568, 784],
    );
  });

  test('a policy of kind value tells P and cost of every target, and P of the one that answered', async () => {
    const page = await open('Chat');
    const offer = (target: string, quality: number, cost_usd: number, why: string | null = null) => ({
      target,
      quality,
      cost_usd,
      input_tokens: 10,
      cached_tokens: 0,
      output_tokens: 100,
      why,
    });
    // As the router tells it; the shipped policies are of labels.
    await page.route('**/v1/route', async (route) => {
      const answer = await route.fetch();
      const targets = [offer('llama-8b', 0.7, 0.00002), offer('deepseek-r1', 0.9, 0.0008, 'lacks vision')];
      await route.fulfill({
        response: answer,
        json: {
          ...(await answer.json()),
          entry: 'llama-8b',
          reason: 'value',
          value: { choose: { regret: 0.2 }, familiarity: 0.5, targets },
        },
      });
    });
    await page.route('**/v1/chat/completions', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({
        response: answer,
        headers: { ...answer.headers(), 'x-llm-router-quality': '0.7000' },
      });
    });
    const turn = await ask(page, CODE);
    assert.equal((await facts(turn.locator('.facts')))['P(good)'], '70.0 %');
    await turn.getByRole('button', { name: 'Why?' }).click();
    const table = page.getByRole('table', {
      name: /^P of a good answer, and its cost, by target; regret 0\.2/,
    });
    await table.waitFor();
    assert.deepEqual(await table.locator('tbody th').allTextContents(), [
      'llama-8b · $0.000020',
      'deepseek-r1 · $0.00080 · lacks vision',
    ]);
    assert.deepEqual(await table.locator('tbody td').allTextContents(), ['70.0 %', '90.0 %']);
  });
}
