/**
 * The chart in a real Kubernetes of one node, Pod Security `restricted` enforced: installed from the laptop's values, tested by
 * `helm test`, rolled under a steady load of prompts that are all different, and removed. Needs root. More: `npm run proof:cluster`.
 */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { type Cluster, type KubernetesObject, startCluster } from '../cluster/cluster.ts';
import { diagnose } from '../cluster/diagnosis.ts';
import { productImages } from '../cluster/images.ts';
import { setupCluster } from '../parts/cluster.ts';
import { untilPods } from '../proof/cluster/doing.ts';
import { EVENTS } from '../proof/cluster/events.ts';
import { NAMESPACE, runEvents, startWorld } from '../proof/cluster/world.ts';
import { changesSince, leftOf, machineState } from './machine-state.ts';
import { isAlive } from './processes.ts';

const ROLLOUTS = ['controllers restarted', 'the only classifier restarted'].map((name) => {
  const found = EVENTS.find((event) => event.name === name);
  assert.ok(found, `no event ${name}`);
  return found;
});
/** Requests a second: what one core does beside the cluster's own programs. */
const RATE = 5;

const say = (line: string) => console.log(line);

/** Runs a step; when it fails, its name and what the pods say are in the error. */
async function step<T>(cluster: Cluster, name: string, work: () => Promise<T>): Promise<T> {
  const begun = Date.now();
  try {
    const result = await work();
    say(`✔ ${name}  ${((Date.now() - begun) / 1_000).toFixed(1)} s`);
    return result;
  } catch (error) {
    const pods = await diagnose(cluster, NAMESPACE);
    throw new Error(`${name}: ${(error as Error).message}\n${pods}`);
  }
}

test('a release under restricted is installed and tested; controllers and its only classifier roll under load, and nobody notices', async () => {
  const programs = await setupCluster();
  const images = await productImages();
  const before = machineState();
  const cluster = await startCluster({ nodes: 1, programs, say });
  try {
    await step(cluster, 'images loaded', () => cluster.loadImages([images]));
    const world = await step(cluster, 'installed, and tested by helm test', () =>
      startWorld(cluster, { rate: RATE }),
    );
    for (const event of ROLLOUTS)
      await step(cluster, event.name, async () => {
        const [told] = await runEvents(world, [event], say);
        const { requests, lost, cut, fellBack, error, examples } = told!;
        assert.equal(error, null);
        assert.ok(requests > 2 * RATE, `only ${requests} requests`);
        assert.deepEqual({ lost, cut, fellBack }, { lost: 0, cut: 0, fellBack: 0 }, examples.join('\n'));
      });
    await step(cluster, 'uninstalled', async () => {
      await world.load.stop();
      await world.release.uninstall();
      // The classifier still answers for a while, so that callers find others: it is only told to end.
      for (const part of ['controller', 'redis']) await untilPods(world, part, 0);
      const { items } = await cluster.get(
        'pods',
        '-n',
        NAMESPACE,
        '-l',
        'app.kubernetes.io/component=classifier',
      );
      const staying = items.filter(({ metadata }: KubernetesObject) => !metadata.deletionTimestamp);
      assert.deepEqual(staying, []);
    });
  } finally {
    await cluster.stop();
  }
  for (const { box } of cluster.nodes) {
    assert.equal(isAlive(box.pid), false, 'the node’s first process, and with it all others');
    assert.deepEqual(leftOf(basename(box.folder)), [], 'folders and control groups');
  }
  // What went from the machine is others' doing.
  assert.deepEqual(
    changesSince(before).filter((change) => change.startsWith('+')),
    [],
    'the machine is as it was',
  );
});
