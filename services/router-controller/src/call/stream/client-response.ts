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

/**
 * Writes, unless the client has left.
 *
 * @returns null: go on; else to wait for, because the client reads slower than the upstream sends. No promise for each chunk of
 * a stream that is read.
 */
export function writeTo(client: ClientResponse, chunk: Uint8Array): Promise<void> | null {
  if (client.destroyed || client.writableEnded || client.write(chunk)) return null;
  return new Promise<void>((resolve) => {
    const done = () => {
      client.off('drain', done);
      client.off('close', done);
      resolve();
    };
    client.once('drain', done);
    client.once('close', done);
  });
}
