/** Whether a configuration means the bundle's own classifier. */
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { RouterConfig } from '../../../router-controller/src/config/index.ts';

/**
 * True when nothing serves the classifier that a configuration wants and the bundle can: it wants models of
 * model_repository, from a name that exists only under compose and Kubernetes (v1's file says `router-server:8000`) or
 * from Triton's usual ports on this machine. Any other address is the user's own and is left alone, also while it is down.
 */
export async function isOurs(config: RouterConfig, repository: string): Promise<boolean> {
  for (const policy of config.table.policies.values()) {
    for (const { model, address, protocol } of policy.endpoints) {
      if (!existsSync(join(repository, model))) return false;
      const { hostname, port } = new URL(protocol === 'http' ? address : `http://${address}`);
      const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
      if (isHere ? !['8000', '8001'].includes(port) : await resolves(hostname)) return false;
      if (isHere && (await answers(hostname, Number(port)))) return false;
    }
  }
  return true;
}

const resolves = (hostname: string) =>
  lookup(hostname).then(
    () => true,
    () => false,
  );

/** True when something listens there. */
export function answers(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (up: boolean) => {
      socket.destroy();
      done(up);
    };
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false));
  });
}
