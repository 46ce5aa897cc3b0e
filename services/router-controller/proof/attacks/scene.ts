/** What an attack is run against, and what it may use. */
import { Agent, type ClientRequest, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Controller } from '../soak/controller.ts';
import type { Upstream } from './upstream.ts';

/** Keys by what they may do. */
export interface Keys {
  /** The attacker's; no limits of its own. */
  readonly attacker: string;
  /** Same rights, another tenant; the bystander's. */
  readonly bystander: string;
  /** Five requests a minute and a budget. */
  readonly limited: string;
  /** May use the target `cheap` alone. */
  readonly narrow: string;
  /** May use the policy `other` alone. */
  readonly otherPolicy: string;
}

export interface Scene {
  readonly url: string;
  readonly controller: Controller;
  readonly keys: Keys;
  readonly upstream: Upstream;
  /** The operator's key for the upstream. */
  readonly secret: string;
  /** Puts the configuration down in one move. */
  readonly rewrite: (change: (yaml: string) => string) => void;
  /** Writes it in place, its keys only after a pause. */
  readonly writeTorn: (pauseMs: number) => Promise<void>;
  readonly configFile: string;
}

/** One attack. */
export interface Attack {
  readonly name: string;
  /** Number in the findings that it repeats. */
  readonly finding: string;
  /** @returns null when the router held; else what went wrong, in words. */
  readonly run: (scene: Scene) => Promise<string | null>;
}

export interface Answer {
  /** 0: the connection ended without one. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const agent = new Agent({ keepAlive: false });
const PATIENCE_MS = 60_000;

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | object;
  /** Ends the request itself after so many ms. */
  readonly leaveAfterMs?: number;
}

/** One request over a connection of its own; never rejects. */
export function ask(
  url: string,
  { path = '/v1/chat/completions', method = 'POST', key, headers, body, leaveAfterMs }: Ask,
): Promise<Answer> {
  const bytes =
    body === undefined
      ? null
      : typeof body === 'string' || Buffer.isBuffer(body)
        ? Buffer.from(body)
        : Buffer.from(JSON.stringify(body));
  return new Promise((resolve) => {
    let text = '';
    const none = (): void => resolve({ status: 0, headers: {}, text });
    const call: ClientRequest = request(
      `${url}${path}`,
      {
        agent,
        method,
        timeout: PATIENCE_MS,
        headers: {
          'content-type': 'application/json',
          ...(key && { authorization: `Bearer ${key}` }),
          ...(bytes && { 'content-length': bytes.length }),
          ...headers,
        },
      },
      (answer) => {
        answer.setEncoding('latin1');
        answer.on('data', (chunk: string) => {
          if (text.length < 1_000_000) text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
        answer.on('error', none);
        answer.on('close', none);
      },
    );
    call.on('error', none);
    call.on('timeout', () => call.destroy());
    if (leaveAfterMs !== undefined) setTimeout(() => call.destroy(), leaveAfterMs);
    call.end(bytes);
  });
}

export const chat = (content: unknown, more: object = {}) => ({
  model: 'auto',
  messages: [{ role: 'user', content }],
  ...more,
});

/** A raw connection; errors on it are of no interest. */
export function open(url: string, head: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(head);
  return socket;
}

export const many = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

/** Statuses that say no, in good order. */
export const refused = ({ status }: Answer) => status >= 400 && status < 500;
