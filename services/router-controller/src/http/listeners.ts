/**
 * Sockets that listen on one address for one server. Of each libuv takes one connection in a turn of the event loop, and turns
 * of a busy router last tens of milliseconds: a crowd that comes at once, as all clients do after a rollout, would wait for
 * seconds, unseen by any metric. So there are several, and the kernel deals connections out to them (SO_REUSEPORT).
 */
import cluster from 'node:cluster';
import type { Server } from 'node:http';
import {
  type AddressInfo,
  createServer,
  type ListenOptions,
  type Server as NetServer,
  type Socket,
} from 'node:net';

/** Connections that are taken in a turn. */
const SOCKETS = 64;
/** Connections that may wait to be taken, of each socket. */
const BACKLOG = 1024;

export interface ListenersOptions {
  /** Most connections, over all sockets. */
  readonly max: number;
  /** Hears of each connection that was closed unread because there were as many. */
  readonly onDropped: () => void;
  /** Hears of what goes wrong once they listen. */
  readonly onError: (error: Error) => void;
}

/** @throws Error in words when the address can't be had. */
function bind(server: NetServer, options: ListenOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      const { host, port } = options;
      const why =
        error.code === 'EADDRINUSE'
          ? `port ${port} on ${host} is taken; choose another with --port`
          : error.message;
      reject(new Error(`can’t listen: ${why}`, { cause: error }));
    };
    server.once('error', refuse);
    server.listen({ ...options, backlog: BACKLOG }, () => {
      server.off('error', refuse);
      resolve(server.address() as AddressInfo);
    });
  });
}

const closing = (server: NetServer) => new Promise<void>((resolve) => server.close(() => resolve()));

function urlOf({ family, address, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** For a server that few call: one socket. @throws Error when the address can't be had */
export async function listenAlone(server: Server, host: string, port: number): Promise<string> {
  return urlOf(await bind(server, { host, port }));
}

export class Listeners {
  /** Connections that are open. */
  readonly open = new Set<Socket>();
  readonly #server: Server;
  readonly #onDropped: () => void;
  readonly #onError: (error: Error) => void;
  readonly #others: NetServer[] = [];
  #max: number;
  /** Connections that came by the others. */
  #byOthers = 0;

  constructor(server: Server, { max, onDropped, onError }: ListenersOptions) {
    this.#server = server;
    this.#onDropped = onDropped;
    this.#onError = onError;
    this.#max = max;
    this.#bound();
    // A worker that is full would else hand a connection on to the next one, and that one back, for as long as all are full.
    (server as Server & { dropMaxConnection: boolean }).dropMaxConnection = true;
    server.on('drop', onDropped);
    server.on('connection', (socket) => {
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
    });
  }

  set max(max: number) {
    this.#max = max;
    this.#bound();
  }

  /** Node counts the server's own connections alone. */
  #bound(): void {
    this.#server.maxConnections = Math.max(0, this.#max - this.#byOthers);
  }

  /**
   * @returns the URL.
   * @throws Error when the address can't be had.
   */
  async listen(host: string, port: number): Promise<string> {
    // Workers are handed their connections by a process that does nothing else.
    const alone = process.platform !== 'linux' || cluster.isWorker;
    const url = alone ? await listenAlone(this.#server, host, port) : await this.#listenTogether(host, port);
    this.#server.on('error', this.#onError);
    return url;
  }

  async #listenTogether(host: string, port: number): Promise<string> {
    // A socket that shares its port is let in beside others that do: whether the port is free, one that does not must tell.
    const asking = createServer((socket) => socket.destroy());
    const { port: free } = await bind(asking, { host, port });
    await closing(asking);
    const shared = { host, port: free, reusePort: true };
    const address = await bind(this.#server, shared);
    for (let at = 1; at < SOCKETS; at++) {
      // As node:http has its own.
      const other = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#take(socket));
      this.#others.push(other);
      await bind(other, shared);
      other.on('error', this.#onError);
    }
    return urlOf(address);
  }

  #take(socket: Socket): void {
    if (this.open.size >= this.#max) {
      socket.destroy();
      this.#onDropped();
      return;
    }
    this.#byOthers++;
    this.#bound();
    socket.once('close', () => {
      this.#byOthers--;
      this.#bound();
    });
    this.#server.emit('connection', socket);
  }

  /** Takes no more connections. Resolves when those that are open have ended. */
  async close(): Promise<void> {
    await Promise.all([this.#server, ...this.#others].map(closing));
  }
}
