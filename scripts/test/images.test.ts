/** Each of our images, put together without Docker from nothing but what its Dockerfile copies, starts and is healthy. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { hashKey } from '../../services/router-controller/src/authenticate/index.ts';
import { imageNames } from '../deploy/dockerfiles.ts';
import { readText } from '../parts/lib.ts';
import { freePort } from '../parts/process.ts';
import { setupTrainer } from '../parts/trainer.ts';
import { imageList } from '../sbom/images.ts';
import { partsOf } from '../sbom/part.ts';
import { environment, type StagedImage, stageImage } from './stage-image.ts';

const KEY = 'sk-llmr-of-the-image-test';
/** What `docker run` has to give them; an image that is not here needs nothing. */
const ENV: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  controller: {
    LLM_ROUTER_KEY_HASH: hashKey(KEY),
    LLM_ROUTER_STAND_IN_URL: 'http://127.0.0.1:9',
    LLM_ROUTER_CLASSIFIER_URL: 'grpc://127.0.0.1:9',
  },
};
/** Its base image is no Node: what it copies and starts is checked by `npm run check:deploy`. */
const NOT_NODE = ['triton'];

const files = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();

/** What Node says of each module that it finds compiled, or compiles; the root, which a test may have, writes nothing either. */
const COMPILING = { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };

/** Node found all that it loaded compiled already: in the image, by the image's flags, for the image's layout. */
function foundCompiled(name: string, said: string): void {
  const of = (words: RegExp) => said.split('\n').filter((line) => words.test(line));
  assert.deepEqual(of(/was rejected|writing cache/), []);
  const entry = name === 'controller' ? 'dist/main.mjs' : 'src/main.ts';
  assert.ok(
    of(/was accepted/).some((line) => line.includes(`/${entry} `)),
    said,
  );
}

/** The image's own command, its fixed ports replaced by free ones; and these, by what they were. */
async function command(image: string, { stage, words }: StagedImage) {
  const own = [...stage.entrypoint!, ...(stage.cmd ?? [])];
  const ports = new Map<number, number>();
  for (const port of stage.ports) ports.set(port, await freePort());
  // Flags later in the line win.
  const flags = stage.ports.flatMap((port) => {
    const flag = image === 'router-server' ? (port === 8001 ? '--grpc-port' : '--http-port') : '--port';
    return [flag, String(ports.get(port))];
  });
  // Loopback is enough here, and all that a test may open.
  const local = own.map((word) => (word === '0.0.0.0' ? '127.0.0.1' : word));
  return { line: words([...local, ...flags]), ports };
}

async function untilReady(
  line: readonly string[],
  image: StagedImage,
  env: Readonly<Record<string, string>>,
) {
  const child = spawn(line[0]!, line.slice(1), {
    cwd: image.workdir,
    env: { ...environment(), ...image.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const ready = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    if (text.startsWith('ready')) ready.resolve(text);
  });
  child.once('exit', (code) => ready.reject(new Error(`it ended with ${code}:\n${said}`)));
  await ready.promise;
  return { child, said: () => said };
}

/** By its own command it is of use to whoever has the key, and to nobody else. */
async function answersItsKey(port: number): Promise<void> {
  const ask = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${port}/v1/models`, { headers });
  assert.equal((await ask({})).status, 401);
  const { data } = (await (await ask({ authorization: `Bearer ${KEY}` })).json()) as {
    data: { id: string }[];
  };
  assert.ok(data.some(({ id }) => id === 'task_router'));
}

/** Nothing is installed that the list of the image does not tell. */
function holdsWhatIsListed(name: string, app: string): void {
  const store = join(app, 'node_modules', '.pnpm');
  const folders = existsSync(store) ? readdirSync(store).filter((each) => each.includes('@', 1)) : [];
  const found = new Set(folders.map((each) => each.replace(/(@[^@_]+)_.*$/, '$1').replace('+', '/')));
  const listed = partsOf(readText(imageList(name)))
    .filter(({ purl }) => purl.startsWith('pkg:npm/'))
    .map((part) => `${part.name}@${part.version}`);
  assert.deepEqual(
    [...found].filter((each) => !listed.includes(each)),
    [],
    'in the image, and not in its list',
  );
}

for (const name of imageNames().filter((image) => !NOT_NODE.includes(image))) {
  test(`the image ${name} has all that it needs`, async () => {
    const image = await stageImage(name);
    try {
      const before = files(image.root);
      for (const part of ['.env', '.git', 'test'])
        assert.ok(
          !before.some((file) => file.split('/').includes(part) && !file.includes('node_modules')),
          part,
        );
      holdsWhatIsListed(name, join(image.root, 'app'));
      const { stage } = image;
      if (!stage.health) {
        // A job: that it reads its arguments shows that all it imports is there.
        const [program, ...args] = image.words([...stage.entrypoint!, '--help']);
        await promisify(execFile)(program!, args, {
          cwd: image.workdir,
          env: { ...environment(), ...image.env },
        });
        return;
      }
      const { line, ports } = await command(name, image);
      const health = stage.health.map((word) =>
        [...ports].reduce((text, [port, free]) => text.replaceAll(`:${port}`, `:${free}`), word),
      );
      const isHealthy = () => promisify(execFile)(health[0]!, health.slice(1), { env: environment() });
      const { child, said } = await untilReady(line, image, { ...COMPILING, ...ENV[name] });
      try {
        await isHealthy();
        if (name === 'controller') await answersItsKey(ports.get(8084)!);
      } finally {
        child.kill('SIGTERM');
      }
      // Its last words are of what it writes.
      const [code] = await once(child, 'close');
      assert.equal(code, 0, 'SIGTERM ends it well');
      if (image.env.NODE_COMPILE_CACHE) foundCompiled(name, said());
      await assert.rejects(isHealthy(), 'its health check says that it has gone');
      // Its root file system is read-only: a start that wrote into it would fail there.
      assert.deepEqual(files(image.root), before);
      if (stage.steps.some((step) => step.kind === 'copy' && step.from !== null))
        assert.ok(
          existsSync(join(image.workdir, 'pnpm-lock.yaml')),
          'the lockfile lists what is in the image',
        );
    } finally {
      image.remove();
    }
  });
}

test('triton’s models for GPUs are made by its Dockerfile’s own steps', async () => {
  const python = await setupTrainer();
  const image = await stageImage('triton', { until: 'fp16', programs: dirname(python) });
  try {
    const model = (folder: string) => statSync(join(image.root, folder, 'prompt_encoder/1/model.onnx')).size;
    // Half precision of what int8 holds in a quarter, but for the tables that both keep.
    assert.ok(model('half') > model('models') * 1.5, `${model('half')} and ${model('models')} bytes`);
    const rest = (folder: string) =>
      files(join(image.root, folder)).filter((name) => !name.startsWith('prompt_encoder/'));
    assert.deepEqual(rest('half'), rest('models'));
    assert.ok(rest('half').includes('task_router_details/config.pbtxt'));
  } finally {
    image.remove();
  }
});
