/** A receiver of webhooks on a port of its own, which answers as told and keeps what it was sent. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly at: number;
}

export type Answer = (received: Received, response: ServerResponse, count: number) => void;

export const OK: Answer = (_received, response) => void response.writeHead(204).end();

export async function startReceiver(answer: Answer = OK) {
  const received: Received[] = [];
  let act = answer;
  const server = createServer(async (request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const one: Received = {
      path: request.url ?? '',
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(parts).toString(),
      at: Date.now(),
    };
    received.push(one);
    act(one, response, received.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    /** Types of what came, in order. */
    types: () => received.map(({ body }) => (JSON.parse(body) as { type?: string }).type),
    answerBy: (next: Answer) => {
      act = next;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
