/** An upstream that lies and leaks as its prompt asks: `MODE=name ARG=value`. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Upstream {
  readonly url: string;
  /** Requests that arrived, by mode. */
  readonly seen: Map<string, number>;
  readonly close: () => void;
}

const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

const whole = (more: object = {}, content = 'hello') =>
  JSON.stringify({
    id: 'x',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: USAGE,
    ...more,
  });
const chunk = (content: string) =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;
const END = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`;

type Play = (request: IncomingMessage, response: ServerResponse, arg: string) => void;

const json = (response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}) =>
  void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
const events = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' });
const keyOf = ({ headers }: IncomingMessage) => String(headers.authorization ?? '').replace('Bearer ', '');

const PLAYS: Readonly<Record<string, Play>> = {
  echo: (request, response, arg) => {
    const key = keyOf(request);
    const forms = [
      `Bearer ${key}`,
      key,
      Buffer.from(key).toString('base64'),
      encodeURIComponent(key),
      Buffer.from(`user:${key}`).toString('base64'),
    ];
    const headers = { 'x-echo-auth': String(request.headers.authorization), 'x-echo': key };
    const status = Number(arg || 400);
    const message = `bad request, you sent ${forms.join(' ')}`;
    json(
      response,
      status,
      status === 200 ? whole({ debug: message }) : JSON.stringify({ error: { message, type: 'x' } }),
      headers,
    );
  },
  'echo-stream': (request, response) => {
    const key = keyOf(request);
    events(response).write(chunk('a'));
    // In two packets, with the key across them.
    const text = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: `your key is ${key}` } }] })}\n\n`;
    const cut = text.indexOf(key) + 7;
    response.write(text.slice(0, cut));
    setTimeout(() => response.end(text.slice(cut) + END), 30);
  },
  'echo-event': (request, response) => {
    events(response).write(chunk('a'));
    response.end(`data: ${JSON.stringify({ error: { message: `Incorrect key ${keyOf(request)}` } })}\n\n`);
  },
  'echo-first': (request, response) => {
    events(response).end(
      `data: ${JSON.stringify({ error: { message: `Incorrect key ${keyOf(request)}` } })}\n\n`,
    );
  },
  usage: (_request, response, arg) =>
    json(response, 200, whole({}).replace(JSON.stringify(USAGE), decodeURIComponent(arg))),
  status: (_request, response, arg) =>
    json(
      response,
      Number(arg),
      JSON.stringify({ error: { message: 'flagged by moderation', type: 'x', code: 'content_filter' } }),
    ),
  hang: (_request, response, arg) => {
    const timer = setTimeout(() => json(response, 200, whole()), Number(arg || 5_000));
    response.on('close', () => clearTimeout(timer));
  },
  headers: (_request, response) =>
    json(response, 200, whole(), {
      'set-cookie': 'a=b',
      'clear-site-data': '"*"',
      'service-worker-allowed': '/',
      link: '<x>',
      'content-disposition': 'attachment; filename=a.exe',
      'x-frame-options': 'ALLOW',
      'access-control-allow-origin': '*',
      refresh: '0; url=http://x',
    }),
  html: (_request, response) =>
    void response.writeHead(400, { 'content-type': 'text/html' }).end('<script>alert(1)</script>'),
  endless: (_request, response) => {
    events(response);
    const big = chunk('x'.repeat(1_000));
    const write = () => {
      while (response.writable && response.write(big));
      response.once('drain', write);
    };
    write();
  },
  deep: (_request, response) =>
    json(response, 200, `{"choices":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
  big: (_request, response) => json(response, 200, whole({}, 'y'.repeat(40_000_000))),
};

export async function startUpstream(): Promise<Upstream> {
  const seen = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    response.on('error', () => {});
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return;
    }
    const text = Buffer.concat(pieces).subarray(0, 2_000_000).toString('latin1');
    const mode = /MODE=([\w-]+)/.exec(text)?.[1] ?? 'ok';
    const arg = /ARG=([^\s"\\]+)/.exec(text)?.[1] ?? '';
    seen.set(mode, (seen.get(mode) ?? 0) + 1);
    const play = PLAYS[mode];
    if (play) play(request, response, arg);
    else if (/"stream":\s*true/.test(text)) {
      events(response).write(chunk('hello'));
      response.end(END);
    } else json(response, 200, whole());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
