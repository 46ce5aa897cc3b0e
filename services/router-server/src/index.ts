/**
 * A small stand-in for Triton on machines without one: it loads the same model_repository and speaks the same protocol.
 *
 * @example
 * const server = await startRouterServer({ repository: 'model_repository' });
 * server.grpc; // '127.0.0.1:40123'
 * await server.close();
 */
import { availableParallelism } from 'node:os';
import { serveGrpc } from './grpc.ts';
import { serveHttp } from './http.ts';
import type { Log } from './log.ts';
import { Management } from './management.ts';
import { createMetrics } from './metrics.ts';
import { Repository } from './repository.ts';

export { InferError } from './errors.ts';
export { Repository } from './repository.ts';

export interface RouterServerOptions {
  readonly repository: string;
  readonly host?: string;
  /** 0 takes a free one. */
  readonly grpcPort?: number;
  readonly httpPort?: number;
  /** Threads of one inference; default: as many as there are cores, at most 4. */
  readonly threads?: number;
  /** Seconds between looks at the repository; 0: only by the repository API. */
  readonly pollSeconds?: number;
  /** Addresses and ranges that may load and unload models; default: this machine's own. */
  readonly manageFrom?: readonly string[];
  readonly log?: Log;
}

export interface RouterServer {
  /** host:port */
  readonly grpc: string;
  /** http://host:port */
  readonly http: string;
  readonly repository: Repository;
  /** Ends requests in flight first, within five seconds. */
  readonly close: () => Promise<void>;
}

const CLOSE_MS = 5_000;
/** After that connections are cut; grpc-js then still waits for the other side's end of one that it was closing already. */
const FORCED_MS = 500;

/** An IPv6 address stands in brackets before a port. */
const at = (host: string, port: number) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** @throws Error when the repository can't be read, an entry of `manageFrom` is wrong, or an address can't be listened on. */
export async function startRouterServer(options: RouterServerOptions): Promise<RouterServer> {
  const host = options.host ?? '127.0.0.1';
  const metrics = createMetrics();
  const management = new Management(options.manageFrom);
  const repository = new Repository({
    folder: options.repository,
    threads: options.threads ?? Math.min(4, availableParallelism()),
    metrics,
    ...(options.log && { log: options.log }),
  });
  await repository.sync();
  const grpc = await serveGrpc(repository, management, at(host, options.grpcPort ?? 0));
  const http = await serveHttp(repository, metrics, management, host, options.httpPort ?? 0).catch(
    (error: unknown) => {
      grpc.force();
      throw error;
    },
  );
  const seconds = options.pollSeconds ?? 2;
  const poll =
    seconds > 0
      ? setInterval(
          () =>
            void repository
              .sync()
              .catch((error) => options.log?.(`can’t read the repository: ${error}`, 'error')),
          seconds * 1000,
        )
      : null;
  return {
    grpc: at(host, grpc.port),
    http: `http://${at(host, http.port)}`,
    repository,
    close: async () => {
      if (poll) clearInterval(poll);
      const forced = Promise.withResolvers<void>();
      let timer = setTimeout(() => {
        grpc.force();
        http.server.closeAllConnections();
        timer = setTimeout(forced.resolve, FORCED_MS);
      }, CLOSE_MS);
      http.server.closeIdleConnections();
      const closed = Promise.all([grpc.close(), new Promise((resolve) => http.server.close(resolve))]);
      await Promise.race([closed, forced.promise]);
      clearTimeout(timer);
      await repository.close();
    },
  };
}
