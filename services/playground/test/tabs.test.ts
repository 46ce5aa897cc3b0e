/** The tabs beside the chat in a real browser, before a real controller and classifier: one start of it all for every tab. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe } from 'node:test';
import { openTab } from './reader.ts';
import { BrowserScene, type Visit } from './scene.ts';
import { batch } from './tabs/batch.ts';
import { chatParts } from './tabs/chat-parts.ts';
import { sideBySide } from './tabs/compare.ts';
import { everybody } from './tabs/everybody.ts';
import type { Opened } from './tabs/opened.ts';
import { whatIf } from './tabs/what-if.ts';

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

const opened: Opened = {
  visit: () => visit,
  open: async (tab, options) => {
    visit = await scene.visit(options);
    await openTab(visit.page, tab);
    return visit.page;
  },
  scene: () => scene,
};

describe('for everybody', () => everybody(opened));
describe('Chat', () => chatParts(opened));
describe('Side by side', () => sideBySide(opened));
describe('Batch', () => batch(opened));
describe('What if', () => whatIf(opened));
