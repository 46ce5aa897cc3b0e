import { join, resolve } from 'node:path';

/** Of the repository. */
export const ROOT = resolve(import.meta.dirname, '../../..');

/** Where the bundle of a service lies. @param service a folder of `services` with `src/main.ts` */
export const bundleFile = (service: string, root: string = ROOT): string =>
  join(root, 'services', service, 'dist', 'main.mjs');
