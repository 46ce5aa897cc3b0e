/** What an audit for accessibility finds on the page as it stands, and whether anything is wider than the screen. */
import assert from 'node:assert/strict';
import axe from 'axe-core';
import type { Page } from 'playwright-core';

interface Finding {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Holds the page to every rule of axe's, best practices included. @param when words for the message */
export async function checkAccessible(page: Page, when: string): Promise<void> {
  // By the debugger, past the page's own policy, which lets no script in.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run(document)')) as { violations: Finding[] };
  const told = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join('\n')}`,
  );
  assert.deepEqual(told, [], when);
  const [content, screen] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as [
    number,
    number,
  ];
  assert.ok(content <= screen, `${when}: ${content} px on ${screen}`);
}
