/** The load report of a run in a real Chromium, for docs/how-to/captures. */
import { chromium } from 'playwright-core';
import { REPORTS } from '../../scripts/captures/list.ts';
import { CHROMIUM_ARGS, setupChromium } from '../../scripts/parts/chromium.ts';

/** @param file path of the report @returns name and bytes of each picture. */
export async function reportPictures(file: string): Promise<[name: string, bytes: Buffer][]> {
  const browser = await chromium.launch({
    executablePath: await setupChromium(),
    args: CHROMIUM_ARGS,
  });
  const pictures: [string, Buffer][] = [];
  try {
    for (const [name, { width, dark }] of Object.entries(REPORTS)) {
      const page = await browser.newPage({
        viewport: { width, height: 900 },
        colorScheme: dark ? 'dark' : 'light',
      });
      await page.goto(`file://${file}`);
      const debug = await page.context().newCDPSession(page);
      const { data } = await debug.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
      pictures.push([name, Buffer.from(data, 'base64')]);
      await page.close();
    }
  } finally {
    await browser.close();
  }
  return pictures;
}
