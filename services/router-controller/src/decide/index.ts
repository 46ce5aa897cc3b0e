export { chooseEntry, findManual } from './choose.ts';
export { Decider, type DeciderDeps, type DecisionInput } from './decider.ts';
export { type ClassifierStatus, LabelMismatch } from './policy-classifier.ts';
export { contentText, promptText } from './prompt-text.ts';
export { MemoryStore, RedisStore, type SharedStore } from './shared-store.ts';
