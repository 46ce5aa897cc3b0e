/**
 * An engine that was killed left its containers in its books: the next one would start those that are always to run. Their
 * records and layers are removed before it starts; images and the cache of builds stay.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const list = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
const remove = (path: string) => rmSync(path, { recursive: true, force: true });

/** @param root an engine's data root, which no engine uses now. */
export function forgetContainers(root: string): void {
  for (const id of list(join(root, 'containers'))) {
    // A container's own layer: what it wrote, and what was put into it at its start.
    const layer = join(root, 'image', 'overlay2', 'layerdb', 'mounts', id);
    for (const name of ['mount-id', 'init-id']) {
      const file = join(layer, name);
      if (existsSync(file)) remove(join(root, 'overlay2', readFileSync(file, 'utf8').trim()));
    }
    remove(layer);
    remove(join(root, 'containers', id));
  }
  for (const name of list(join(root, 'volumes'))) remove(join(root, 'volumes', name));
  remove(join(root, 'network'));
}
