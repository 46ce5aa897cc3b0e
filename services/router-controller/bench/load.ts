/** Sends prepared requests over raw sockets, each connection one after the other, and notes when the bytes come. */
import { connect, type Socket } from 'node:net';
import { MessageReader } from './http-messages.ts';

export interface LoadOptions {
  /** host:port in a URL. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bodies by number of the request, so that prompts can differ. */
  readonly body: (index: number) => string | Buffer;
  readonly connections: number;
  /** Of all connections together. */
  readonly requests: number;
  /** Default: chat completions. */
  readonly path?: string;
  /** Headers that differ by request. */
  readonly headersOf?: (index: number) => Readonly<Record<string, string>>;
}

/** Times in milliseconds. */
export interface LoadResult {
  readonly ok: number;
  readonly failed: number;
  readonly wallMs: number;
  readonly totals: number[];
  /** To the first byte of the body. */
  readonly firsts: number[];
  /** Between events of one stream. */
  readonly gaps: number[];
  readonly events: number;
}

const CHAT = '/v1/chat/completions';
const DATA = Buffer.from('data: ');

function eventsIn(piece: Buffer): number {
  let count = 0;
  for (let at = piece.indexOf(DATA); at >= 0; at = piece.indexOf(DATA, at + DATA.length)) count++;
  return count;
}

function requestBytes({ url, path = CHAT, headers, headersOf, body }: LoadOptions, index: number): Buffer {
  const bytes = Buffer.from(body(index) as string);
  const lines = Object.entries({ ...headers, ...headersOf?.(index) }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const head = `POST ${path} HTTP/1.1\r\nhost: ${new URL(url).host}\r\ncontent-type: application/json\r\n`;
  return Buffer.concat([
    Buffer.from(`${head}content-length: ${bytes.length}\r\n${lines.join('')}\r\n`),
    bytes,
  ]);
}

export async function load(options: LoadOptions): Promise<LoadResult> {
  const { hostname, port } = new URL(options.url);
  const result = { ok: 0, failed: 0, wallMs: 0, totals: [], firsts: [], gaps: [], events: 0 } as {
    -readonly [K in keyof LoadResult]: LoadResult[K];
  };
  // The same bytes again and again are made once.
  const constant =
    options.headersOf === undefined && options.body.length === 0 ? requestBytes(options, 0) : null;
  let next = 0;

  const run = () =>
    new Promise<void>((resolve) => {
      let sent = 0;
      let first = 0;
      let last = 0;
      let good = false;
      let socket: Socket;
      const ask = () => {
        if (next >= options.requests) return void socket.end(() => resolve());
        const bytes = constant ?? requestBytes(options, next);
        next++;
        first = last = 0;
        sent = performance.now();
        socket.write(bytes);
      };
      const reader = new MessageReader({
        head: (head) => {
          good = head.startsWith('HTTP/1.1 200');
        },
        body: (piece) => {
          const now = performance.now();
          if (first === 0) first = now;
          const events = eventsIn(piece);
          result.events += events;
          for (let i = 0; i < events; i++) {
            if (last > 0) result.gaps.push(i === 0 ? now - last : 0);
            last = now;
          }
        },
        end: () => {
          if (good) result.ok++;
          else result.failed++;
          result.totals.push(performance.now() - sent);
          result.firsts.push(first - sent);
          ask();
        },
      });
      socket = connect({ port: Number(port), host: hostname, noDelay: true }, ask);
      socket.on('data', (data) => reader.push(data));
      socket.once('error', () => {
        result.failed++;
        resolve();
      });
      socket.once('close', () => resolve());
    });

  const began = performance.now();
  await Promise.all(Array.from({ length: options.connections }, run));
  result.wallMs = performance.now() - began;
  return result;
}
