/** A service and its packages in one file, `services/NAME/dist/main.mjs`: it starts sooner than its sources and holds less memory. */
export { environmentOf } from './environment.ts';
export { freshBundle } from './fresh.ts';
export { bundleFile } from './place.ts';
