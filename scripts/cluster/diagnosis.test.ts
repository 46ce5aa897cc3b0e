import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from './cluster.ts';
import { diagnose } from './diagnosis.ts';

const container = (ready: boolean, state: object, more: object = {}) => ({
  name: 'controller',
  ready,
  restartCount: ready ? 0 : 3,
  state,
  ...more,
});
const pod = (name: string, ready: boolean, state: object, more: object = {}) => ({
  metadata: { name, labels: {} },
  spec: { nodeName: 'node-1' },
  status: { phase: 'Running', containerStatuses: [container(ready, state, more)] },
});

test('the pod that is not ready stands first, with its reason, its last end and its log; long lines are cut', async () => {
  const asked: string[] = [];
  const cluster = {
    get: async () => ({
      items: [
        pod('good', true, { running: {} }),
        pod(
          'bad',
          false,
          { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
          { lastState: { terminated: { exitCode: 7, reason: 'Error' } } },
        ),
      ],
    }),
    kubectl: async (...args: string[]) => {
      asked.push(args.join(' '));
      return args.includes('logs')
        ? `log of ${args[3]} ${'x'.repeat(1_000)}\n`
        : 'Warning Unhealthy pod/bad\n';
    },
  } as unknown as Cluster;
  const told = await diagnose(cluster, 'llm');
  const lines = told.split('\n');
  assert.equal(lines[0], 'pod bad on node-1: Running');
  assert.match(
    lines[1]!,
    /not ready, waiting CrashLoopBackOff back-off, 3 restarts, ended before with 7 Error/,
  );
  assert.match(lines[2]!, /log of bad x+…$/);
  assert.equal(lines[3], 'pod good on node-1: Running');
  assert.match(lines.at(-1)!, /Unhealthy pod\/bad/);
  assert.ok(asked.every((each) => each.startsWith('-n llm ')));
});

test('a cluster that does not answer any more is told, and hides no failure', async () => {
  const cluster = { get: async () => Promise.reject(new Error('connection refused')) } as unknown as Cluster;
  assert.match(await diagnose(cluster, 'llm'), /connection refused/);
});
