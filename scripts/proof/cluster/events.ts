/** What happens to a release in its life, one thing at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '../../cluster/cluster.ts';
import type { World as Whole } from './world.ts';

export type World = Pick<Whole, 'cluster' | 'release' | 'values'>;

export interface Event {
  readonly name: string;
  /**
   * rollout: nothing is missing at any time, so no request may be without the classifier's word. outage: something is gone that was
   * meant to be, so fallbacks are right; lost and cut requests are not.
   */
  readonly kind: 'rollout' | 'outage';
  /** Does it, and waits until the release has settled. */
  run(world: World): Promise<void>;
}

const SETTLE_MS = 180_000;
const WATCH_MS = 10_000;

const inNamespace =
  ({ cluster, release }: World) =>
  (...args: readonly string[]) =>
    cluster.kubectl('-n', release.namespace, ...args);

/** Pods of a part, those that are being ended too. */
async function podsOf({ cluster, release }: World, part: string): Promise<KubernetesObject[]> {
  const selector = `app.kubernetes.io/instance=${release.name},app.kubernetes.io/component=${part}`;
  return (await cluster.get('pods', '-n', release.namespace, '-l', selector)).items;
}

const isReady = ({ metadata, status }: KubernetesObject) =>
  !metadata.deletionTimestamp &&
  status.conditions?.some(({ type, status }: KubernetesObject) => type === 'Ready' && status === 'True');

/** Waits until a part has just so many pods, all of them ready: the ones before have ended. */
export async function untilPods(world: World, part: string, count: number, least = count): Promise<void> {
  for (const end = Date.now() + SETTLE_MS; ; await sleep(500)) {
    const pods = await podsOf(world, part);
    const fits = pods.length <= count && pods.length >= least;
    if (fits && pods.every(isReady)) return;
    if (Date.now() > end)
      throw new Error(
        `${part}: ${pods.length} pods, ${pods.filter(isReady).length} of them ready, not ${count}`,
      );
  }
}

const countOf = async (world: World, part: string) => (await podsOf(world, part)).length;

/** `kubectl rollout restart`, until the last of the pods before has ended. */
async function restart(world: World, part: string, kind = 'deploy'): Promise<void> {
  const kubectl = inNamespace(world);
  const count = await countOf(world, part);
  const name = `${kind}/${world.release.fullName}-${part}`;
  await kubectl('rollout', 'restart', name);
  await kubectl('rollout', 'status', name, '--timeout=180s');
  await untilPods(world, part, count);
}

async function scale(world: World, replicas: { controller?: number; classifier?: number }): Promise<void> {
  const over = Object.entries(replicas).map(([part, count]) => [part, { replicas: count }]);
  await world.release.upgrade(merge(world.values, Object.fromEntries(over)));
  for (const [part, count] of Object.entries(replicas)) await untilPods(world, part, count);
}

// biome-ignore lint/suspicious/noExplicitAny: values of a chart.
type Values = any;

/** Values over values, as Helm lays them over each other: maps are merged, all else is replaced. */
export function merge(base: Values, over: Values): Values {
  const isMap = (value: Values) => value !== null && typeof value === 'object' && !Array.isArray(value);
  if (!isMap(base) || !isMap(over)) return over;
  const keys = [...Object.keys(base), ...Object.keys(over)];
  return Object.fromEntries(keys.map((key) => [key, key in over ? merge(base[key], over[key]) : base[key]]));
}

const autoscaled = {
  controller: { autoscaling: { enabled: true, minReplicas: 2, maxReplicas: 3, target: 1 } },
};

