/**
 * A KServe channel that follows its name. grpc-js looks a name up again only when a connection ends, so that replicas
 * added behind a name (a headless Service) would get no work from servers that end none. Here the name is looked up every
 * few seconds, and a channel with the new addresses takes over; connections that both have are shared.
 */
import dns from 'node:dns';
import { isIP } from 'node:net';
import type { Client } from '@grpc/grpc-js';
import { createKServeClient, type KServeClient } from '@llm-router/protos';

/** New replicas get work within so long, milliseconds: one query a name, of the cluster's own DNS. */
const LOOKUP_MS = 5_000;
/** Longest wait for a new channel; it takes over then all the same, milliseconds. */
const READY_MS = 3_000;
/** Calls in flight on the channel before may take so long, milliseconds; classifiers' deadlines are far below. */
const FAREWELL_MS = 30_000;

/** The name in `host:port`; null for addresses, and for gRPC's own schemes. */
function nameIn(address: string): string | null {
  const match = /^([^:[\]/]+):\d+$/.exec(address);
  return match && !isIP(match[1]!) ? match[1]! : null;
}

export class FollowingClient {
  readonly #address: string;
  readonly #connect: (address: string) => KServeClient;
  #client: KServeClient;
  #known: string | null = null;
  readonly #timer: NodeJS.Timeout | null = null;
  #closed = false;

  /** @param address host:port, or any gRPC target */
  constructor(
    address: string,
    connect: (address: string) => KServeClient = createKServeClient,
    lookupMs = LOOKUP_MS,
  ) {
    this.#address = address;
    this.#connect = connect;
    this.#client = connect(address);
    const name = nameIn(address);
    if (name === null) return;
    void this.#look(name);
    this.#timer = setInterval(() => void this.#look(name), lookupMs).unref();
  }

  /** The channel to call now; not to be kept. */
  get current(): KServeClient {
    return this.#client;
  }

  async #look(name: string): Promise<void> {
    let found: string;
    try {
      const all = await dns.promises.lookup(name, { all: true });
      found = all
        .map(({ address }) => address)
        .sort()
        .join();
    } catch {
      // The channel goes on with what it has; it says itself when that is nothing.
      this.#known = '';
      return;
    }
    const before = this.#known;
    if (this.#closed || found === before) return;
    this.#known = found;
    if (before === null) return;
    const next = this.#connect(this.#address);
    // Warm before it takes over: no call waits for a connection.
    (next as unknown as Client).waitForReady(Date.now() + READY_MS, () => {
      if (this.#closed) return next.close();
      const old = this.#client;
      this.#client = next;
      setTimeout(() => old.close(), FAREWELL_MS).unref();
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearInterval(this.#timer);
    this.#client.close();
  }
}
