/** Puts the steps together into one running controller. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Admission, Gate } from './admit/index.ts';
import { Authenticator } from './authenticate/index.ts';
import { UpstreamCaller } from './call/index.ts';
import type { RouterConfig } from './config/index.ts';
import { Decider, type DeciderDeps } from './decide/index.ts';
import { createApp } from './http/app.ts';
import { createLog, createMetrics, type Logger, type Metrics } from './observe/index.ts';
import { Settler } from './settle/index.ts';

export const VERSION = '0.1.0';

export interface RouterOptions {
  readonly config: RouterConfig;
  readonly log?: Logger;
  readonly metrics?: Metrics;
  /** Replaces the classifier's clients in tests. */
  readonly connect?: DeciderDeps['connect'];
}

export interface Router {
  /** http://HOST:PORT */
  readonly url: string;
  readonly metrics: Metrics;
  readonly decider: Decider;
  /** Requests being worked on. */
  readonly inFlight: () => number;
  /**
   * Stops: readiness off, no new work, requests in flight end within `shutdown_grace_ms`, then connections are cut.
   * Resolves when everything is closed.
   */
  readonly stop: () => Promise<void>;
}

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? `port ${port} on ${host} is taken; choose another with --port`
          : error.message;
      reject(new Error(`can’t listen: ${why}`, { cause: error }));
    });
    server.listen(port, host, 1024, () => {
      const address = server.address() as AddressInfo;
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      resolve(`http://${name}:${address.port}`);
    });
  });
}

/**
 * Starts a controller. It listens once every reachable model's labels agree with its policy.
 *
 * @throws LabelMismatch, or Error when the port is taken or keys are needed and missing.
 */
export async function startRouter(options: RouterOptions): Promise<Router> {
  const { config } = options;
  const { server: settings } = config.file;
  const log = options.log ?? createLog({ level: config.file.logging.level });
  const metrics = options.metrics ?? createMetrics({ runtime: true });
  metrics.build.set({ version: VERSION, node: process.version, config: config.version }, 1);

  const authenticator = new Authenticator(config.file, metrics);
  const gate = new Gate(settings, metrics);
  const admission = new Admission(config, metrics);
  const decider = new Decider({ config, metrics, log, ...(options.connect && { connect: options.connect }) });
  const caller = new UpstreamCaller({ config, metrics, log });
  const settler = new Settler(metrics, log);
  let accepting = true;
  const app = createApp({
    config: () => config,
    authenticator: () => authenticator,
    accepting: () => accepting,
    gate,
    admission,
    decider,
    caller,
    settler,
    metrics,
    log,
  });
  const server = createServer(
    {
      headersTimeout: settings.headers_timeout_ms,
      requestTimeout: settings.request_timeout_ms,
      keepAliveTimeout: 65_000,
    },
    app,
  );

  let url: string;
  try {
    await decider.start();
    url = await listen(server, settings.host, settings.port);
  } catch (error) {
    decider.close();
    await caller.close();
    throw error;
  }

  async function stop(): Promise<void> {
    if (!accepting) return;
    accepting = false;
    log.info('stopping', { in_flight: gate.inFlight });
    // Readiness is off now; the listener stays while balancers notice.
    await new Promise((resolve) => setTimeout(resolve, settings.drain_delay_ms));
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), settings.shutdown_grace_ms);
    await closed;
    clearTimeout(timer);
    decider.close();
    await caller.close();
    log.info('stopped');
  }

  return { url, metrics, decider, inFlight: () => gate.inFlight, stop };
}
