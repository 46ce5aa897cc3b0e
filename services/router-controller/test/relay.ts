/** An address before a server, as DNS or a Service is one: it can move, fall silent, and tells what passed. */
import { connect, createServer, type Socket } from 'node:net';

export interface Relay {
  readonly port: number;
  /** Where new connections go. Those that live stay where they are, as they do behind a Service. */
  readonly moveTo: (port: number) => void;
  /** Nothing passes any more on the connections that there are, and nobody is told: half-open. */
  readonly freeze: () => void;
  /** First byte that a client sent, for each connection. */
  readonly firstBytes: () => readonly number[];
  /** Everything that clients sent. */
  readonly sent: () => string;
  readonly close: () => Promise<void>;
}

/** @param port of the server behind it, on loopback. */
export async function startRelay(port: number): Promise<Relay> {
  let target = port;
  const first: number[] = [];
  const sent: Buffer[] = [];
  const live = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect(target, '127.0.0.1');
    client.once('data', (data) => first.push(data[0]!));
    client.on('data', (data) => sent.push(data));
    client.pipe(behind).pipe(client);
    for (const socket of [client, behind]) {
      live.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        live.delete(socket);
        client.destroy();
        behind.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    moveTo: (next) => {
      target = next;
    },
    freeze: () => {
      for (const socket of live) socket.unpipe().pause();
    },
    firstBytes: () => first,
    sent: () => Buffer.concat(sent).toString('latin1'),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of live) socket.destroy();
      await closed;
    },
  };
}
