import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOUNDS, HELP, readOptions, UsageError } from './options.ts';

const read = (args: string[], env: NodeJS.ProcessEnv = {}) => readOptions(args, env)!;

describe('options', () => {
  test('are small by themselves, and aim at a router on this machine', () => {
    assert.deepEqual(read([]), {
      url: 'http://127.0.0.1:8084',
      rate: 5,
      seconds: 10,
      concurrencyLimit: 32,
      streamShare: 0.5,
      policy: null,
      promptsFile: null,
      maxTokens: 64,
      timeoutMs: 60_000,
      key: null,
      json: false,
      ownsTarget: false,
      exitWithParent: false,
      clients: null,
      thinkMs: 0,
      mix: 'short',
      repeat: false,
      html: null,
      out: null,
      compare: null,
    });
  });

  test('are all in the help, with their bounds', () => {
    assert.equal(readOptions(['--help'], {}), null);
    for (const [flag, { most }] of Object.entries(BOUNDS)) {
      assert.match(HELP, new RegExp(`--${flag} .*${most === 1 ? 'to 1' : `at most ${most}`}`));
    }
  });

  for (const [flag, { least, most }] of Object.entries(BOUNDS)) {
    test(`--${flag} keeps its bounds`, () => {
      for (const value of [least, most]) assert.ok(read([`--${flag}=${value}`]));
      for (const value of [least - 0.011, most + 0.01, 'x', '', ' ', 'Infinity', 'NaN', '1e9']) {
        assert.throws(
          () => read([`--${flag}=${value}`]),
          (error: Error) => error instanceof UsageError && error.message.includes(`from ${least} to ${most}`),
          String(value),
        );
      }
    });
  }

  test('take the key from the flag, else from the environment', () => {
    assert.equal(read([], { LLM_ROUTER_API_KEY: 'sk-env' }).key, 'sk-env');
    assert.equal(read(['--key', 'sk-flag'], { LLM_ROUTER_API_KEY: 'sk-env' }).key, 'sk-flag');
    assert.equal(read([], { LLM_ROUTER_API_KEY: '' }).key, null);
    assert.throws(() => read(['--key', 'sk\nx']), UsageError);
  });

  test('take a base URL with /v1 and without, and none with a password in it', () => {
    assert.equal(read(['--url', 'http://h:1/v1/']).url, 'http://h:1');
    assert.equal(read(['--url', 'https://h/gate']).url, 'https://h/gate');
    for (const url of ['h:1', 'ftp://h', 'http://me:geheim@h', '']) {
      assert.throws(
        () => read([`--url=${url}`]),
        (error: Error) => error instanceof UsageError && !error.message.includes('geheim'),
      );
    }
  });

  test('that don’t exist are named, with the help', () => {
    assert.throws(() => read(['--rats', '5']), /--rats[\s\S]*--rate RPS/);
  });
});
