/** The part of node's ServerResponse that relaying needs; express stays in http/, and tests pass fakes. */
export interface ClientResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  writeHead(status: number, headers: Record<string, string | string[] | number>): unknown;
  write(chunk: Uint8Array): boolean;
  end(chunk?: Uint8Array): unknown;
  destroy(error?: Error): unknown;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
}

/** Writes and waits while the client reads slower than the upstream sends. Resolves at once when it has left. */
export async function writeTo(client: ClientResponse, chunk: Uint8Array): Promise<void> {
  if (client.destroyed || client.writableEnded) return;
  if (client.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      client.off('drain', done);
      client.off('close', done);
      resolve();
    };
    client.once('drain', done);
    client.once('close', done);
  });
}
