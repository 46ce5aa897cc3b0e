/** Attacks by a request's body and words. */

import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Attack, ask, chat, many, open, refused, type Scene } from './scene.ts';

const MB = 1024 * 1024;
const shapes: Readonly<Record<string, string>> = {
  text: `["${'a'.repeat(32 * MB)}"]`,
  lists: `[${'[],'.repeat(10 * MB)}1]`,
  objects: `[${'{},'.repeat(10 * MB)}1]`,
  nesting: '['.repeat(30 * MB),
  numbers: `[${'1,'.repeat(15 * MB)}1]`,
};

const packed = (text: string) => ({ body: gzipSync(text), headers: { 'content-encoding': 'gzip' } });
const post = (headers: string) =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n`;

async function all(scene: Scene, key: string | null): Promise<string | null> {
  for (const [name, text] of Object.entries(shapes)) {
    const answer = await ask(scene.url, { key, ...packed(text) });
    if (!refused(answer)) return `${name}: ${answer.status}`;
  }
  return null;
}

export const BODIES: readonly Attack[] = [
  { name: 'a stranger’s packed bodies', finding: '1', run: (scene) => all(scene, null) },
  { name: 'a tenant’s packed bodies', finding: '1', run: (scene) => all(scene, scene.keys.attacker) },
  {
    name: 'a stranger’s 32 MB, four at once',
    finding: '1',
    run: async ({ url }) => {
      const body = Buffer.from(shapes.objects!.slice(0, 31 * MB));
      const answers = await many(4, () => ask(url, { key: null, body }));
      // The connection may be cut while the client still sends.
      return answers.every(({ status }) => status === 401 || status === 0)
        ? null
        : answers.map(({ status }) => status).join();
    },
  },
  {
    name: 'strangers who send slowly',
    finding: '1',
    run: async ({ url }) => {
      // Who does not read hears nothing of a connection that was closed in good order after its last write.
      const sockets = Array.from({ length: 60 }, () =>
        open(url, post('content-length: 30000000\r\n')).resume(),
      );
      for (let turn = 0; turn < 10; turn++) {
        for (const socket of sockets) if (socket.writable) socket.write('['.repeat(50_000));
        await sleep(100);
      }
      const listening = () => sockets.filter((socket) => !socket.destroyed).length;
      // A busy machine hears of a closed connection late; one that the router goes on reading stays open for minutes.
      for (let turn = 0; turn < 50 && listening() > 0; turn++) await sleep(100);
      const open_ = listening();
      for (const socket of sockets) socket.destroy();
      return open_ === 0 ? null : `${open_} of 60 still listened to`;
    },
  },
  {
    name: 'a million values in fields of a valid request',
    finding: '1',
    run: async ({ url, keys }) => {
      for (const field of ['tools', 'messages', 'x', 'stop']) {
        const body = `{"model":"auto","messages":[{"role":"user","content":"hi"}],"${field}":[${'{},'.repeat(1_000_000)}{}]}`;
        const answer = await ask(url, { key: keys.attacker, body });
        if (!refused(answer)) return `${field}: ${answer.status}`;
      }
      return null;
    },
  },
  {
    name: 'nesting in every field',
    finding: '18.6',
    run: async ({ url, keys }) => {
      for (const field of ['x', 'tools', 'content', 'metadata']) {
        const answer = await ask(url, {
          key: keys.attacker,
          body: `{"model":"auto","messages":[{"role":"user","content":"hi"}],"${field}":${'['.repeat(6_000)}${']'.repeat(6_000)}}`,
        });
        if (answer.status !== 400) return `${field}: ${answer.status}`;
      }
      const odd = await ask(url, { key: keys.attacker, body: chat('hi', { max_tokens: { toString: 1 } }) });
      return odd.status < 500 ? null : `max_tokens: ${odd.status}`;
    },
  },
  {
    name: 'big right requests, eight at once',
    finding: '1',
    run: async ({ url, keys }) => {
      const answers = await many(8, () =>
        ask(url, { key: keys.attacker, body: chat(`"é\n${'words and words '.repeat(800_000)}`) }),
      );
      const bad = answers.filter(({ status }) => ![200, 400, 413, 503].includes(status));
      return bad.length === 0 ? null : bad.map(({ status }) => status).join();
    },
  },
  {
    name: 'names of megabytes, in every field that an error repeats',
    finding: '2',
    run: async ({ url, keys }) => {
      for (const size of [10_000, 1_000_000, 8_000_000]) {
        const name = 'task_ruoter'.repeat(size / 11);
        const bodies = [
          { ...chat('hi'), model: name },
          { ...chat('hi'), 'nim-llm-router': { policy: name } },
          { ...chat('hi'), 'nim-llm-router': { [name]: 1 } },
          {
            ...chat('hi'),
            'nim-llm-router': { policy: 'task_router', routing_strategy: 'manual', model: name },
          },
          { ...chat('hi'), stream: name },
          { model: 'auto', messages: [{ role: name, content: name }], user: name },
        ];
        for (const [index, body] of bodies.entries()) {
          const { status, text } = await ask(url, { key: keys.attacker, body });
          if (status === 0 || status >= 500) return `body ${index} of ${size}: ${status}`;
          if (text.length > 5_000) return `body ${index} of ${size}: ${text.length} characters came back`;
        }
      }
      return null;
    },
  },
  {
    name: 'words that slow patterns down',
    finding: '5',
    run: async ({ url, keys }) => {
      const units = [
        'q\n',
        'Q: a\n',
        '-eyJ',
        '\n\n',
        '   ',
        '<a ',
        '```',
        '# ',
        '{"',
        'a: ',
        '[[',
        '\\',
        'sk-',
        'Bearer ',
      ];
      for (const unit of units) {
        const answer = await ask(url, { key: keys.attacker, body: chat(unit.repeat(200_000 / unit.length)) });
        if (answer.status !== 200) return `${JSON.stringify(unit)}: ${answer.status}`;
      }
      return null;
    },
  },
  {
    name: 'thousands of idle connections, and slow heads',
    finding: 'held',
    run: async ({ url }) => {
      const sockets = Array.from({ length: 2_000 }, (_, index) =>
        open(url, index % 2 === 0 ? '' : 'POST / HTTP/1.1\r\nx-a: '),
      );
      await sleep(1_500);
      const answer = await ask(url, { path: '/livez', method: 'GET' });
      for (const socket of sockets) socket.destroy();
      return answer.status === 200 ? null : String(answer.status);
    },
  },
];
