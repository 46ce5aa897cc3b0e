/** The page without a browser: what is sent, what it reads of the router, and its colours. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { chooseWords, dollars, duration, percent, reasonWords, toldDecision } from '../page/decision.ts';
import { examplesFor } from '../page/examples.ts';
import { sseData } from '../page/sse.ts';
import { loadAssets } from './assets.ts';
import { send, startScene } from './testing.ts';

const PAGE = join(import.meta.dirname, '..', 'page');
const MODELS = join(import.meta.dirname, '..', '..', '..', 'model_repository');

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('the files', () => {
  test('are modules without types, under a policy that lets nothing else run', async () => {
    const scene = await startScene(() => {});
    try {
      const { url } = scene.playground;
      const main = await send(`${url}/main.ts`);
      assert.equal(main.headers['content-type'], 'text/javascript; charset=utf-8');
      assert.doesNotMatch(main.text, /Promise<void>/);
      assert.equal((await send(`${url}/tsconfig.json`)).status, 404);
      for (const path of ['/', '/main.ts', '/tokens.css', '/nothing', '/healthz']) {
        const { headers } = await send(url + path);
        const policy = String(headers['content-security-policy']);
        assert.match(policy, /default-src 'none'.*script-src 'self'.*require-trusted-types-for 'script'/);
        assert.doesNotMatch(policy, /unsafe|\*|http/);
      }
      const { etag } = main.headers;
      const again = await send(`${url}/main.ts`, { headers: { 'if-none-match': String(etag) } });
      assert.deepEqual([again.status, again.text], [304, '']);
    } finally {
      await scene.stop();
    }
  });

  test('name nothing that is not among them, and no other server', () => {
    const assets = loadAssets();
    for (const [path, { bytes }] of assets) {
      const text = bytes.toString('utf8');
      const linked = [...text.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, name]) => name!);
      const imported = [...text.matchAll(/from '(\.[^']+)'/g)].map(
        ([, name]) => new URL(name!, `http://page${path}`).pathname,
      );
      for (const name of [...linked, ...imported]) assert.ok(assets.has(name), `${path} names ${name}`);
      assert.doesNotMatch(text.replaceAll('http://www.w3.org/2000/svg', ''), /https?:\/\//, path);
    }
  });

  test('make no markup of text anywhere', () => {
    for (const name of readdirSync(PAGE)) {
      const text = readFileSync(join(PAGE, name), 'utf8');
      assert.doesNotMatch(
        text,
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\bstyle="|\son\w+="/,
        name,
      );
    }
  });
});

describe('streams', () => {
  const text =
    ': ping\n\ndata: {"a":"ü🙂"}\r\n\r\ndata:b\ndata: c\n\nevent: x\nid: 1\n\ndata: [DONE]\n\ndata: cut';
  const wanted = ['{"a":"ü🙂"}', 'b\nc', '[DONE]'];

  test('are read alike however they are cut into chunks', async () => {
    const bytes = Buffer.from(text);
    for (let size = 1; size <= bytes.length; size++) {
      assert.deepEqual(await Array.fromAsync(sseData(pieces(bytes, size))), wanted, `chunks of ${size}`);
    }
  });

  test('may end their lines in CR alone', async () => {
    const bytes = Buffer.from('data: a\r\rdata: b\r\r\n');
    assert.deepEqual(await Array.fromAsync(sseData(pieces(bytes, 1))), ['a', 'b']);
  });
});

describe('decisions', () => {
  test('are read from the headers, names in other scripts too', () => {
    const told = toldDecision(
      new Headers({
        'x-chosen-classifier': '100% Gespr%C3%A4ch',
        'x-llm-router-policy': 'p',
        'x-llm-router-label': 'Chat %E4 %41',
        'x-llm-router-model': 'm/1',
        'x-llm-router-reason': 'pinned',
        'x-request-id': 'req_1',
      }),
    );
    assert.deepEqual(told, {
      policy: 'p',
      entry: '100% Gespräch',
      label: 'Chat %E4 A',
      confidence: null,
      model: 'm/1',
      reason: 'pinned',
      requestId: 'req_1',
      quality: null,
    });
    assert.equal(toldDecision(new Headers({ 'x-request-id': 'req_1' })), null);
  });

  test('have a sentence for every reason that the router has', () => {
    const source = readFileSync(join(PAGE, '../../router-controller/src/request.ts'), 'utf8');
    const union = /export type DecisionReason =([\s\S]+?)\n\n/.exec(source)![1]!;
    const reasons = [...union.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, name]) => name!);
    assert.ok(reasons.length > 8);
    for (const reason of reasons) assert.match(reasonWords(reason), /^[A-Z].* .*\.$/, reason);
    assert.equal(reasonWords('constructor'), 'constructor');
  });

  test('by value are told with their setting, and costs of fractions of a cent', () => {
    assert.equal(chooseWords({ willingness_usd: 0.002 }), 'willingness_usd 0.002');
    assert.deepEqual([0, 0.00001234, 1.5].map(dollars), ['$0', '$0.000012', '$1.5']);
  });

  test('are told in plain numbers', () => {
    assert.deepEqual([0, 0.98349, 0.9999, 1].map(percent), ['0.0 %', '98.3 %', '100 %', '100 %']);
    assert.deepEqual([0.4, 999, 1500].map(duration), ['0 ms', '999 ms', '1.5 s']);
  });

  test('have an example for every label of the two policies', () => {
    for (const model of ['task_router_ensemble', 'complexity_router_ensemble']) {
      const labels = readFileSync(join(MODELS, model, 'labels.txt'), 'utf8')
        .trim()
        .split('\n');
      assert.deepEqual(
        examplesFor(labels).map(({ label }) => label),
        labels,
      );
    }
  });
});

describe('colours', () => {
  const css = readFileSync(join(PAGE, 'tokens.css'), 'utf8');
  const [light, dark] = css
    .split('@media')
    .map((part) =>
      Object.fromEntries([...part.matchAll(/--([\w-]+): #(\w{6});/g)].map(([, name, hex]) => [name, hex])),
    ) as [Record<string, string>, Record<string, string>];

  /** WCAG 2's relative luminance. */
  function luminance(hex: string): number {
    const [r, g, b] = [0, 2, 4].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(a: string, b: string): number {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
    return (high + 0.05) / (low + 0.05);
  }

  for (const [theme, tokens] of [
    ['light', light],
    ['dark', dark],
  ] as const) {
    test(`of the ${theme} theme can be told apart`, () => {
      const least: [string, string, number][] = [
        ...['ground', 'surface', 'sunken', 'soft'].map((on): [string, string, number] => ['text', on, 7]),
        ...['ground', 'surface', 'sunken', 'soft'].map((on): [string, string, number] => ['muted', on, 4.5]),
        ...['ground', 'surface', 'soft'].map((on): [string, string, number] => ['accent', on, 4.5]),
        ['on-accent', 'accent', 4.5],
        ['bad', 'bad-soft', 4.5],
        ['bad', 'surface', 4.5],
        ['edge', 'surface', 3],
        ['edge', 'ground', 3],
        ['edge', 'sunken', 3],
      ];
      for (const [ink, ground, wanted] of least) {
        const found = contrast(tokens[ink]!, tokens[ground]!);
        assert.ok(found >= wanted, `${ink} on ${ground}: ${found.toFixed(2)}, not ${wanted}`);
      }
    });
  }
});
