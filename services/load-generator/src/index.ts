/**
 * Bounded load for a router of one's own.
 *
 * @example
 * const options = readOptions(['--rate', '10'], process.env)!;
 * const report = await run(options, readPrompts());
 */
export { type Options, readOptions, UsageError } from './options.ts';
export { type Conversation, readPrompts } from './prompts.ts';
export type { Report } from './report.ts';
export { run } from './run.ts';
export { checkTarget } from './target.ts';
