/** Attacks through what operators do: half-written files, busy folders, a door left ajar. */
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attack, ask, chat } from './scene.ts';

export const OPERATORS: readonly Attack[] = [
  {
    name: 'a configuration that is written in two halves',
    finding: '8',
    run: async ({ url, writeTorn }) => {
      let open = 0;
      let asking = true;
      const strangers = (async () => {
        while (asking) {
          if ((await ask(url, { key: null, body: chat('let me in') })).status === 200) open++;
          await sleep(20);
        }
      })();
      for (const pause of [250, 500, 1_000]) await writeTorn(pause);
      await sleep(1_500);
      asking = false;
      await strangers;
      return open === 0 ? null : `${open} requests without a key were answered`;
    },
  },
  {
    name: 'a key revoked while the folder is busy',
    finding: '9',
    run: async ({ url, keys, rewrite, configFile }) => {
      const noise = join(dirname(configFile), 'decisions.jsonl');
      let busy = true;
      const writing = (async () => {
        while (busy) {
          appendFileSync(noise, '{}\n');
          await sleep(40);
        }
      })();
      await sleep(300);
      rewrite((yaml) => yaml.replace(/^.*id: revoked.*$/m, ''));
      const until = Date.now() + 10_000;
      let status = 200;
      // After many wrong keys from one address the next wrong one gets 429 in place of 401.
      while (status === 200 && Date.now() < until) {
        status = (
          await ask(url, { ...{ path: '/v1/models', method: 'GET' }, key: `${keys.attacker}-revoked` })
        ).status;
        await sleep(100);
      }
      busy = false;
      await writing;
      return status === 401 || status === 429 ? null : `the key still worked after ten seconds (${status})`;
    },
  },
  {
    name: 'the last keys taken out of the file',
    finding: '8',
    run: async ({ url, rewrite, keys }) => {
      rewrite((yaml) => yaml.replace(/^auth:[\s\S]*?(?=^\w)/m, ''));
      await sleep(2_500);
      const stranger = await ask(url, { key: null, body: chat('let me in') });
      const known = await ask(url, { key: keys.bystander, body: chat('am I known?') });
      rewrite((yaml) => yaml);
      await sleep(1_500);
      if (stranger.status === 200) return 'a stranger was answered';
      return known.status === 200 ? null : `a known key got ${known.status}`;
    },
  },
];
