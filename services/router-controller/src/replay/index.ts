export { type Move, Replay, type Replayed, type ReplaySummary, replay, type Unroutable } from './replay.ts';
