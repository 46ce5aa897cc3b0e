export { readLogLine } from './log-line.ts';
export { Replay, type Replayed, replay, type Unroutable } from './replay.ts';
export type { Move, ReplaySummary } from './sums.ts';
