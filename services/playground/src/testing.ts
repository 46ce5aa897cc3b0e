/** For tests: a router that notes what it is asked, and requests with any headers at all. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Playground, type PlaygroundOptions, startPlayground } from './index.ts';

export const KEY = 'sk-key-of-the-router-000000000000';

export interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Resolves when the connection of this call has ended: true when the answer was whole. */
  readonly ended: Promise<boolean>;
}

export interface Scene {
  readonly playground: Playground;
  readonly seen: SeenCall[];
  readonly logged: string[];
  readonly stop: () => Promise<void>;
}

export type Answer = (call: SeenCall, response: ServerResponse) => void;

async function readAll(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

/**
 * A playground in front of a router that answers as told.
 *
 * @param options.under path at which the router is
 */
export async function startScene(
  answer: Answer,
  { under = '', ...options }: Partial<PlaygroundOptions> & { readonly under?: string } = {},
): Promise<Scene> {
  const seen: SeenCall[] = [];
  const logged: string[] = [];
  const server = createServer(async (incoming, response) => {
    const ended = new Promise<boolean>((resolve) =>
      response.once('close', () => resolve(response.writableFinished)),
    );
    const body = await readAll(incoming);
    const call = { method: incoming.method!, path: incoming.url!, headers: incoming.headers, body, ended };
    seen.push(call);
    answer(call, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const playground = await startPlayground({
    router: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${under}`),
    apiKey: KEY,
    port: 0,
    log: (line) => logged.push(line),
    ...options,
  });
  return {
    playground,
    seen,
    logged,
    stop: async () => {
      await playground.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request as no browser would be stopped from making it. */
export function send(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: init.method ?? 'GET', headers: init.headers ?? {} });
    call.once('error', reject);
    call.once('response', (response) => {
      readAll(response).then(
        (text) => resolve({ status: response.statusCode!, headers: response.headers, text }),
        reject,
      );
    });
    call.end(init.body);
  });
}

export const postJson = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  send(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
