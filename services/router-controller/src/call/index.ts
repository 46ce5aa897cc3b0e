export { type CallerDeps, type CallHooks, UpstreamCaller } from './call.ts';
export { lacks, needsOf } from './capabilities.ts';
export type { ClientResponse } from './client-response.ts';
