/** notify: webhooks for those who run the router. */
export { budgetNotice, classifierNotice, reloadNotice, sharingNotice, tellOfCalls } from './events.ts';
export type { Notice } from './notice.ts';
export { Notifier } from './notifier.ts';
