export { compile, type Overrides } from './compile.ts';
export { type LoadOptions, loadConfig, parseConfig } from './load.ts';
export { ConfigError, hint, nearest, type Problem } from './problems.ts';
export { publicConfig } from './public-config.ts';
export type * from './schema.ts';
export { Secret } from './secret.ts';
export { anyEnv } from './secrets.ts';
export type * from './types.ts';
export { type WatchOptions, watchFiles } from './watch.ts';
