/** Kubernetes' own autoscaler, told by metrics-server what pods use. */
import type { KubernetesObject } from '../../cluster/cluster.ts';
import { startLoad, type Tally } from '../../cluster/load.ts';
import { milliCores } from '../../cluster/quantity.ts';
import { countOf, DECIDE_MS, merge, podsOf, untilHeld, untilPods, type World } from './doing.ts';

/** Times the world's own load, beside it. */
const MORE = 2;

/** @param target mean of the pods, per cent of the CPU that they request. */
export const autoscaled = ({ most, target }: { most: number; target: number }) => ({
  controller: { autoscaling: { enabled: true, minReplicas: 2, maxReplicas: most, target } },
});

/** What controllers use, in per cent of what they request: their mean; null until each is told of. */
async function usage(world: World): Promise<number | null> {
  const { cluster, release } = world;
  const pods = await podsOf(world, 'controller');
  const told = JSON.parse(
    await cluster.kubectl(
      ...['get', '--raw', `/apis/metrics.k8s.io/v1beta1/namespaces/${release.namespace}/pods`],
    ),
  ).items as KubernetesObject[];
  const shares: number[] = [];
  for (const { metadata, spec } of pods) {
    const found = told.find((each) => each.metadata.name === metadata.name);
    if (!found) return null;
    const [used, asked] = [found.containers[0].usage.cpu, spec.containers[0].resources.requests.cpu];
    shares.push((100 * milliCores(used)) / milliCores(asked));
  }
  return shares.length === 0 ? null : shares.reduce((all, share) => all + share, 0) / shares.length;
}

/** Sets the target between what is used now and what three times the load will use; the rest is the autoscaler's doing. */
export async function moreLoad(world: World, count: (more: Tally) => void): Promise<void> {
  const { cluster, release } = world;
  const before = await countOf(world, 'controller');
  let used: number | null = null;
  await untilHeld('metrics-server tells what each controller uses', async () => {
    used = await usage(world);
    return used !== null && used > 0;
  });
  const target = Math.ceil(1.5 * used!);
  await release.upgrade(merge(world.values, autoscaled({ most: before + 2, target })));
  const hpa = async () =>
    (await cluster.get('hpa', '-n', release.namespace, `${release.fullName}-controller`)).status;
  await untilHeld('the autoscaler has read the metric', async () =>
    ((await hpa()).currentMetrics ?? []).some(
      ({ resource }: KubernetesObject) => resource?.current?.averageUtilization > 0,
    ),
  );
  const load = await startLoad(cluster, {
    ...world.asking,
    name: 'more-load',
    rate: MORE * world.asking.rate,
  });
  try {
    count(
      await load.during(async () => {
        await untilHeld(
          `more controllers than ${before} at three times the load`,
          async () => (await hpa()).desiredReplicas > before,
          {
            ms: DECIDE_MS,
            why: async () => `Target ${target} %; ${JSON.stringify((await hpa()).currentMetrics)}`,
          },
        );
        const { desiredReplicas } = await hpa();
        await untilHeld(
          `${desiredReplicas} controllers`,
          async () => (await countOf(world, 'controller')) >= desiredReplicas,
        );
        await untilPods(world, 'controller', await countOf(world, 'controller'));
      }),
    );
  } finally {
    await load.stop();
  }
}
