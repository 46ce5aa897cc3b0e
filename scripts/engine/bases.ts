/**
 * Base images without any registry of images: Debian's root file system by mmdebstrap, Node and npm from npm's packages,
 * Redis and Prometheus from Debian's, Triton from PyPI's wheel. They go where an image's name can be given: build arguments
 * and the variables of compose's .env.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemProgram } from '../parts/debian.ts';
import { CACHE, ensure, hashOf, ROOT, readText, run } from '../parts/lib.ts';
import { startBox } from './box.ts';
import { dataRoot, type Engine, setupDocker, withEngine } from './engine.ts';
import { requirePrivileges } from './privileges.ts';

const DEBIAN = 'bookworm';
/** Pinned; the one of Node's stock image need not be newer. */
const NPM = 'npm@11.21.2';

/** Names that nobody else gives: an engine that finds them has ours. */
export const BASES = {
  debian: `llm-router-base/debian:${DEBIAN}`,
  node: 'llm-router-base/node:24',
  redis: 'llm-router-base/redis:debian',
  prometheus: 'llm-router-base/prometheus:debian',
  grafana: 'llm-router-base/grafana:stand-in',
  triton: 'llm-router-base/triton:cpu',
} as const;

/** Variables of deploy/compose/.env that name images. */
export const IMAGE_VARIABLES: Readonly<Record<string, string>> = {
  NODE_IMAGE: BASES.node,
  TRITON_IMAGE: BASES.triton,
  REDIS_IMAGE: BASES.redis,
  PROMETHEUS_IMAGE: BASES.prometheus,
  GRAFANA_IMAGE: BASES.grafana,
};

const FOLDER = join(CACHE, 'engine');
const HERE = 'scripts/engine/bases';
const TRITON = 'deploy/docker/bases/triton-cpu.Dockerfile';

/** Debian's minimal root file system, with the authorities that this machine trusts: packages come through them. */
async function debianTar(): Promise<string> {
  const tar = join(FOLDER, 'debian.tar');
  await ensure('engine-debian', hashOf(DEBIAN), tar, async () => {
    await systemProgram('mmdebstrap', ['mmdebstrap'], ['mmdebstrap', 'debian-archive-keyring']);
    const trusted = '/etc/ssl/certs/ca-certificates.crt';
    const copy = existsSync(trusted) ? [`--customize-hook=cat ${trusted} >"$1${trusted}"`] : [];
    mkdirSync(FOLDER, { recursive: true });
    // It mounts, and works in a temporary folder: both go with the box, whatever happens. In memory, because dpkg syncs.
    const box = await startBox({ name: 'debian', network: 'machine', hide: ['/var/tmp'] });
    // As the stock slim image: without pages to read and other languages.
    const slim = ['doc', 'info', 'locale', 'man'].map(
      (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
    );
    const args = ['--variant=minbase', '--include=ca-certificates', ...slim, ...copy, DEBIAN, tar];
    try {
      await box.run(`Debian ${DEBIAN} by mmdebstrap`, 'mmdebstrap', args, { env: { TMPDIR: '/var/tmp' } });
    } finally {
      await box.stop();
    }
  });
  return tar;
}

/** The build context of Node's base: the Node that this workspace runs with, and npm. */
async function nodeContext(): Promise<string> {
  const folder = join(FOLDER, 'node');
  const bin = join(folder, 'usr/local/bin');
  await ensure('engine-node', hashOf(NPM, process.version), join(bin, 'npm'), async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(bin, { recursive: true });
    cpSync(process.execPath, join(bin, 'node'), { dereference: true });
    writeFileSync(join(folder, 'package.json'), '{}');
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund'];
    await run(`npm install ${NPM}`, 'npm', ['install', ...flags, NPM], { cwd: folder });
    const modules = join(folder, 'usr/local/lib/node_modules');
    cpSync(join(folder, 'node_modules/npm'), join(modules, 'npm'), { recursive: true });
    for (const name of ['npm', 'npx'])
      symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
  });
  return folder;
}

type Base = keyof typeof BASES;

/** Builds bases as a compose project. */
async function build(engine: Engine, context: string, names: readonly Base[]): Promise<void> {
  const args = { DEBIAN_IMAGE: BASES.debian, NODE_IMAGE: BASES.node };
  const services = Object.fromEntries(
    names.map((name) => {
      const folder = name === 'node' || name === 'triton' ? context : join(context, name);
      const dockerfile = join(ROOT, name === 'triton' ? TRITON : `${HERE}/${name}/Dockerfile`);
      return [name, { image: BASES[name], build: { context: folder, dockerfile, network: 'host', args } }];
    }),
  );
  const file = join(engine.box.folder, 'bases.json');
  writeFileSync(file, JSON.stringify({ name: 'llm-router-bases', services }));
  await engine.compose(`building ${names.join(', ')}`, [
    '--file',
    file,
    '--progress',
    'plain',
    'build',
    ...names,
  ]);
}

/** Where the engine keeps the names of its images. */
const imageList = () => join(dataRoot(), 'image', 'overlay2', 'repositories.json');

const hasImage = (name: string) =>
  existsSync(imageList()) && readFileSync(imageList(), 'utf8').includes(`"${name}"`);

/** A part whose product is an image. */
async function ensureImage(
  name: string,
  stamp: string,
  base: Base,
  make: () => Promise<void>,
): Promise<void> {
  const isThere = () => hasImage(BASES[base]);
  if (!isThere()) rmSync(join(CACHE, `${name}.stamp`), { force: true });
  await ensure(name, stamp, dataRoot(), make);
  if (!isThere()) throw new Error(`${BASES[base]} was built, but the engine does not have it`);
}

/** Installs an engine and makes the base images, but for Triton's. @returns the path of dockerd. */
export async function setupEngine(): Promise<string> {
  requirePrivileges('The engine');
  const dockerd = await setupDocker();
  const files = ['node', 'redis', 'prometheus', 'grafana'].map((name) => `${HERE}/${name}/Dockerfile`);
  const texts = [...files, `${HERE}/grafana/stand-in.mjs`].map(readText);
  const stamp = hashOf(DEBIAN, NPM, process.version, JSON.stringify(BASES), ...texts);
  await ensureImage('engine', stamp, 'grafana', async () => {
    const tar = await debianTar();
    const context = await nodeContext();
    await withEngine({ network: 'machine' }, async (engine) => {
      const [repository, tag] = BASES.debian.split(':');
      // Imported again it would be another image, and nothing that was built on it would be known.
      if (!hasImage(BASES.debian)) await engine.api.importImage(tar, repository!, tag!);
      await build(engine, context, ['node']);
      await build(engine, join(ROOT, HERE), ['redis', 'prometheus', 'grafana']);
    });
  });
  return dockerd;
}

/** Makes the base of Triton's image, some 500 MB of packages. */
export async function setupTritonBase(): Promise<void> {
  await setupEngine();
  const files = [TRITON, 'services/triton/requirements.txt', 'services/triton/backends/onnxruntime/model.py'];
  const stamp = hashOf(DEBIAN, JSON.stringify(BASES), ...files.map(readText));
  await ensureImage('engine-triton', stamp, 'triton', () =>
    withEngine({ network: 'machine' }, (engine) => build(engine, ROOT, ['triton'])),
  );
}
