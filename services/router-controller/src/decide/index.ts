export { lacks, windowOf } from './choose/capabilities.ts';
export { chooseEntry, findManual } from './choose/choose.ts';
export { largerThan, saysContextOverflow } from './choose/overflow.ts';
export { type Bounds, NO_BOUNDS, tooLong, withinPossible } from './choose/possible.ts';
export { choiceOf, firstRule } from './choose/rules.ts';
export { LabelMismatch } from './classify/match-labels.ts';
export type { ClassifierStatus } from './classify/policy-classifier.ts';
export { Decider, type DeciderDeps, type DecisionInput } from './decider.ts';
export { MemoryStore, RedisStore, type SharedStore } from './shared-store.ts';
