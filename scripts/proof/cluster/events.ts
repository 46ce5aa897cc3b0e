/** What happens to a release in its life, one thing at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { autoscaled, moreLoad } from './autoscaler.ts';
import {
  type Event,
  inNamespace,
  isReady,
  merge,
  podsOf,
  restart,
  scale,
  untilClassified,
  untilHeld,
  untilPods,
} from './doing.ts';
import { INGRESS_EVENT } from './ingress.ts';
import { TRITON_EVENTS } from './triton.ts';

const WATCH_MS = 10_000;

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
      await world.release.upgrade(merge(world.values, autoscaled({ most: 3, target: 1 })));
      // With so low a target it wants all that it may have, which are there already; the chart must not take them away.
      for (const end = Date.now() + WATCH_MS; Date.now() < end; await sleep(500)) {
        const ready = (await podsOf(world, 'controller')).filter(isReady).length;
        if (ready !== 3)
          throw new Error(`${ready} of 3 controllers were left when autoscaling was switched on`);
      }
    },
  },
  {
    name: 'load grows, and the autoscaler adds controllers',
    kind: 'rollout',
    needs: 'metrics',
    run: moreLoad,
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
      await untilHeld('the changed configuration is taken up', async () =>
        (await told()).includes('complexity_router'),
      );
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
      // What is asked from here on is the next event's.
      await untilClassified(world);
    },
  },
  INGRESS_EVENT,
  ...TRITON_EVENTS,
];
