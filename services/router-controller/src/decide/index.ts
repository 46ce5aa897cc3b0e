export { chooseEntry, findManual } from './choose/choose.ts';
export { type ClassifierStatus, LabelMismatch } from './classify/policy-classifier.ts';
export { Decider, type DeciderDeps, type DecisionInput } from './decider.ts';
export { contentText, promptText } from './prompt-text.ts';
export { MemoryStore, RedisStore, type SharedStore } from './shared-store.ts';
