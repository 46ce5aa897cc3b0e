/** Addresses at which no router answers, each wrong in its own way. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import { freePort } from '../../../scripts/parts/process.ts';
import { certificates } from './certificates.ts';

export interface WrongPlace {
  readonly url: string;
  /** What a user is told: what was wrong, where, what would be right. */
  readonly told: RegExp;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const error = (message: string) => JSON.stringify({ error: { message, code: 'made_up' } });
const PAGE = '<!doctype html><html><style>b{}</style><title>It works</title></html>';

const answers =
  (status: number, headers: Record<string, string>, body = ''): RequestListener =>
  (request, response) => {
    request.resume().once('end', () => response.writeHead(status, headers).end(body));
  };

/** By what is there. `close` ends them all. */
export async function startWrongPlaces() {
  const servers: Server[] = [];
  const listen = async (server: Server, scheme = 'http'): Promise<string> => {
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const http = (...how: Parameters<typeof answers>) => listen(createHttp(answers(...how)));
  const authority = certificates();
  const own = authority.issue('IP:127.0.0.1');
  const tls = await listen(
    createHttps({ key: readFileSync(own.key), cert: readFileSync(own.cert) }, answers(200, JSON_TYPE, '{}')),
    'https',
  );
  const plain = await http(200, JSON_TYPE, '{}');
  const port = await freePort();
  const places = {
    nobody: {
      url: `http://127.0.0.1:${port}`,
      told: /^nothing listens at 127\.0\.0\.1:\d+; `llm-router start` starts a router, --url names another/,
    },
    'no such name': {
      url: 'http://router.invalid',
      told: /^router\.invalid has no address \(\w+\); look for a typo/,
    },
    'another key': {
      url: await http(401, JSON_TYPE, error('wrong key')),
      told: /^401: wrong key \(the key goes into LLM_ROUTER_API_KEY\)/,
    },
    'another path': { url: await http(404, JSON_TYPE, error('no such path')), told: /^404: no such path/ },
    'a broken one': { url: await http(500, JSON_TYPE, error('boom')), told: /^500: boom/ },
    'a proxy': {
      url: await http(502, { 'content-type': 'text/html' }, '<html><h1>502 Bad Gateway</h1></html>'),
      told: /^502: 502 Bad Gateway \(not a router’s words: look at --url/,
    },
    'a page': {
      url: await http(200, { 'content-type': 'text/html; charset=utf-8' }, PAGE),
      told: /^http:\S+ answers, but not as a router does \(text\/html: It works\); name the router with --url/,
    },
    'another API': { url: plain, told: /answers, but not as a router does \(application\/json: \{\}\)/ },
    'a redirect': {
      url: await http(301, { location: 'https://elsewhere.example/v1?key=secret' }),
      told: /sends on to https:\/\/elsewhere\.example\/v1 \(301\);.* --url/,
    },
    'no TLS': {
      url: plain.replace('http:', 'https:'),
      told: /does not speak TLS; write http:\/\/ in place of https:/,
    },
    'TLS only': {
      url: tls.replace('https:', 'http:'),
      told: /closed the connection .*; where it speaks TLS, write https:/,
    },
    'an unknown authority': {
      url: tls,
      told: /certificate of \S+ is not trusted \(\w+\); NODE_EXTRA_CA_CERTS=FILE/,
    },
    'another protocol': {
      url: await listen(createTcp((socket) => socket.on('error', () => {}).end('SSH-2.0-sshd\r\n'))),
      told: /what answers at \S+ is no HTTP; look at the port/,
    },
  } satisfies Record<string, WrongPlace>;
  return {
    places,
    close: () => {
      authority.remove();
      for (const server of servers) {
        server.close();
        if ('closeAllConnections' in server) (server as ReturnType<typeof createHttp>).closeAllConnections();
      }
    },
  };
}
