/** The chart's Ingress by a real controller: plain answers and streams through its proxies, while the controllers behind them roll. */
import { addContour } from '../../cluster/contour.ts';
import { startLoad } from '../../cluster/load.ts';
import { type Event, inNamespace, merge, restart, untilHeld, type World } from './doing.ts';

/** Status of a GET by a pod that is a client. */
const ask = async (world: World, url: string): Promise<string> =>
  (
    await inNamespace(world)(
      ...['exec', 'load', '--', 'node', '-e'],
      `fetch('${url}').then(({ status }) => console.log(status), ({ cause, message }) => console.log(cause?.code ?? message))`,
    )
  ).trim();

export const INGRESS_EVENT: Event = {
  name: 'through an Ingress, controllers restarted',
  kind: 'rollout',
  needs: 'ingress',
  run: async (world, count) => {
    const { cluster, release } = world;
    const { className, namespace, host } = await addContour(cluster);
    const { networkPolicy } = world.values as { networkPolicy: { clients: object[] } };
    await release.upgrade(
      merge(world.values, {
        ingress: { enabled: true, className, hosts: [host] },
        networkPolicy: { clients: [...networkPolicy.clients, { namespace }] },
      }),
    );
    const url = `http://${host}`;
    let told = '';
    await untilHeld(
      'the Ingress leads to the router',
      async () => {
        told = await ask(world, `${url}/v1/models`);
        return told === '200';
      },
      { why: async () => `Its proxy says: ${told}` },
    );
    // What the chart gives no path to stays inside.
    for (const path of ['/metrics', '/config', '/readyz']) {
      const status = await ask(world, url + path);
      if (status !== '404') throw new Error(`${path} is answered with ${status} from outside`);
    }
    const load = await startLoad(cluster, { ...world.asking, name: 'through-ingress', url });
    try {
      const more = await load.during(() => restart(world, 'controller'));
      count(more);
      const { streams, atOnce } = more;
      if (streams === 0 || atOnce > 0.1 * streams)
        throw new Error(`${atOnce} of ${streams} streams came all at once: the proxy holds them back`);
    } finally {
      await load.stop();
    }
    await release.upgrade(world.values);
  },
};
