/** Volumes for claims that name no class: folders of the first node, as a laptop's provisioner would make them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Box } from '../engine/box.ts';
import { nodeName } from './addresses.ts';

const COUNT = 8;

/** Makes the folders. @returns the manifests. */
export function makeVolumes(box: Box): string {
  const volumes = Array.from({ length: COUNT }, (_, index) => {
    const path = join(box.folder, 'volumes', String(index + 1));
    mkdirSync(path, { recursive: true });
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `folder-${index + 1}` },
      spec: {
        capacity: { storage: '10Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        local: { path },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              {
                matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName(1)] }],
              },
            ],
          },
        },
      },
    };
  });
  return volumes.map((each) => JSON.stringify(each)).join('\n---\n');
}
