/** Tests as programs of few files: a test's start was mostly finding, reading and compiling a thousand sources and packages' files. */
import { join } from 'node:path';
import { bundleMany, placesInSources } from '../../services/bundler/src/many.ts';
import { PROGRAMS, STARTED } from '../../services/bundler/src/program.ts';
import { ROOT } from '../parts/lib.ts';
import type { Suite } from './suites.ts';

/** This checkout's own, as what tsc found is. */
const FOLDER = join(ROOT, 'node_modules', '.cache', 'tests');

/** Tests of services: what they import is most of what they do. Those of scripts/test start commands as their users do. */
const GAINS =
  /\/src\/|^scripts\/(?!test\/)|^services\/(?:cli|load-generator|playground|router-controller|router-server)\//;
/** Proofs are run as `npm run` runs them. */
const PROOFS = /\/test\/(?:attacks|conformance|limits-proof|redis-failover|request-cost|soak)\.test/;
const gains = ({ name, read }: Suite) => read === 'node' && GAINS.test(name) && !PROOFS.test(name);

/** From so many on it costs less to make them than is saved. */
const WORTH = 12;

/**
 * The same suites, run from what is made of their sources; few suites, and where a source can't be read, run as they are.
 *
 * @param say is told why they run as they are.
 */
export async function fromPrograms(
  suites: readonly Suite[],
  say: (line: string) => void,
  folder: string = FOLDER,
): Promise<readonly Suite[]> {
  const files = suites.filter(gains).map(({ name }) => name);
  if (files.length < WORTH) return suites;
  let programs: ReadonlyMap<string, string>;
  try {
    programs = await bundleMany([...files, ...STARTED], folder);
  } catch (error) {
    say(`tests run from their sources, each file by itself: ${(error as Error).message}`);
    return suites;
  }
  return suites.map((suite) => {
    const program = programs.get(suite.name);
    if (program === undefined) return suite;
    return {
      ...suite,
      args: suite.args.map((arg) => (arg === suite.name ? program : arg)),
      env: { ...suite.env, [PROGRAMS]: folder },
      told: (output: string) => placesInSources(output, folder),
    };
  });
}
