export { promptSample } from '../dialects/index.ts';
export { lacks, type Needs, needsOf } from './attempts/capabilities.ts';
export { UNSENT } from './attempts/outcome.ts';
export { type CallerDeps, createCaller, UpstreamCaller } from './call.ts';
export type { CallHooks } from './journey.ts';
export { type CallObserver, observeCalls } from './observer.ts';
export { translationHeaders } from './speech.ts';
export { type Spending, spendingOf } from './spending.ts';
export type { ClientResponse } from './stream/client-response.ts';
