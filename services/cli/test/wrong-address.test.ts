/** Every command that calls a router, where there is none: what was wrong, where, what would be right; never a stack. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startWrongPlaces } from '../../router-controller/test/wrong-places.ts';
import { CommandError } from '../src/lib/errors.ts';
import { call, json } from '../src/lib/router-client.ts';
import { runCommand } from './run-command.ts';

let wrong: Awaited<ReturnType<typeof startWrongPlaces>>;
const folder = mkdtempSync(join(tmpdir(), 'llm-router-wrong-'));
before(async () => {
  wrong = await startWrongPlaces();
});
after(() => {
  wrong.close();
  rmSync(folder, { recursive: true });
});

test('each wrong address is told by its own words', async () => {
  for (const [name, { url, told }] of Object.entries(wrong.places))
    await assert.rejects(
      json(url, '/v1/route', { input: 'hi' }, () => false),
      (error: unknown) => {
        assert.ok(error instanceof CommandError, `${name}: ${error}`);
        assert.equal(error.code, 1);
        assert.match(error.message, told, name);
        // Neither a line break nor what only a terminal understands, and no part of a secret.
        assert.doesNotMatch(error.message, /\p{Cc}|secret/u, name);
        return true;
      },
    );
});

test('a redirect is not followed, by whatever method', async () => {
  const { url } = wrong.places['a redirect'];
  await assert.rejects(call(url, '/metrics'), /sends on/);
  await assert.rejects(call(url, '/v1/chat/completions', {}), /sends on/);
});

test('every command ends with it', async () => {
  const { places } = wrong;
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const target = 'api_base: http://127.0.0.1:1, model: m, price: { input: 1, output: 1 }';
  const config = file(
    'router.yaml',
    `targets: [{ name: a, ${target} }, { name: b, ${target} }]
policies: [{ name: p, url: 'grpc://127.0.0.1:1/p', llms: [{ name: A, target: a }, { name: B, target: b }] }]`,
  );
  const prompts = file('prompts.jsonl', '{"prompt": "x", "reference": "y"}\n');
  const collect = ['value', 'collect', '--prompts', prompts, '--targets', 'a,b', '--judge', 'b'];
  const rows: [keyof typeof places, string[]][] = [
    ['a page', ['route', 'hi']],
    ['another API', ['route', 'hi']],
    ['a page', ['chat', 'hi']],
    ['another API', ['chat', 'hi']],
    ['a page', ['top', '--once']],
    ['another API', ['top', '--once']],
    ['another API', [...collect, '--budget', '1', '--config', config, '--out', join(folder, 'out.jsonl')]],
    ['another key', ['loadtest', '--seconds', '600']],
  ];
  for (const [place, args] of rows) {
    const { url, told } = places[place];
    const { code, out, err } = await runCommand([...args, '--url', url]);
    const name = `${args[0]} at ${place}: ${out}${err}`;
    assert.equal(code, 1, name);
    assert.match(err, new RegExp(told.source.replace(/^\^/, ''), 'm'), name);
    assert.doesNotMatch(err, /\n {4}at /, name);
  }
});

const refused = async (args: readonly string[], told: RegExp) => {
  const { code, out, err } = await runCommand(args);
  assert.equal(code, 1, `${args}: ${out}${err}`);
  assert.match(out + err, told);
  assert.doesNotMatch(err, /\n {4}at /);
};

test('a classifier, a Redis and a log that are none', async () => {
  const { host } = new URL(wrong.places.nobody.url);
  const rows = join(folder, 'rows.jsonl');
  writeFileSync(rows, '{"prompt": "x", "task": "y"}\n');
  await refused(
    ['evaluate', '--policy', 'p', '--data', rows, '--endpoint', host],
    /^127\.0\.0\.1:\d+: connect ECONNREFUSED \S+; --endpoint is the gRPC port/,
  );
  const config = join(folder, 'redis.yaml');
  writeFileSync(
    config,
    `redis: { url: 'redis://${host}', password: not-to-be-told }
policies: [{ name: p, url: 'grpc://${host}/p', llms: [{ name: A, api_base: 'http://${host}', model: m }] }]`,
  );
  await refused(['keys', 'list', '--config', config], /the Redis of \S+ can’t be used: connect ECONNREFUSED/);
  await refused(['replay', '--config', config, '--log', folder], /can’t be read: it is a folder, not a file/);
  const torn = join(folder, 'torn');
  writeFileSync(torn, Buffer.from([0x1f, 0x8b, 8, 0]));
  await refused(
    ['replay', '--config', config, '--log', torn],
    /torn:1: not JSON; a decision log has one JSON/,
  );
});

test('doctor tells each upstream that is none, and what to write', async () => {
  const { places } = wrong;
  const rows: [keyof typeof places, RegExp][] = [
    ['nobody', /nothing listens at \S+\n +→ start it, or mend api_base’s port/],
    ['a redirect', /sends on to https:\S+ \(301\)\n +→ redirects are not followed/],
    ['no TLS', /does not speak TLS\n +→ write http:/],
    ['TLS only', /closed the connection[^\n]+\n +→ .*whether it is https:/],
    ['an unknown authority', /is not trusted \(\w+\)\n +→ give its authority as targets\[\]\.tls\.ca/],
    ['another protocol', /is no HTTP\n +→ look at api_base’s port/],
  ];
  const config = join(folder, 'doctor.yaml');
  const llms = rows.map(([name], at) => `{ name: L${at}, api_base: '${places[name].url}', model: m }`);
  writeFileSync(config, `policies: [{ name: p, url: 'grpc://127.0.0.1:1/p', llms: [${llms.join(', ')}] }]`);
  const { code, out, err } = await runCommand(['doctor', '--config', config]);
  assert.equal(code, 1, out + err);
  for (const [name, told] of rows) assert.match(out, told, name);
});
