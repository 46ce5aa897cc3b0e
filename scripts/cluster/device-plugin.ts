/**
 * A device plugin without a device: a kubelet takes its node for one with so many GPUs, and gives them to pods that ask, so that the
 * scheduling of the chart's GPU profile can be seen where there is no GPU. Kubelet's socket lies in /var/lib/kubelet/device-plugins, whatever
 * its root is.
 *
 * `node scripts/cluster/device-plugin.ts [--folder DIR] [--resource nvidia.com/gpu] [--count N]` registers, serves until SIGTERM, and prints
 * `ready` when the kubelet has taken it and `allocated ID,…` for each container that is given some.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  loadPackageDefinition,
  loadSync,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
} from '../../protos/src/grpc.ts';

const FOLDER = '/var/lib/kubelet/device-plugins';
const ENDPOINT = 'llm-router-no-gpu.sock';
const DEADLINE_MS = 10_000;

interface Api {
  readonly Registration: ServiceClientConstructor;
  readonly DevicePlugin: ServiceClientConstructor;
}

/** The API's two services, for the plugin and for tests. */
export const deviceApi = (): Api =>
  (
    loadPackageDefinition(
      loadSync(join(import.meta.dirname, 'device-plugin.proto'), { keepCase: true }),
    ) as unknown as { v1beta1: Api }
  ).v1beta1;

export interface DevicePlugin {
  readonly stop: () => Promise<void>;
}

export interface DevicePluginOptions {
  /** Of the kubelet's socket, and of the plugin's own. */
  readonly folder?: string;
  readonly resource?: string;
  readonly count?: number;
  /** Devices that a container was given. */
  readonly onAllocated?: (ids: readonly string[]) => void;
}

/** @throws Error when the kubelet does not take it. */
export async function startDevicePlugin({
  folder = FOLDER,
  resource = 'nvidia.com/gpu',
  count = 1,
  onAllocated = () => {},
}: DevicePluginOptions = {}): Promise<DevicePlugin> {
  const { Registration, DevicePlugin } = deviceApi();
  const devices = Array.from({ length: count }, (_, n) => ({ ID: `no-gpu-${n}`, health: 'Healthy' }));
  const nothing: handleUnaryCall<object, object> = (_call, answer) => answer(null, {});
  const listAndWatch: handleServerStreamingCall<object, object> = (call) => {
    // The stream stays open: its end would say that the devices are gone.
    call.write({ devices });
  };
  const allocate: handleUnaryCall<{ container_requests: { devices_ids: string[] }[] }, object> = (
    { request },
    answer,
  ) => {
    for (const { devices_ids } of request.container_requests) onAllocated(devices_ids);
    const container_responses = request.container_requests.map(({ devices_ids }) => ({
      envs: { NVIDIA_VISIBLE_DEVICES: devices_ids.join(',') },
    }));
    answer(null, { container_responses });
  };
  const server = new Server();
  server.addService(DevicePlugin.service, {
    GetDevicePluginOptions: nothing,
    ListAndWatch: listAndWatch,
    GetPreferredAllocation: nothing,
    Allocate: allocate,
    PreStartContainer: nothing,
  });
  const socket = join(folder, ENDPOINT);
  // One that was killed leaves its own.
  rmSync(socket, { force: true });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  const stop = async () => {
    server.forceShutdown();
    rmSync(socket, { force: true });
  };
  const kubelet = new Registration(`unix:${join(folder, 'kubelet.sock')}`, credentials.createInsecure());
  try {
    await new Promise<void>((resolve, reject) =>
      kubelet.Register!(
        { version: 'v1beta1', endpoint: ENDPOINT, resource_name: resource },
        { deadline: Date.now() + DEADLINE_MS },
        (error: Error | null) => (error ? reject(error) : resolve()),
      ),
    );
  } catch (error) {
    await stop();
    throw new Error(`the kubelet of ${folder} does not take the plugin: ${(error as Error).message}`);
  } finally {
    kubelet.close();
  }
  return { stop };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string', default: FOLDER },
      resource: { type: 'string', default: 'nvidia.com/gpu' },
      count: { type: 'string', default: '1' },
    },
  });
  const plugin = await startDevicePlugin({
    folder: values.folder,
    resource: values.resource,
    count: Number(values.count),
    onAllocated: (ids) => console.log(`allocated ${ids.join()}`),
  });
  console.log('ready');
  const stop = () => void plugin.stop().then(() => process.exit(0));
  process.on('SIGTERM', stop).on('SIGINT', stop);
}
