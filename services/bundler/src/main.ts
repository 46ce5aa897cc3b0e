/** `node services/bundler/src/main.ts NAME…`: makes `services/NAME/dist/main.mjs` of each; images are built with it. */
import { bundle } from './bundle.ts';
import { bundleFile } from './place.ts';

const services = process.argv.slice(2);
if (services.length === 0) {
  console.error('usage: node services/bundler/src/main.ts SERVICE…');
  process.exit(2);
}
for (const service of services) {
  await bundle(service);
  console.log(bundleFile(service));
}
