/**
 * Pictures of the page for docs/how-to/playground.md, made by the tests where they are asked for:
 * `PLAYGROUND_PICTURES=1 npm test -- --only playground/test/tabs`.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from '../../router-controller/test/harness.ts';

const FOLDER = join(ROOT, 'docs', 'how-to', 'playground');
const MAX_BYTES = 100_000;

/** Takes what the reader sees, from the top of the page. @param name of the file, without its ending */
export async function takePicture(page: Page, name: string): Promise<void> {
  if (!process.env.PLAYGROUND_PICTURES) return;
  await page.evaluate(
    `{ scrollTo(0, 0); document.activeElement?.blur();
       for (const panel of document.querySelectorAll('[role=tabpanel]')) panel.scrollTop = 0; }`,
  );
  const debug = await page.context().newCDPSession(page);
  const { data } = await debug.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
  const bytes = Buffer.from(data, 'base64');
  assert.ok(bytes.length <= MAX_BYTES, `${name} has ${bytes.length} bytes, more than ${MAX_BYTES}`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${name}.webp`), bytes);
}
