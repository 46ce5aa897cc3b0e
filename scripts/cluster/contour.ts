/** Contour in a cluster: a controller of Ingress objects with its Envoys, one a node, by its authors' own manifests. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setupContour } from '../parts/contour.ts';
import type { Cluster } from './cluster.ts';
import { writeImageArchive } from './image-archive.ts';

const NAMESPACE = 'projectcontour';
/** In place of the images that the manifests name, which come from registries. */
const IMAGES = {
  contour: 'docker.io/library/llm-router-contour:local',
  envoy: 'docker.io/library/llm-router-envoy:local',
};
const USER = '65534:65534';

export interface IngressController {
  /** Of IngressClass. */
  readonly className: string;
  /** Where its proxies are. */
  readonly namespace: string;
  /** Their Service's name, by which pods reach them on port 80; an Ingress may have it for its host. */
  readonly host: string;
}

/** Shared libraries of a program, and what loads them. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ldd', [program]);
  return [...stdout.matchAll(/(?:=> |^\s+)(\/\S+)/gm)].map(([, path]) => path!);
}

/** @throws Error when it does not become ready. */
export async function addContour(cluster: Cluster): Promise<IngressController> {
  const { contour, envoy, manifests } = await setupContour();
  const archive = (name: string) => join(cluster.box.folder, 'images', `${name}.tar`);
  const image = { user: USER, folder: '/bin' };
  await writeImageArchive(archive('contour'), { ...image, name: IMAGES.contour, program: contour });
  await writeImageArchive(archive('envoy'), {
    ...image,
    name: IMAGES.envoy,
    program: envoy,
    files: await librariesOf(envoy),
  });
  await cluster.loadImages([archive('contour'), archive('envoy')]);
  for (const file of manifests) {
    const text = readFileSync(file, 'utf8').replace(
      /(\bimage: )(\S+)/g,
      (_, key: string, name: string) =>
        `${key}${name.includes('envoyproxy/') ? IMAGES.envoy : IMAGES.contour}`,
    );
    await cluster.apply(text);
  }
  for (const part of ['deploy/contour', 'daemonset/envoy'])
    await cluster.kubectl('-n', NAMESPACE, 'rollout', 'status', part, '--timeout=180s');
  return { className: 'contour', namespace: NAMESPACE, host: `envoy.${NAMESPACE}.svc.cluster.local` };
}
