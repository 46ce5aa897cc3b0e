/** The playground in a real browser, before a real controller and classifier. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { ask, CODE, facts } from './reader.ts';
import { BrowserScene, type Visit } from './scene.ts';

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

async function open(): Promise<Page> {
  visit = await scene.visit();
  return visit.page;
}

describe('an answer', () => {
  test('streams in with its decision beside it', async () => {
    const page = await open();
    const turn = await ask(page, CODE);
    assert.equal(
      await turn.locator('.answer .said').textContent(),
      `This is a stand-in for deepseek-ai/deepseek-r1, not the model itself. It read 8 words: "${CODE}"`,
    );
    assert.equal(await turn.locator('.answer .who').textContent(), 'deepseek-ai/deepseek-r1');
    assert.match((await turn.locator('.verdict').textContent())!, /^Code Generation9\d\.\d %$/);
    const told = await facts(turn.locator('.facts'));
    assert.match(told['First token']!, /^[\d.]+ m?s$/);
    assert.deepEqual(
      { ...told, 'First token': '', Took: '' },
      {
        Model: 'deepseek-ai/deepseek-r1',
        Target: 'deepseek-r1',
        Policy: 'task_router',
        Reason: 'classified',
        'First token': '',
        Took: '',
        Tokens: '8 in, 22 out',
        Cost: '$0.00020',
      },
    );
    const [sent] = scene.whole.llms.seen.slice(-1);
    assert.equal(sent!.body.stream, true);
  });

  test('is shown while it comes, and Stop ends it up to the upstream', async () => {
    const page = await open();
    await page.getByLabel('Your message').fill('hang please');
    await page.getByLabel('Your message').press('Enter');
    // Three words of the answer are there, and no more will come.
    await page.locator('.answer.waiting .said', { hasText: 'This is a' }).waitFor();
    const [asked] = scene.whole.llms.seen.slice(-1);
    assert.ok(await page.getByRole('button', { name: 'Send', exact: true }).isHidden());
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    assert.equal(await asked!.ended, false);
    assert.ok(await page.getByRole('button', { name: 'Stop' }).isHidden());
    // The conversation goes on after it.
    const next = await ask(page, 'Thank you!');
    assert.match((await next.locator('.answer .said').textContent())!, /It read 2 words: "Thank you!"/);
  });

  test('takes up what was said before, until a new conversation is begun', async () => {
    const page = await open();
    await ask(page, 'Hello, I am Ada.');
    await ask(page, 'Who am I?');
    const roles = () => {
      const [sent] = scene.whole.llms.seen.slice(-1);
      return sent!.body.messages!.map(({ role }) => role);
    };
    assert.deepEqual(roles(), ['user', 'assistant', 'user']);
    await page.getByRole('button', { name: 'New conversation' }).click();
    assert.equal(await page.locator('.turn').count(), 0);
    await ask(page, 'Who am I?');
    assert.deepEqual(roles(), ['user']);
  });

  test('and a prompt are text, whatever markup they hold', async () => {
    const page = await open();
    const markup = '<img src=x onerror=alert(1)><b>bold</b> & <script>alert(2)</script>';
    const turn = await ask(page, markup);
    assert.equal(await turn.locator('.question .said').textContent(), markup);
    assert.match((await turn.locator('.answer .said').textContent())!, /<img src=x onerror=alert\(1\)><b>/);
    await page.getByRole('button', { name: 'Why?' }).click();
    await page.locator('#why .measures').first().waitFor();
    assert.equal(await page.locator('.turn :is(img, b, script), #why :is(img, b, script)').count(), 0);
  });
});

describe('routing', () => {
  test('by hand goes where the reader says: an entry or a model', async () => {
    const page = await open();
    await page.getByText('You', { exact: true }).click();
    const choice = page.getByLabel('Entry or model');
    assert.deepEqual((await choice.locator('optgroup[label=Models] option').allTextContents()).sort(), [
      'deepseek-ai/deepseek-r1',
      'meta/llama-3.1-70b-instruct',
      'meta/llama-3.1-8b-instruct',
      'mistralai/mixtral-8x22b-instruct-v0.1',
    ]);
    await choice.selectOption('Summarization');
    const byEntry = await ask(page, CODE);
    const told = await facts(byEntry.locator('.facts'));
    assert.deepEqual([told.Model, told.Reason], ['meta/llama-3.1-70b-instruct', 'manual']);
    await choice.selectOption('meta/llama-3.1-8b-instruct');
    const byModel = await ask(page, CODE);
    assert.equal((await facts(byModel.locator('.facts'))).Model, 'meta/llama-3.1-8b-instruct');
  });

  test('below a threshold of the reader’s own uses the fallback, and both are told', async () => {
    const page = await open();
    await page.getByLabel('as the policy says').uncheck();
    const slider = page.getByRole('slider', { name: 'Threshold' });
    await slider.focus();
    await slider.press('End');
    assert.equal(await page.locator('#threshold-value').textContent(), '100 %');
    const turn = await ask(page, CODE);
    assert.match((await turn.locator('.verdict').textContent())!, /^Code Generation/);
    const told = await facts(turn.locator('.facts'));
    assert.deepEqual([told.Entry, told.Reason], ['Chatbot', 'low_confidence_fallback']);
  });

  test('follows the policy that is chosen, with examples for its labels', async () => {
    const page = await open();
    await page.getByLabel('Policy', { exact: true }).selectOption('complexity_router');
    assert.equal(await page.locator('#examples li').count(), 7);
    await page.getByRole('button', { name: /^Few-Shot/ }).click();
    assert.match(await page.getByLabel('Your message').inputValue(), /^cat -> Katze\n/);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.locator('.answer:not(.waiting)').waitFor();
    assert.equal((await facts(page.locator('.turn .facts'))).Policy, 'complexity_router');
  });
});

describe('Explain', () => {
  test('shows the whole decision and calls no model', async () => {
    const page = await open();
    await page.getByLabel('Policy', { exact: true }).selectOption('complexity_router');
    await page.getByLabel('Your message').fill('Prove that the square root of two is irrational.');
    const before = scene.whole.llms.seen.length;
    await page.getByRole('button', { name: 'Explain', exact: true }).click();
    const labels = page.getByRole('table', { name: /All labels/ });
    await labels.waitFor();
    const names = await labels.locator('tbody th').allTextContents();
    assert.deepEqual(names.toSorted(), [
      'Constraint',
      'Contextual-Knowledge',
      'Creativity',
      'Domain-Knowledge',
      'Few-Shot',
      'No-Label-Reason',
      'Reasoning',
    ]);
    const shares = (await labels.locator('tbody td').allTextContents()).map(Number.parseFloat);
    assert.deepEqual(
      shares,
      shares.toSorted((a, b) => b - a),
      'the likeliest first',
    );
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 100) < 1);
    const scores = page.getByRole('table', { name: 'Scores' });
    assert.match((await scores.textContent())!, /prompt_complexity_score\d\.\d\d/);
    const told = await facts(page.locator('#why .facts'));
    assert.deepEqual(
      [told.Policy, told['Goes to'], told.Then],
      ['complexity_router', 'deepseek-ai/deepseek-r1 as deepseek-r1', 'llama-70b'],
    );
    assert.match((await page.locator('#why').textContent())!, /The classifier’s label decided\./);
    assert.equal(scene.whole.llms.seen.length, before);
    assert.equal(await page.locator('.turn').count(), 0);
  });

  test('takes an answer’s decision apart as it was asked for', async () => {
    const page = await open();
    const turn = await ask(page, CODE);
    await page.getByLabel('Policy', { exact: true }).selectOption('complexity_router');
    await turn.getByRole('button', { name: 'Why?' }).click();
    const labels = page.getByRole('table', { name: /All labels/ });
    await labels.waitFor();
    assert.equal(await labels.locator('tbody tr').count(), 12);
    assert.equal(await labels.locator('tbody th').first().textContent(), 'Code Generation');
  });

  test('of a choice by hand says that the classifier was not asked', async () => {
    const page = await open();
    await page.getByText('You', { exact: true }).click();
    await page.getByLabel('Your message').fill(CODE);
    await page.getByRole('button', { name: 'Explain', exact: true }).click();
    await page.getByText('You chose it; the classifier was not asked.').waitFor();
    assert.equal(await page.locator('#why table').count(), 0);
  });
});

describe('an error', () => {
  test('is shown as the router said it, and the conversation goes on', async () => {
    const page = await open();
    // The table loses the policy that the page still offers.
    await page.route('**/v1/chat/completions', (route) => {
      const body = JSON.parse(route.request().postData()!);
      body['nim-llm-router'].policy = 'task_roter';
      return route.continue({ postData: JSON.stringify(body) });
    });
    const turn = await ask(page, CODE);
    const shown = (await turn.getByRole('alert').textContent())!;
    assert.match(shown, /Policy 'task_roter' not found\. Did you mean 'task_router'\?/);
    assert.match(shown, /HTTP 404 · policy_not_found · in nim-llm-router\.policy · req_/);
    await page.unroute('**/v1/chat/completions');
    const next = await ask(page, CODE);
    assert.equal(await next.getByRole('alert').count(), 0);
    const [sent] = scene.whole.llms.seen.slice(-1);
    assert.equal(sent!.body.messages!.length, 1, 'a question without an answer is not sent again');
  });

  test('of the upstream has its decision beside it', async () => {
    const page = await open();
    const turn = await ask(page, `${CODE}, refuse please`);
    assert.match((await turn.getByRole('alert').textContent())!, /told to answer 400.*HTTP 400/);
    assert.match((await turn.locator('.verdict').textContent())!, /^Code Generation/);
  });

  for (const [words, said] of [
    ['break please', /was told to fail.*stand_in · req_/],
    ['cut please', /^The answer broke off: .*upstream_error · req_/],
  ] as const) {
    test(`in the middle of an answer leaves what was said (${words})`, async () => {
      const page = await open();
      const turn = await ask(page, words);
      assert.match((await turn.getByRole('alert').textContent())!, said);
      assert.match((await turn.locator('.answer > .said').textContent())!, /^This /);
    });
  }

  test('of the connection is told at the top, with a way to try again', async () => {
    const page = await open();
    await page.route('**/config', (route) => route.abort());
    await page.reload();
    await page.getByText('The playground’s own server does not answer').waitFor();
    assert.ok(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled());
    await page.unroute('**/config');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.router.up').waitFor();
  });
});
