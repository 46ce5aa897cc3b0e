/** The device plugin against a kubelet's side of its API: registration, the list of devices, allocation. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { credentials, Server, ServerCredentials } from '../../protos/src/grpc.ts';
import { deviceApi, startDevicePlugin } from './device-plugin.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'llm-router-kubelet-'));
  folders.push(made);
  return made;
}

test('it registers, lists its devices and goes on listing, gives them out by name, and takes its socket away', async () => {
  const at = folder();
  const registered: Record<string, unknown>[] = [];
  const kubelet = new Server();
  kubelet.addService(deviceApi().Registration.service, {
    Register: (call: { request: Record<string, unknown> }, answer: (error: null, value: object) => void) => {
      registered.push(call.request);
      answer(null, {});
    },
  });
  await new Promise<void>((resolve, reject) =>
    kubelet.bindAsync(`unix:${join(at, 'kubelet.sock')}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  const given: string[][] = [];
  const plugin = await startDevicePlugin({
    folder: at,
    count: 2,
    onAllocated: (ids) => given.push([...ids]),
  });
  try {
    const [{ version, endpoint, resource_name }] = registered as [Record<string, string>];
    assert.deepEqual([version, resource_name], ['v1beta1', 'nvidia.com/gpu']);
    const client = new (deviceApi().DevicePlugin)(
      `unix:${join(at, endpoint!)}`,
      credentials.createInsecure(),
    );
    const list = client.ListAndWatch!({});
    const first = await new Promise<{ devices: { ID: string; health: string }[] }>((resolve, reject) =>
      list.once('data', resolve).once('error', reject),
    );
    assert.deepEqual(
      first.devices.map(({ ID, health }) => `${ID} ${health}`),
      ['no-gpu-0 Healthy', 'no-gpu-1 Healthy'],
    );
    const answer = await new Promise<{ container_responses: { envs: Record<string, string> }[] }>(
      (resolve, reject) =>
        client.Allocate!(
          { container_requests: [{ devices_ids: ['no-gpu-1'] }] },
          (error: Error | null, value: never) => (error ? reject(error) : resolve(value)),
        ),
    );
    assert.equal(answer.container_responses[0]!.envs.NVIDIA_VISIBLE_DEVICES, 'no-gpu-1');
    assert.deepEqual(given, [['no-gpu-1']]);
    list.on('error', () => {}).cancel();
    client.close();
    await plugin.stop();
    assert.equal(existsSync(join(at, endpoint!)), false);
  } finally {
    await plugin.stop();
    kubelet.forceShutdown();
  }
});

test('no kubelet is told by its folder, and nothing stays', async () => {
  const at = folder();
  await assert.rejects(startDevicePlugin({ folder: at }), /the kubelet of .* does not take the plugin/);
  assert.equal(existsSync(join(at, 'llm-router-no-gpu.sock')), false);
});
