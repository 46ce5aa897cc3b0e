/**
 * Why the classifier's Service is headless and Triton ends old connections: a new replica gets work, and no call is lost on
 * the way. Two real Tritons with the chart's arguments stand behind one name.
 */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKServeClient, encodeBytes, type KServeClient } from '../../protos/src/index.ts';
import { WIRE } from '../../services/router-controller/src/decide/classify/model-client.ts';
import { startTriton, type Triton } from '../../services/triton/src/start-triton.ts';
import { pick, render, valuesFiles } from '../deploy/chart.ts';
import { ROOT } from '../parts/lib.ts';
import { until } from './processes.ts';

const NAME = 'classifier-headless.test';
const MODEL = 'task_router_ensemble';

/** What the chart says about connections, with a shorter age. */
async function connectionArgs(): Promise<string[]> {
  const manifests = await render({ values: [valuesFiles().get('one-gpu')!] });
  const [{ args }] = pick(manifests, 'Deployment', '-classifier').spec.template.spec.containers;
  const found = (args as string[]).filter((each) => each.startsWith('--grpc-max-connection-age'));
  assert.equal(found.length, 2);
  return found.map((each) => each.replace('age=60000', 'age=500'));
}

/** Answers the name as a headless Service's DNS would. */
function resolveTo(addresses: () => readonly string[]): () => void {
  const { lookup } = dns.promises;
  const answer = async (name: string, options: object) =>
    name === NAME ? addresses().map((address) => ({ address, family: 4 })) : lookup(name, options);
  dns.promises.lookup = answer as typeof lookup;
  return () => {
    dns.promises.lookup = lookup;
  };
}

function infer(client: KServeClient): Promise<void> {
  const request = {
    model_name: MODEL,
    inputs: [{ name: WIRE.input, datatype: 'BYTES', shape: [1, 1] }],
    outputs: [{ name: WIRE.output }],
    raw_input_contents: [encodeBytes(['Write a loop.'])],
  };
  return new Promise((resolve, reject) => {
    client.ModelInfer(request, { deadline: Date.now() + 60_000 }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

async function served(triton: Triton): Promise<number> {
  const text = await (await fetch(triton.metrics)).text();
  return Number(new RegExp(`^nv_inference_request_success{model="${MODEL}",.*} (\\d+)`, 'm').exec(text)![1]);
}

test('a Triton that joins gets work, and ending connections by age loses no call', async () => {
  const repository = `${ROOT}/model_repository`;
  const args = await connectionArgs();
  const first = await startTriton({ repository, args });
  const grpcPort = Number(first.grpc.split(':')[1]);
  let addresses = ['127.0.0.1'];
  const restore = resolveTo(() => addresses);
  // As the controller's own client, but allowed to look up the name more often than every 30 s.
  const client = createKServeClient(`${NAME}:${grpcPort}`, {
    'grpc.dns_min_time_between_resolutions_ms': 100,
  });
  const failures: Error[] = [];
  let calls = 0;
  let going = true;
  const load = Array.from({ length: 3 }, async () => {
    while (going) {
      await infer(client).catch((error: Error) => failures.push(error));
      calls++;
      await sleep(20);
    }
  });
  let second: Triton | undefined;
  try {
    await until(
      async () => (await served(first)) > 20,
      () => 'the first Triton gets no work',
    );
    second = await startTriton({ repository, grpcPort, args: [...args, '--grpc-address=127.0.0.2'] });
    assert.equal(await served(second), 0);
    addresses = ['127.0.0.1', '127.0.0.2'];
    await until(
      async () => (await served(second!)) > 50,
      () => 'the second Triton gets no work',
    );
    const before = [await served(first), await served(second)];
    const from = calls;
    await until(
      () => calls > from + 100,
      () => 'calls stand still',
    );
    const shares = [(await served(first)) - before[0]!, (await served(second)) - before[1]!];
    assert.ok(Math.min(...shares) > 20, `the load is not balanced: ${shares.join(' and ')}`);
  } finally {
    going = false;
    await Promise.all(load);
    client.close();
    restore();
    await Promise.all([first.stop(), second?.stop()]);
  }
  assert.deepEqual(failures, []);
});
