/** A controller as a process: started, told to reload, stopped and replaced under load. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { RouterServer } from '@llm-router/router-server';
import { type StandIns, startStandInLlms } from '@llm-router/stand-in-llms';
import { programOf } from '../../bundler/src/program.ts';
import { chat, eventually, startClassifier, user } from './harness.ts';

const MAIN = programOf(join(import.meta.dirname, '../src/main.ts'));

interface Controller {
  readonly url: string;
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly log: () => string;
}

const folder = mkdtempSync(join(tmpdir(), 'llm-router-lifecycle-'));
const running = new Set<ChildProcess>();
let classifier: RouterServer;
let llms: StandIns;
/** What came with the newest call upstream. */
let authorization: string | undefined;

const yaml = (model: string, server = '') => `
server: { port: 0, shutdown_grace_ms: 3000, drain_delay_ms: 300${server} }
policies:
  - name: complexity_router
    url: grpc://${classifier.grpc}/complexity_router_ensemble
    fallback: Any
    llms: [{ name: Any, api_base: "${llms.url}", api_key: "file:${join(folder, 'key')}", model: ${model} }]
`;

async function start(file: string): Promise<Controller> {
  const child = spawn(process.execPath, [MAIN, '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let log = '';
  let out = '';
  child.stderr!.on('data', (chunk) => {
    log += chunk;
  });
  child.stdout!.on('data', (chunk) => {
    out += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  exited.then(() => running.delete(child));
  const until = Date.now() + 30_000;
  while (!out.includes('ready ')) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`it did not start: ${out}${log}`);
    await new Promise((done) => setTimeout(done, 20));
  }
  return { url: /ready (\S+)/.exec(out)![1]!, child, exited, log: () => log };
}

before(async () => {
  classifier = await startClassifier();
  llms = await startStandInLlms({
    fault: ({ body, headers }) => {
      authorization = headers.authorization;
      const text = JSON.stringify(body.messages);
      if (text.includes('SLOW')) return { kind: 'slow-drip', ms: 50 };
      return text.includes('ENDLESS') ? { kind: 'stall-after-headers' } : null;
    },
  });
  writeFileSync(join(folder, 'key'), 'upstream-key-one\n');
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});
after(async () => {
  await Promise.all([classifier.close(), llms.close()]);
  rmSync(folder, { recursive: true, force: true });
});

const model = async ({ url }: Controller) =>
  (await chat(url, { model: 'complexity_router', messages: user('hi') })).headers.get('x-llm-router-model');

describe('the file of a running process', () => {
  test('SIGHUP reads it again', async () => {
    const file = join(folder, 'hup.yaml');
    writeFileSync(file, yaml('one'));
    const controller = await start(file);
    assert.equal(await model(controller), 'one');
    writeFileSync(file, yaml('two'));
    controller.child.kill('SIGHUP');
    await eventually('the new model answers', async () => (await model(controller)) === 'two');
    await eventually('the signal is told', () => controller.log().includes('SIGHUP'));
  });

  test('Kubernetes’ swap of a symlinked folder is seen', async () => {
    // As the kubelet lays a ConfigMap out: router.yaml → ..data/router.yaml, ..data → ..<time>/
    const mount = join(folder, 'mount');
    const put = (name: string, text: string) => {
      mkdirSync(join(mount, name), { recursive: true });
      writeFileSync(join(mount, name, 'router.yaml'), text);
      symlinkSync(name, join(mount, '..data_tmp'));
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    put('..2026_01', yaml('one'));
    symlinkSync('..data/router.yaml', join(mount, 'router.yaml'));
    const controller = await start(join(mount, 'router.yaml'));
    put('..2026_02', yaml('two'));
    await eventually('the new model answers', async () => (await model(controller)) === 'two');
  });

  test('a secret file that changes is taken too', async () => {
    const file = join(folder, 'secret.yaml');
    writeFileSync(file, yaml('one'));
    const controller = await start(file);
    await model(controller);
    assert.equal(authorization, 'Bearer upstream-key-one');
    writeFileSync(join(folder, 'key'), 'upstream-key-two\n');
    await eventually('the new key is sent', async () => {
      await model(controller);
      return authorization === 'Bearer upstream-key-two';
    });
    assert.doesNotMatch(controller.log(), /upstream-key/);
  });
});

describe('a graceful stop', () => {
  test('serves while balancers notice, lets streams finish, takes nothing new, and exits with 0', async () => {
    const file = join(folder, 'stop.yaml');
    writeFileSync(file, yaml('one'));
    const controller = await start(file);
    const stream = await chat(controller.url, {
      model: 'complexity_router',
      messages: user('SLOW'),
      stream: true,
    });
    const text = stream.text();
    controller.child.kill('SIGTERM');
    await eventually('readiness is off', async () => {
      const ready = await fetch(`${controller.url}/readyz`).catch(() => null);
      return ready?.status === 503;
    });
    const late = await chat(controller.url, { model: 'complexity_router', messages: user('hi') });
    assert.equal(late.status, 200);
    assert.equal(late.headers.get('connection'), 'close');
    await eventually('nothing new is taken', () =>
      fetch(`${controller.url}/livez`).then(
        () => false,
        () => true,
      ),
    );
    assert.match(await text, /data: \[DONE\]\n\n$/);
    assert.equal(await controller.exited, 0);
  });

  test('serves what was on its way on an open connection as the listener closed', async () => {
    const file = join(folder, 'on-its-way.yaml');
    writeFileSync(file, yaml('one'));
    const controller = await start(file);
    const { hostname, port } = new URL(controller.url);
    const body = JSON.stringify({ model: 'complexity_router', messages: user('hi') });
    const socket = connect({ host: hostname, port: Number(port) });
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    const gone = once(socket, 'close');
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: ${hostname}\r\n`);
    await eventually('it has begun to arrive', () => socket.bytesWritten > 0);
    controller.child.kill('SIGTERM');
    await eventually('nothing new is taken', () =>
      fetch(`${controller.url}/livez`).then(
        () => false,
        () => true,
      ),
    );
    socket.write(`content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await gone;
    assert.match(answer, /^HTTP\/1\.1 200 .*\r\n/);
    assert.match(answer, /\r\nconnection: close\r\n/i);
    assert.equal(await controller.exited, 0);
  });

  test('ends what outlasts the grace with an honest error', async () => {
    const file = join(folder, 'grace.yaml');
    writeFileSync(file, yaml('one').replace('shutdown_grace_ms: 3000', 'shutdown_grace_ms: 300'));
    const controller = await start(file);
    const ask = (stream: boolean) =>
      chat(controller.url, { model: 'complexity_router', messages: user('ENDLESS'), stream });
    const plain = ask(false);
    const stream = await ask(true);
    const text = stream.text();
    // A body that never ends arriving must not hold the stop up either.
    const upload = new Promise<number>((resolve) => {
      const request = httpRequest(`${controller.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': 1000 },
      });
      request.on('error', () => resolve(0)).on('response', (response) => resolve(response.statusCode!));
      request.write('{');
    });
    await eventually('all are under way', async () => {
      const metrics = await (await fetch(`${controller.url}/metrics`)).text();
      return /^llm_router_in_flight 3$/m.test(metrics);
    });
    controller.child.kill('SIGTERM');
    const last = (await text).trim().split('\n\n').at(-1)!;
    const { error } = JSON.parse(last.replace('data: ', '')) as { error: { code: string; message: string } };
    assert.equal(error.code, 'shutting_down');
    assert.match(error.message, /300 ms/);
    assert.equal((await plain).status, 503);
    assert.equal(await upload, 503);
    assert.equal(await controller.exited, 0);
    // All count as the router's doing, not as clients that left.
    assert.equal(controller.log().match(/"code":"shutting_down"/g)?.length, 3);
  });
});

/** What stands before replicas: sends to those that are ready, in turn. It knows of them only what `/readyz` says. */
async function startBalancer(backends: { url: string; ready: boolean }[]): Promise<Server> {
  let next = 0;
  const server = createServer((incoming, outgoing) => {
    const ready = backends.filter((backend) => backend.ready);
    const backend = ready[next++ % ready.length]!;
    const request = httpRequest(backend.url + incoming.url, {
      method: incoming.method!,
      headers: incoming.headers,
    });
    request.on('response', (response) => {
      outgoing.writeHead(response.statusCode!, response.headers);
      response.pipe(outgoing);
      response.on('error', () => outgoing.destroy());
    });
    request.on('error', () => outgoing.destroy());
    incoming.pipe(request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

test('a rolling restart under load loses no request', async () => {
  const file = join(folder, 'rolling.yaml');
  writeFileSync(file, yaml('one'));
  const controllers = [await start(file), await start(file)];
  const backends = controllers.map(({ url }) => ({ url, ready: true }));
  const probe = setInterval(() => {
    for (const backend of backends)
      void fetch(`${backend.url}/readyz`).then(
        ({ ok }) => {
          backend.ready = ok;
        },
        () => {
          backend.ready = false;
        },
      );
  }, 50);
  const balancer = await startBalancer(backends);
  const url = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
  let done = false;
  const results = { good: 0, bad: [] as string[] };
  const client = async (stream: boolean) => {
    while (!done) {
      try {
        const text = stream ? 'SLOW, please' : 'hi';
        const response = await chat(url, { model: 'complexity_router', messages: user(text), stream });
        const body = await response.text();
        if (response.status === 200 && (!stream || body.endsWith('data: [DONE]\n\n'))) results.good++;
        else results.bad.push(`${response.status} ${body.slice(-200)}`);
      } catch (error) {
        results.bad.push(String(error));
      }
    }
  };
  const clients = [client(false), client(false), client(true), client(true)];
  try {
    for (const index of [0, 1]) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const old = controllers[index]!;
      old.child.kill('SIGTERM');
      assert.equal(await old.exited, 0);
      controllers[index] = await start(file);
      backends[index]!.url = controllers[index].url;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  } finally {
    done = true;
    await Promise.all(clients);
    clearInterval(probe);
    balancer.close();
    balancer.closeAllConnections();
  }
  assert.deepEqual(results.bad, []);
  assert.ok(results.good > 50, `only ${results.good} requests`);
});
