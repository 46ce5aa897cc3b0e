export { type CallerDeps, createCaller, UpstreamCaller } from './call.ts';
export { lacks, type Needs, needsOf } from './capabilities.ts';
export type { ClientResponse } from './client-response.ts';
export type { CallHooks } from './journey.ts';
export { promptSample } from './message-text.ts';
export { type CallObserver, observeCalls } from './observer.ts';
export { UNSENT } from './outcome.ts';
