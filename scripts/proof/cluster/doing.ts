/** What events do to a release, and how they see that it has settled. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '../../cluster/cluster.ts';
import type { Tally } from '../../cluster/load.ts';
import type { World as Whole } from './world.ts';

export type World = Pick<Whole, 'cluster' | 'release' | 'values' | 'asking'>;

export interface Event {
  readonly name: string;
  /**
   * rollout: nothing is missing at any time, so no request may be without the classifier's word. outage: something is gone that was
   * meant to be, so fallbacks are right; lost and cut requests are not.
   */
  readonly kind: 'rollout' | 'outage';
  /** What has to be in the cluster beside the release. */
  readonly needs?: 'metrics' | 'triton' | 'ingress';
  /** Does it, and waits until the release has settled. @param count takes requests beside the world's own load. */
  run(world: World, count: (more: Tally) => void): Promise<void>;
}

const SETTLE_MS = 180_000;
/** Longest wait for what a cluster does by itself. */
export const DECIDE_MS = 240_000;

export const inNamespace =
  ({ cluster, release }: World) =>
  (...args: readonly string[]) =>
    cluster.kubectl('-n', release.namespace, ...args);

/** Pods of a part, those that are being ended too. */
export async function podsOf(
  { cluster, release }: Pick<World, 'cluster' | 'release'>,
  part: string,
): Promise<KubernetesObject[]> {
  const selector = `app.kubernetes.io/instance=${release.name},app.kubernetes.io/component=${part}`;
  return (await cluster.get('pods', '-n', release.namespace, '-l', selector)).items;
}

export const isReady = ({ metadata, status }: KubernetesObject) =>
  !metadata.deletionTimestamp &&
  status.conditions?.some(({ type, status }: KubernetesObject) => type === 'Ready' && status === 'True');

/** Looks twice a second. @param why what is told when it takes too long. */
export async function untilHeld(
  what: string,
  holds: () => Promise<boolean>,
  { ms = SETTLE_MS, why = async () => '' }: { ms?: number; why?: () => Promise<string> } = {},
): Promise<void> {
  for (const end = Date.now() + ms; !(await holds()); await sleep(500))
    if (Date.now() > end) throw new Error(`within ${ms / 1_000} s not: ${what}. ${await why()}`.trim());
}

/** Waits until a part has just so many pods, all of them ready: the ones before have ended. */
export async function untilPods(world: World, part: string, count: number): Promise<void> {
  const fits = (pods: readonly KubernetesObject[]) => pods.length === count && pods.every(isReady);
  await untilHeld(`${count} pods of the ${part}`, async () => fits(await podsOf(world, part)), {
    why: async () => {
      const pods = await podsOf(world, part);
      return `There are ${pods.length}, ${pods.filter(isReady).length} of them ready.`;
    },
  });
}

/** Asks its own controller for a decision, with a text that no cache knows, and tells why it was made. */
const DECIDE = `fetch('http://127.0.0.1:8084/v1/route', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'task_router', messages: [{ role: 'user', content: 'Write a loop that counts to ' + Date.now() }] }),
}).then(async (answer) => console.log((await answer.json()).reason))`;

/**
 * Waits until every controller has the classifier's word again. A cluster's DNS may keep for 30 s that a classifier had no address.
 */
export async function untilClassified(world: World): Promise<void> {
  let told: string[] = [];
  const all = async () => {
    const pods = (await podsOf(world, 'controller')).filter(isReady);
    const ask = (name: string) => inNamespace(world)('exec', name, '--', 'node', '-e', DECIDE);
    told = await Promise.all(pods.map(async ({ metadata }) => (await ask(metadata.name)).trim()));
    return told.length > 0 && told.every((reason) => !/^classifier_|undefined/.test(reason));
  };
  await untilHeld('the classifier’s word in every controller', all, {
    why: async () => `They say: ${told.join(', ')}`,
  });
}

export const countOf = async (world: World, part: string) => (await podsOf(world, part)).length;

/** `kubectl rollout restart`, until the last of the pods before has ended. */
export async function restart(world: World, part: string, kind = 'deploy'): Promise<void> {
  const kubectl = inNamespace(world);
  const count = await countOf(world, part);
  const name = `${kind}/${world.release.fullName}-${part}`;
  await kubectl('rollout', 'restart', name);
  await kubectl('rollout', 'status', name, '--timeout=180s');
  await untilPods(world, part, count);
}

export async function scale(
  world: World,
  replicas: { controller?: number; classifier?: number },
): Promise<void> {
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
