/** For tests: an upstream on raw sockets, so that every byte of an answer, and when it comes, is the test's own. */
import { createServer, type Socket } from 'node:net';

export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly raw: string;
  /** Parsed, where it is JSON. */
  readonly body: Record<string, unknown> | null;
}

export type RawAnswer = (wire: Wire, request: RawRequest) => unknown;

/** Writes an answer. */
export class Wire {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  write(bytes: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  head(status: string, headers: Record<string, string | number>): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.write(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`);
  }

  /** A whole answer. @param type null: no content type */
  plain(
    body: string | Buffer,
    { status = '200 OK', type = 'application/json' as string | null, headers = {} } = {},
  ): void {
    const bytes = Buffer.from(body);
    this.head(status, {
      ...(type !== null && { 'content-type': type }),
      'content-length': bytes.length,
      ...headers,
    });
    this.write(bytes);
  }

  /** The headers of a chunked body. */
  open({ type = 'text/event-stream' as string | null, headers = {} } = {}): void {
    this.head('200 OK', {
      ...(type !== null && { 'content-type': type }),
      'transfer-encoding': 'chunked',
      ...headers,
    });
  }

  chunk(text: string): void {
    const bytes = Buffer.from(text);
    this.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
  }

  /** Chunks, each an event or a piece of one. */
  events(...texts: string[]): void {
    for (const text of texts) this.chunk(text);
  }

  end(): void {
    this.write('0\r\n\r\n');
  }
}

export interface RawUpstream {
  readonly url: string;
  readonly seen: readonly RawRequest[];
  /** Connections that were made. */
  readonly connections: () => number;
  answer: RawAnswer;
  close(): Promise<void>;
}

export async function startRawUpstream(answer: RawAnswer): Promise<RawUpstream> {
  const seen: RawRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    let got = Buffer.alloc(0);
    socket.on('data', (data) => {
      got = Buffer.concat([got, data]);
      for (let end = got.indexOf('\r\n\r\n'); end >= 0; end = got.indexOf('\r\n\r\n')) {
        const [first = '', ...lines] = got.toString('latin1', 0, end).split('\r\n');
        const headers = Object.fromEntries(
          lines.map((line) => [
            line.slice(0, line.indexOf(':')).toLowerCase(),
            line.slice(line.indexOf(':') + 1).trim(),
          ]),
        );
        const length = Number(headers['content-length'] ?? 0);
        if (got.length < end + 4 + length) return;
        const raw = got.toString('utf8', end + 4, end + 4 + length);
        got = got.subarray(end + 4 + length);
        const [method = '', url = ''] = first.split(' ');
        let body: RawRequest['body'] = null;
        try {
          body = JSON.parse(raw) as RawRequest['body'];
        } catch {
          // Not every request has one.
        }
        const request = { method, url, headers, raw, body };
        seen.push(request);
        upstream.answer(new Wire(socket), request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const upstream: RawUpstream = {
    url: `http://127.0.0.1:${port}`,
    seen,
    connections: () => connections,
    answer,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return upstream;
}

/** A sound plain answer. */
export const answerOf = (content: string, more: object = {}) =>
  JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
    ...more,
  });

/** One event of a stream. */
export const chunkOf = (delta: object, finish: string | null = null, more: object = {}, index = 0) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index, delta, finish_reason: finish }], ...more })}\n\n`;

export const DONE = 'data: [DONE]\n\n';