export const EVENTS: readonly Event[] = [
  { name: 'controllers restarted', kind: 'rollout', run: (world) => restart(world, 'controller') },
  { name: 'the only classifier restarted', kind: 'rollout', run: (world) => restart(world, 'classifier') },
  { name: 'Redis restarted', kind: 'rollout', run: (world) => restart(world, 'redis', 'statefulset') },
  {
    name: 'scaled up: 4 controllers, 2 classifiers',
    kind: 'rollout',
    run: (world) => scale(world, { controller: 4, classifier: 2 }),
  },
  {
    name: 'scaled down: 2 controllers, 1 classifier',
    kind: 'rollout',
    run: (world) => scale(world, { controller: 2, classifier: 1 }),
  },
  {
    name: 'autoscaling on, with as many as there are',
    kind: 'rollout',
    run: async (world) => {
      await scale(world, { controller: 3 });
      await world.release.upgrade(merge(world.values, autoscaled));
      // Nobody tells the autoscaler of any load here, so it leaves the number alone; so must the chart.
      for (const end = Date.now() + WATCH_MS; Date.now() < end; await sleep(500)) {
        const ready = (await podsOf(world, 'controller')).filter(isReady).length;
        if (ready !== 3)
          throw new Error(`${ready} of 3 controllers were left when autoscaling was switched on`);
      }
    },
  },
  {
    name: 'autoscaling off',
    kind: 'rollout',
    run: async (world) => {
      await world.release.upgrade(world.values);
      await untilPods(world, 'controller', 2);
    },
  },
  {
    name: 'configuration changed, taken up by running pods',
    kind: 'rollout',
    run: async (world) => {
      const before = (await podsOf(world, 'controller')).map(({ metadata }) => metadata.uid).sort();
      await world.release.upgrade(merge(world.values, { config: { default_policy: 'complexity_router' } }));
      // What the running pods have taken up is seen in what they tell.
      const told = () =>
        inNamespace(world)(
          ...['exec', `deploy/${world.release.fullName}-controller`, '--', 'node', '-e'],
          "fetch('http://127.0.0.1:8084/config').then(async (r) => console.log((await r.json()).default_policy))",
        );
      for (
        const end = Date.now() + SETTLE_MS;
        !(await told()).includes('complexity_router');
        await sleep(500)
      )
        if (Date.now() > end) throw new Error('the changed configuration was not taken up');
      await world.release.upgrade(world.values);
      const after = (await podsOf(world, 'controller')).map(({ metadata }) => metadata.uid).sort();
      if (before.join() !== after.join()) throw new Error('a changed configuration rolled the pods');
    },
  },
  {
    name: 'Secret of the models’ keys changed, controllers restarted',
    kind: 'rollout',
    run: async (world) => {
      const data = { stringData: { nvidia: `another-key-${Date.now()}` } };
      await inNamespace(world)('patch', 'secret', 'llm-router-upstreams', '-p', JSON.stringify(data));
      await restart(world, 'controller');
    },
  },
  {
    name: 'upgraded with a key that rolls the pods',
    kind: 'rollout',
    run: async (world) => {
      await world.release.upgrade(
        merge(world.values, {
          config: { server: { shutdown_grace_ms: 12_000 } },
          classifier: { podLabels: { rolled: 'yes' } },
        }),
      );
      await untilPods(world, 'controller', 2);
      await untilPods(world, 'classifier', 1);
    },
  },
  {
    name: 'rolled back',
    kind: 'rollout',
    run: async (world) => {
      await world.release.helm('rollback', world.release.name, '--wait', '--timeout', '4m');
      await untilPods(world, 'controller', 2);
      await untilPods(world, 'classifier', 1);
    },
  },
  {
    name: 'a node drained, two classifiers',
    kind: 'rollout',
    run: async (world) => {
      await scale(world, { classifier: 2 });
      const { cluster } = world;
      await cluster.kubectl(
        ...['drain', 'node-2', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=180s'],
      );
      await untilPods(world, 'controller', 2);
      await untilPods(world, 'classifier', 2);
      await cluster.kubectl('uncordon', 'node-2');
      await scale(world, { classifier: 1 });
    },
  },
  {
    name: 'classifier scaled to nothing, and back',
    kind: 'outage',
    run: async (world) => {
      const kubectl = inNamespace(world);
      const name = `deploy/${world.release.fullName}-classifier`;
      await kubectl('scale', name, '--replicas=0');
      await untilPods(world, 'classifier', 0);
      await sleep(5_000);
      await kubectl('scale', name, '--replicas=1');
      await untilPods(world, 'classifier', 1);
      await sleep(10_000);
    },
  },
];
