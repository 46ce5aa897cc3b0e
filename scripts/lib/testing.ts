/** For the tests of how suites are run. */
import type { Suite } from './suites.ts';

/** A suite that needs nothing and always passes. */
export const suite = (name: string): Suite => ({
  name,
  command: 'true',
  args: [],
  needs: [],
  minutes: 1,
  read: 'exit',
});
