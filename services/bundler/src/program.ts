/** What a program of the repository is started from in tests and proofs. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './place.ts';

/** Names the folder where `npm test` has put programs, each made of its sources as they are now; unset: there are none. */
export const PROGRAMS = 'LLM_ROUTER_TEST_PROGRAMS';

/** Programs that tests start so often that they are made too. */
export const STARTED = [
  'services/cli/src/main.ts',
  'services/load-generator/src/main.ts',
  'services/playground/src/main.ts',
  'services/router-controller/src/check-config.ts',
  'services/router-controller/src/keys-cli.ts',
  'services/router-controller/src/main.ts',
  'services/router-server/src/main.ts',
  'services/stand-in-llms/src/main.ts',
];

/** What a program is called in the folder. @param file relative to the repository, `.ts` */
export const madeOf = (folder: string, file: string): string => join(folder, file.replace(/\.ts$/, '.mjs'));

/** @param source a program's file. @returns what was made of it by the run of `npm test` that this is a part of; else the source. */
export function programOf(source: string): string {
  const folder = process.env[PROGRAMS];
  if (!folder) return source;
  const made = madeOf(folder, relative(ROOT, source));
  return existsSync(made) ? made : source;
}
