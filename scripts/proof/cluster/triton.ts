/** The chart's default classifier, Triton, in router-server's place: on a CPU, of the image that compose builds. */
import { type Event, merge, restart, untilPods, type World } from './doing.ts';

const small = { requests: { cpu: '50m', memory: '512Mi' }, limits: { cpu: '2', memory: '4Gi' } };

const values = (world: World, replicas: number) =>
  merge(world.values, {
    classifier: { kind: 'triton', gpu: { enabled: false }, replicas, resources: small },
  });

async function upgrade(world: World, replicas: number): Promise<void> {
  await world.release.upgrade(values(world, replicas));
  await untilPods(world, 'classifier', replicas);
}

const event = (name: string, run: Event['run']): Event => ({ name, kind: 'rollout', needs: 'triton', run });

/** One after the other: each begins with what the one before has left. */
export const TRITON_EVENTS: readonly Event[] = [
  event('router-server gives way to Triton', (world) => upgrade(world, 1)),
  event('the only Triton restarted', (world) => restart(world, 'classifier')),
  event('scaled up: 2 Tritons', (world) => upgrade(world, 2)),
  event('scaled down: 1 Triton', (world) => upgrade(world, 1)),
];
