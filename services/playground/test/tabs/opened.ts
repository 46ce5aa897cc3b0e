/** What each tab's tests stand on. */
import type { Page } from 'playwright-core';
import type { BrowserScene, Visit, VisitOptions } from '../scene.ts';

export interface Opened {
  /** The page of a new visitor, on this tab. */
  readonly open: (tab: string, options?: VisitOptions) => Promise<Page>;
  /** The visit that is open. */
  readonly visit: () => Visit;
  readonly scene: () => BrowserScene;
}
