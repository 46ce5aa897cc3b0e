/** A real Triton that dies, hangs, loses its model or comes up last, under load: no request fails where a fallback exists. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTriton, type Triton } from '@llm-router/triton';
import { chat, eventually, MODELS, sample, startWhole, user, type Whole } from './harness.ts';

const CONFIG = (grpc: string) => `
classifier: { deadline_ms: 150, startup_wait_ms: 100, cache_entries: 0, breaker_open_ms: 500 }
policies:
  - name: complexity_router
    url: grpc://${grpc}/complexity_router_ensemble
    fallback: Any
    llms:
${[
  'Any',
  'Creativity',
  'Reasoning',
  'Contextual-Knowledge',
  'Few-Shot',
  'Domain-Knowledge',
  'No-Label-Reason',
  'Constraint',
]
  .map((name) => `      - { name: ${name}, api_base: '{LLM}', model: m }`)
  .join('\n')}
`;
const LOADED = ['complexity_router_ensemble'];

interface Load {
  readonly failed: string[];
  readonly reasons: Map<string, number>;
  stop(): Promise<void>;
}

/** Clients that go on asking; prompts differ, so that nothing is remembered. */
function startLoad(url: string): Load {
  const failed: string[] = [];
  const reasons = new Map<string, number>();
  let done = false;
  let asked = 0;
  const client = async (stream: boolean) => {
    while (!done) {
      const messages = user(`Plan the shifts of ${++asked} nurses so that no night follows a day`);
      const response = await chat(url, { model: 'complexity_router', messages, stream });
      const text = await response.text();
      const reason = response.headers.get('x-llm-router-reason') ?? 'none';
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      if (response.status !== 200) failed.push(`${response.status} ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const clients = [client(false), client(true), client(false)];
  return {
    failed,
    reasons,
    stop: async () => {
      done = true;
      await Promise.all(clients);
    },
  };
}

describe('a classifier in trouble', () => {
  let triton: Triton;
  let whole: Whole;
  let load: Load;
  let ports: { grpcPort: number; httpPort: number; metricsPort: number };

  const start = () => startTriton({ repository: MODELS, modelControl: 'explicit', load: LOADED, ...ports });
  const portOf = (address: string) =>
    Number(new URL(address.includes('//') ? address : `http://${address}`).port);
  /** Waits for more decisions of a kind than there are now. */
  const more = async (what: string, kinds: readonly string[]) => {
    const count = () => kinds.reduce((sum, kind) => sum + (load.reasons.get(kind) ?? 0), 0);
    const before = count();
    const started = performance.now();
    await eventually(what, () => count() > before + 3);
    return Math.round(performance.now() - started);
  };
  const fallback = (what: string) => more(what, ['classifier_timeout_fallback', 'classifier_error_fallback']);
  const recovered = async (test: { diagnostic(text: string): void }, from: string) =>
    test.diagnostic(`classified again ${await more('labels come again', ['classified'])} ms after ${from}`);

  before(async () => {
    triton = await startTriton({ repository: MODELS, modelControl: 'explicit', load: LOADED });
    ports = {
      grpcPort: portOf(triton.grpc),
      httpPort: portOf(triton.http),
      metricsPort: portOf(triton.metrics),
    };
    // It comes up last: the controller starts while nobody answers there.
    await triton.kill();
    whole = await startWhole({ config: CONFIG(triton.grpc) });
    load = startLoad(whole.url);
  });
  after(async () => {
    await load?.stop();
    await Promise.all([whole?.stop(), triton?.stop()]);
  });

  test('comes up after the controller', async (context) => {
    await fallback('requests are answered without it');
    const ready = await (await fetch(`${whole.url}/readyz`)).json();
    assert.equal((ready as { status: string }).status, 'degraded');
    triton = await start();
    await recovered(context, 'its start');
    assert.deepEqual(load.failed, []);
  });

  test('is killed and started again', async (context) => {
    await triton.kill();
    await fallback('requests go on');
    triton = await start();
    await recovered(context, 'its start');
    assert.deepEqual(load.failed, []);
  });

  test('hangs and goes on', async (context) => {
    await triton.pause();
    await fallback('requests go on');
    triton.resume();
    // Its own watchdogs may end it when it wakes up; then it is started again, as a supervisor would.
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (triton.process.exitCode !== null || triton.process.signalCode !== null) triton = await start();
    await recovered(context, 'it went on');
    assert.deepEqual(load.failed, []);
  });

  test('loses its model and gets it back', async (context) => {
    const repository = (action: string) =>
      fetch(`${triton.http}/v2/repository/models/${LOADED[0]}/${action}`, { method: 'POST' });
    assert.equal((await repository('unload')).status, 200);
    await fallback('requests go on');
    assert.equal((await repository('load')).status, 200);
    await recovered(context, 'the model was back');
    assert.deepEqual(load.failed, []);
  });

  test('each degraded decision is counted by its reason', async () => {
    await load.stop();
    const counted = await sample(whole.metrics, 'llm_router_classifier_errors_total');
    const degraded = ['classifier_timeout_fallback', 'classifier_error_fallback'].reduce(
      (sum, kind) => sum + (load.reasons.get(kind) ?? 0),
      0,
    );
    assert.equal(counted, degraded);
    assert.equal(await sample(whole.metrics, 'llm_router_in_flight'), 0);
  });
});
