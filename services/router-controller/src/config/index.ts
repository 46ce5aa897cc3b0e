export { compile, type Overrides } from './compile.ts';
export { type LoadOptions, loadConfig, parseConfig } from './load.ts';
export { ConfigError, hint, nearest, type Problem } from './problems.ts';
export type * from './schema.ts';
export { Secret } from './secret.ts';
export { anyEnv } from './secrets.ts';
export type * from './types.ts';
export { allTargets } from './types.ts';
export { type WatchOptions, type WatchTimes, watchFiles } from './watch.ts';
