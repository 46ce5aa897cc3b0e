/** A steady load on a release in a cluster, and what of it went wrong while something happened. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import type { Line } from './load/client.ts';

export interface LoadOptions {
  /** Of its pod; another one for each at the same time. Absent: load. */
  readonly name?: string;
  readonly namespace: string;
  /** Of the router, as pods reach it. */
  readonly url: string;
  /** Requests a second. */
  readonly rate: number;
  /** It ends by itself after so long. */
  readonly seconds: number;
  /** An image that has Node. */
  readonly image: string;
  /** Further labels of the pod, that network policies may go by. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What became of the requests that were sent in a span of time. */
export interface Tally {
  readonly requests: number;
  readonly lost: number;
  readonly cut: number;
  /** Answered, but without the classifier's word. */
  readonly fellBack: number;
  /** Streams answered whole, and those of them that came all at once: their first byte within the last tenth of their time. */
  readonly streams: number;
  readonly atOnce: number;
  /** Longest wait for a first byte, ms. */
  readonly longestPauseMs: number;
  /** Some of what went wrong, in words. */
  readonly examples: readonly string[];
}

export interface Load {
  /** Counts what is sent while `work` goes on, and `settleMs` after it. */
  during(work: () => Promise<void>, settleMs?: number): Promise<Tally>;
  /** Requests that have ended so far. */
  readonly ended: number;
  stop(): Promise<void>;
}

const CLIENT = join(import.meta.dirname, 'load', 'client.ts');
const EXAMPLES = 5;
/** An answer is waited for at most so long after it was asked for, ms: see the client. */
const LONGEST_MS = 65_000;
/** Other fallbacks are the policy's own: too little confidence, an unknown label. */
const FALLBACK = /^classifier_(timeout|error)_fallback$/;

export function tally(lines: readonly Line[]): Tally {
  const bad = lines.filter(({ outcome, reason }) => outcome !== 'answered' || FALLBACK.test(reason));
  const streams = lines.filter(({ stream, outcome }) => stream && outcome === 'answered');
  return {
    requests: lines.length,
    lost: lines.filter(({ outcome }) => outcome === 'lost').length,
    cut: lines.filter(({ outcome }) => outcome === 'cut').length,
    fellBack: lines.filter(({ outcome, reason }) => outcome === 'answered' && FALLBACK.test(reason)).length,
    streams: streams.length,
    atOnce: streams.filter(({ firstMs, ms }) => firstMs === null || firstMs > 0.9 * ms).length,
    longestPauseMs: Math.max(0, ...lines.map(({ firstMs, ms }) => firstMs ?? ms)),
    examples: bad
      .slice(0, EXAMPLES)
      .map(({ at, outcome, status, reason, detail, ms }) =>
        `${new Date(at).toISOString()} ${outcome} ${status} ${reason} ${ms} ms ${detail}`.trim(),
      ),
  };
}

function manifests({ name = 'load', namespace, url, rate, seconds, image, labels }: LoadOptions): object[] {
  const metadata = { name, namespace };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'client.ts': readFileSync(CLIENT, 'utf8') } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, labels: { app: 'load', ...labels } },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        // Where nothing is drained.
        nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
        terminationGracePeriodSeconds: 60,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'load',
            image,
            imagePullPolicy: 'Never',
            command: ['node', '/load/client.ts'],
            env: Object.entries({ ROUTER_URL: url, RATE: rate, SECONDS: seconds }).map(([name, value]) => ({
              name,
              value: String(value),
            })),
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            volumeMounts: [{ name: 'load', mountPath: '/load', readOnly: true }],
          },
        ],
        volumes: [{ name: 'load', configMap: { name } }],
      },
    },
  ];
}

/** Of both together. */
export const together = (one: Tally, other: Tally): Tally => ({
  requests: one.requests + other.requests,
  lost: one.lost + other.lost,
  cut: one.cut + other.cut,
  fellBack: one.fellBack + other.fellBack,
  streams: one.streams + other.streams,
  atOnce: one.atOnce + other.atOnce,
  longestPauseMs: Math.max(one.longestPauseMs, other.longestPauseMs),
  examples: [...one.examples, ...other.examples].slice(0, EXAMPLES),
});

/** Starts it, and waits until answers come. */
export async function startLoad(cluster: Cluster, options: LoadOptions): Promise<Load> {
  const { namespace, name = 'load' } = options;
  await cluster.apply(
    manifests(options)
      .map((each) => JSON.stringify(each))
      .join('\n---\n'),
  );
  await cluster.kubectl('-n', namespace, 'wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
  const lines: Line[] = [];
  const follower = cluster.follow('-n', namespace, 'logs', '--follow', `pod/${name}`);
  const other: string[] = [];
  createInterface({ input: follower.stdout! }).on('line', (text) => {
    if (text.startsWith('{')) lines.push(JSON.parse(text) as Line);
    else other.push(text);
  });
  for (const end = Date.now() + 60_000; lines.length === 0; await sleep(100))
    if (Date.now() > end) throw new Error(`no request of the load has ended: ${other.join('\n')}`);
  return {
    get ended() {
      return lines.length;
    },
    during: async (work, settleMs = 3_000) => {
      const from = Date.now();
      await work();
      await sleep(settleMs);
      const until = Date.now();
      const expected = () => lines.filter(({ at }) => at >= from && at <= until);
      // All that was sent in this time has ended when none is missing at the rate it is sent by.
      const all = Math.floor(((until - from) / 1_000) * options.rate) - 1;
      for (const end = Date.now() + LONGEST_MS; expected().length < all && Date.now() < end; )
        await sleep(100);
      const found = expected();
      if (found.length < all)
        throw new Error(`the load has told ${found.length} of ${all} requests; is it still running?`);
      return tally(found);
    },
    stop: async () => {
      await cluster.kubectl('-n', namespace, 'delete', `pod/${name}`, '--wait=true');
    },
  };
}
