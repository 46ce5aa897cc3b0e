/** An upstream that answers at once with prepared bytes: plain chat completions, and streams in an exact rhythm. */
import { createServer, type Server, type Socket } from 'node:net';
import { MessageReader } from './http-messages.ts';

export interface Answers {
  /** Text of a plain answer, bytes. */
  readonly bodyBytes: number;
  /** Content events of a stream. */
  readonly chunks: number;
  /** Pause before each write; 0: one a turn of the event loop, without a pause. */
  readonly delayMs: number;
  /** Events that go out in one write. */
  readonly together: number;
}

export const ANSWERS: Answers = { bodyBytes: 600, chunks: 20, delayMs: 0, together: 1 };

const USAGE = '"usage":{"prompt_tokens":20,"completion_tokens":100,"total_tokens":120}';

function plain({ bodyBytes }: Answers): Buffer {
  const text = 'lorem ipsum '.repeat(Math.ceil(bodyBytes / 12)).slice(0, bodyBytes);
  const body =
    '{"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"mock","choices":[{"index":0,' +
    `"message":{"role":"assistant","content":"${text}"},"finish_reason":"stop"}],${USAGE}}`;
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
}

const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n';
const chunk = (text: string) => Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
const event = (choices: string, more = '') =>
  chunk(
    'data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,"model":"mock",' +
      `"choices":${choices}${more}}\n\n`,
  );
const delta = (text: string, reason = 'null') =>
  event(`[{"index":0,"delta":${text},"finish_reason":${reason}}]`);

/** All that goes out after the head, by writes. */
function stream({ chunks, together }: Answers): Buffer[] {
  const events = [
    delta('{"role":"assistant","content":""}'),
    ...Array.from({ length: chunks }, (_, at) => delta(`{"content":"w${at} "}`)),
    delta('{}', '"stop"'),
    event('[]', `,${USAGE}`),
    chunk('data: [DONE]\n\n'),
  ];
  return Array.from({ length: Math.ceil(events.length / together) }, (_, at) =>
    Buffer.concat(events.slice(at * together, (at + 1) * together)),
  );
}

export interface MockUpstream {
  readonly url: string;
  readonly set: (answers: Answers) => void;
  /** Cuts what is open. */
  readonly close: () => void;
}

export async function startMockUpstream(): Promise<MockUpstream> {
  let answers = ANSWERS;
  let whole = plain(answers);
  let events = stream(answers);

  function sendStream(socket: Socket): void {
    const { delayMs } = answers;
    const all = events;
    let at = 0;
    const began = performance.now();
    const next = () => {
      if (socket.destroyed) return;
      socket.write(all[at++]!);
      if (at === all.length) return void socket.write('0\r\n\r\n');
      // By a fixed schedule, so that a busy machine does not add up delays.
      if (delayMs > 0) setTimeout(next, Math.max(0, began + (at + 1) * delayMs - performance.now()));
      else setImmediate(next);
    };
    socket.write(STREAM_HEAD);
    if (delayMs > 0) setTimeout(next, delayMs);
    else next();
  }

  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    let streams = false;
    const reader = new MessageReader({
      head: () => {
        streams = false;
      },
      body: (piece) => {
        streams ||= piece.includes('"stream":true');
      },
      end: () => {
        if (streams) sendStream(socket);
        else socket.write(whole);
      },
    });
    socket.on('data', (data) => reader.push(data)).on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1024, resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    set: (next) => {
      answers = next;
      whole = plain(next);
      events = stream(next);
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
