/** Attacks of one tenant on others' service, money and secrets. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attack, ask, chat, many, type Scene } from './scene.ts';

const GET = { method: 'GET' } as const;

async function usageOf(
  { url }: Scene,
  key: string,
): Promise<{ requests: number; input_tokens: number; output_tokens: number }> {
  const { text } = await ask(url, { ...GET, path: '/v1/usage', key });
  return (JSON.parse(text) as { total: { requests: number; input_tokens: number; output_tokens: number } })
    .total;
}

export const TENANTS: readonly Attack[] = [
  {
    name: 'a flood of /v1/route',
    finding: '6',
    run: async (scene) => {
      const { url, keys } = scene;
      const list = () =>
        Array.from({ length: 256 }, () => ({ prompt: `Write about ${Math.random()}`, model: 'auto' }));
      const answers = await many(12, () => ask(url, { path: '/v1/route', key: keys.limited, body: list() }));
      const through = answers.filter(({ status }) => status === 200).length;
      return through === 0 ? null : `${through} lists of 256 prompts were decided at 5 requests a minute`;
    },
  },
  {
    name: 'a flood of decisions by a key without limits',
    finding: '6',
    run: async ({ url, keys, controller }) => {
      const before = await controller.metric('llm_router_decisions_total', 'classifier_');
      const list = () =>
        Array.from({ length: 256 }, () => ({ prompt: `Write about ${Math.random()}`, model: 'auto' }));
      await many(6, () => ask(url, { path: '/v1/route', key: keys.attacker, body: list() }));
      const degraded = (await controller.metric('llm_router_decisions_total', 'classifier_')) - before;
      // The bystander asks some 10 times a second; a few late ones may be the machine's.
      return degraded <= 5 ? null : `${degraded} decisions of calls were left to the fallback`;
    },
  },
  {
    name: 'an upstream that reports absurd usage',
    finding: '3',
    run: async (scene) => {
      const { url, keys } = scene;
      for (const usage of [
        '{"prompt_tokens":1e17,"completion_tokens":1}',
        '{"prompt_tokens":1e300,"completion_tokens":1e300}',
        '{"prompt_tokens":-5,"completion_tokens":0.5}',
        '{"prompt_tokens":"7","completion_tokens":[]}',
        '{"prompt_tokens":9007199254740993,"completion_tokens":9007199254740993}',
      ])
        await ask(url, { key: keys.attacker, body: chat(`MODE=usage ARG=${encodeURIComponent(usage)}`) });
      await sleep(300);
      const other = await ask(url, { key: keys.bystander, body: chat('are you there?') });
      if (other.status !== 200) return `another tenant got ${other.status}`;
      const { input_tokens } = await usageOf(scene, keys.attacker);
      return Number.isSafeInteger(input_tokens) && input_tokens < 1e8
        ? null
        : `${input_tokens} tokens were booked`;
    },
  },
  {
    name: 'leaving before the first byte',
    finding: '7a',
    run: async (scene) => {
      const { url, keys } = scene;
      const before = await usageOf(scene, keys.attacker);
      await many(5, (index) =>
        ask(url, {
          key: keys.attacker,
          body: chat(`MODE=hang ARG=8000 ${index} ${'word '.repeat(20_000)}`),
          leaveAfterMs: 1_500,
        }),
      );
      await sleep(1_000);
      const spent = (await usageOf(scene, keys.attacker)).input_tokens - before.input_tokens;
      return spent >= 50_000 ? null : `${spent} tokens were charged of some 100,000 that were sent`;
    },
  },
  {
    name: 'usage refused by the client',
    finding: '7b',
    run: async (scene) => {
      const { url, keys } = scene;
      const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(200_000)}` } };
      for (const options of [{ include_usage: false }, null, 'x', { include_usage: 7 }]) {
        const before = await usageOf(scene, keys.attacker);
        await ask(url, {
          key: keys.attacker,
          body: chat([{ type: 'text', text: 'look' }, image, image], {
            stream: true,
            stream_options: options,
          }),
        });
        await sleep(500);
        const spent = (await usageOf(scene, keys.attacker)).input_tokens - before.input_tokens;
        if (spent < 50) return `${JSON.stringify(options)}: ${spent} tokens for two images`;
      }
      return null;
    },
  },
  {
    name: 'all places held by one tenant',
    finding: '16',
    run: async ({ url, keys }) => {
      const leaving = many(80, (index) =>
        ask(url, { key: keys.attacker, body: chat(`MODE=hang ARG=4000 ${index}`), leaveAfterMs: 3_500 }),
      );
      await sleep(1_000);
      const others = await many(5, () => ask(url, { key: keys.bystander, body: chat('is there a place?') }));
      await leaving;
      const bad = others.filter(({ status }) => status !== 200);
      return bad.length === 0 ? null : `${bad.length} of 5 requests of another tenant: ${bad[0]!.status}`;
    },
  },
  {
    name: 'prompts that make the upstream fail',
    finding: '10',
    run: async ({ url, keys }) => {
      for (const status of [500, 503, 403, 404, 422]) {
        await many(6, (index) =>
          ask(url, { key: keys.attacker, body: chat(`MODE=status ARG=${status} ${index}`) }),
        );
        const other = await ask(url, { key: keys.bystander, body: chat('am I served?') });
        if (other.status !== 200) return `after ${status}: another tenant got ${other.status}`;
      }
      return null;
    },
  },
  {
    name: 'the operator’s key in answers, headers, events and errors',
    finding: '4',
    run: async ({ url, keys, secret }) => {
      const forms = [
        secret,
        Buffer.from(secret).toString('base64'),
        Buffer.from(`user:${secret}`).toString('base64'),
      ];
      const prompts = [200, 400, 401, 403, 404, 409, 429, 500, 503].map(
        (status) => `MODE=echo ARG=${status}`,
      );
      for (const prompt of [...prompts, 'MODE=echo-stream', 'MODE=echo-event', 'MODE=echo-first']) {
        for (const stream of [false, true]) {
          const { text, headers } = await ask(url, { key: keys.attacker, body: chat(prompt, { stream }) });
          const all = text + JSON.stringify(headers);
          if (forms.some((form) => all.includes(form))) return `${prompt}${stream ? ', streamed' : ''}`;
        }
      }
      return null;
    },
  },
  {
    name: 'headers and types that act in a browser',
    finding: '18.7',
    run: async ({ url, keys }) => {
      const { headers } = await ask(url, { key: keys.attacker, body: chat('MODE=headers') });
      for (const name of [
        'set-cookie',
        'clear-site-data',
        'service-worker-allowed',
        'link',
        'content-disposition',
        'x-frame-options',
        'access-control-allow-origin',
        'refresh',
      ])
        if (headers[name] !== undefined) return name;
      if (headers['x-content-type-options'] !== 'nosniff') return 'no nosniff';
      const page = await ask(url, { key: keys.attacker, body: chat('MODE=html') });
      return /html/.test(String(page.headers['content-type'])) ? 'a page came as a page' : null;
    },
  },
  {
    name: 'guessing another tenant’s prompts by the cache',
    finding: '12',
    run: async ({ url, keys }) => {
      const secret = `the merger price is ${Math.random()} dollars`;
      await ask(url, { key: keys.bystander, body: chat(secret) });
      const { text } = await ask(url, { path: '/v1/route', key: keys.attacker, body: chat(secret) });
      return (JSON.parse(text) as { cached?: boolean }).cached === true ? 'cached: true' : null;
    },
  },
  {
    name: 'targets and policies that a key may not use',
    finding: '17, 18.1, 18.2',
    run: async ({ url, keys, secret }) => {
      const byHand = await ask(url, {
        key: keys.narrow,
        body: {
          ...chat('hi'),
          'nim-llm-router': { policy: 'task_router', routing_strategy: 'manual', model: 'dear-model' },
        },
      });
      if (byHand.status !== 403 && byHand.status !== 404) return `by hand: ${byHand.status}`;
      for (let turn = 0; turn < 8; turn++) {
        const { headers } = await ask(url, {
          key: keys.otherPolicy,
          body: { ...chat(`canary ${turn}`), model: 'other' },
        });
        if (headers['x-llm-router-policy'] !== 'other') return `decided by ${headers['x-llm-router-policy']}`;
      }
      for (const path of ['/config', '/v1/models']) {
        const { text } = await ask(url, { ...GET, path, key: keys.narrow });
        if (text.includes('dear-model') || text.includes(secret))
          return `${path} tells of what the key may not use`;
      }
      return null;
    },
  },
  {
    name: 'answers without end',
    finding: 'held',
    run: async ({ url, keys }) => {
      const answers = await many(20, () =>
        ask(url, { key: keys.attacker, body: chat('MODE=endless', { stream: true }), leaveAfterMs: 1_500 }),
      );
      return answers.some(({ text }) => text.length > 0) ? null : 'nothing came';
    },
  },
  {
    name: 'answers of great depth and size',
    finding: 'held',
    run: async ({ url, keys }) => {
      const deep = await ask(url, { key: keys.attacker, body: chat('MODE=deep') });
      const big = await many(3, () => ask(url, { key: keys.attacker, body: chat('MODE=big') }));
      return deep.status > 0 && big.every(({ status }) => status > 0)
        ? null
        : `deep ${deep.status}, big ${big[0]!.status}`;
    },
  },
  {
    name: 'a token limit of all held by one tenant’s reservations',
    finding: '7f',
    run: async ({ url, keys }) => {
      const leaving = many(10, (index) =>
        ask(url, {
          key: keys.attacker,
          body: chat(`MODE=hang ARG=4000 ${index}`, { max_tokens: 60_000_000 }),
          leaveAfterMs: 3_000,
        }),
      );
      await sleep(800);
      const other = await ask(url, {
        key: keys.bystander,
        body: chat('is anything left?', { max_tokens: 100 }),
      });
      await leaving;
      return other.status === 200 ? null : `another tenant got ${other.status}`;
    },
  },
];
