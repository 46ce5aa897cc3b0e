import type { Cluster } from '../../cluster/cluster.ts';
import { type Load, startLoad, type Tally } from '../../cluster/load.ts';
import { install, prepareNamespace, type Release, valuesHere } from '../../cluster/release.ts';
import { valuesFiles } from '../../deploy/chart.ts';
import type { Event } from './events.ts';

export interface World {
  readonly cluster: Cluster;
  readonly release: Release;
  /** Values over the ready-made ones, by which the release was installed. */
  readonly values: object;
  readonly load: Load;
}

const NAMESPACE = 'llm';
/** Requests a second; each takes a second or two. */
const RATE = 8;
/** The load ends by itself after so long. */
const LONGEST_S = 3_600;

/** Installs laptop.yaml with two controllers and a single classifier, tests it, and begins to ask. */
export async function startWorld(cluster: Cluster, controllers = 2): Promise<World> {
  await prepareNamespace(cluster, NAMESPACE);
  const values = valuesHere({ controller: controllers, classifier: 1 });
  const files = [valuesFiles().get('laptop')!];
  const release = await install(cluster, { name: 'router', namespace: NAMESPACE, files, over: values });
  await release.test();
  const load = await startLoad(cluster, {
    namespace: NAMESPACE,
    url: release.url,
    rate: RATE,
    seconds: LONGEST_S,
    image: 'llm-router-stand-in-llms:0.1.0',
  });
  return { cluster, release, values, load };
}

export interface EventResult extends Tally {
  readonly name: string;
  readonly kind: Event['kind'];
  readonly seconds: number;
  readonly error: string | null;
}

const NOTHING: Tally = { requests: 0, lost: 0, cut: 0, fellBack: 0, longestPauseMs: 0, examples: [] };

/** One after the other; one that does not come to its end does not keep the others from it. */
export async function runEvents(
  world: World,
  events: readonly Event[],
  say: (line: string) => void,
): Promise<EventResult[]> {
  const results: EventResult[] = [];
  for (const { name, kind, run } of events) {
    const begun = Date.now();
    let error: string | null = null;
    const told = await world.load
      .during(() =>
        run(world).catch((failure: Error) => {
          error = failure.message;
        }),
      )
      .catch((failure: Error) => {
        error ??= failure.message;
        return NOTHING;
      });
    const seconds = Math.round((Date.now() - begun) / 1_000);
    results.push({ ...told, name, kind, seconds, error });
    const isGood = !error && told.lost + told.cut === 0 && (kind === 'outage' || told.fellBack === 0);
    say(
      `${isGood ? '✔' : '✖'} ${name}: ${told.requests} requests in ${seconds} s, ${told.lost} lost, ${told.cut} cut, ${told.fellBack} fell back`,
    );
    for (const line of [...(error ? [error as string] : []), ...(isGood ? [] : told.examples)])
      say(`    ${line}`);
  }
  return results;
}
