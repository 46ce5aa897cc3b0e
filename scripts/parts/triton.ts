/** A real Triton from its wheel, without containers: server, Python backend, and our Python-based onnxruntime backend. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemPart } from './debian.ts';
import { CACHE, ensure, findPython, hashHere, ROOT, readText, venv } from './lib.ts';

const REQUIREMENTS = 'services/triton/requirements.txt';
const BACKEND = 'services/triton/backends/onnxruntime/model.py';

export interface TritonInstall {
  readonly binary: string;
  readonly backends: string;
  readonly caches: string;
  readonly env: Readonly<Record<string, string>>;
}

const VENV = 'triton-venv';
const STUB = 'triton_python_backend_stub';
/** The wheel has more stubs, but its other requirements fit only these. */
const PYTHONS = { from: 10, to: 12 };
const python = join(CACHE, VENV, 'bin', 'python');

/** Where a Python of the environment keeps its packages, and the folder of its own shared library. */
async function paths(): Promise<{ site: string; libraries: string }> {
  const code =
    'import sysconfig as s; print(s.get_paths()["purelib"]); print(s.get_config_var("LIBDIR"), s.get_config_var("MULTIARCH"))';
  const { stdout } = await promisify(execFile)(python, ['-c', code]);
  const [site, library] = stdout.trim().split('\n');
  const [folder, multiarch] = library!.split(' ');
  return { site: site!, libraries: [folder!, join(folder!, multiarch!)].join(':') };
}

/** Python's shared library, which the stub is linked to; Debian has it in a package of its own. */
async function sharedPython(version: string, libraries: string): Promise<void> {
  const name = `libpython${version}.so.1.0`;
  const known = [
    '/usr/lib',
    '/usr/lib64',
    '/usr/local/lib',
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
  ];
  const find = () =>
    [...libraries.split(':'), ...known]
      .map((folder) => join(folder, name))
      .find((file) => existsSync(file)) ?? null;
  await systemPart(`${name}, the shared library of Python ${version},`, find, [`libpython${version}`]);
}

/**
 * The stub runs an isolated interpreter that ignores PYTHONPATH; the backend's own folder is on its path, so the
 * environment's packages are linked there.
 */
function linkPackages(site: string, folder: string): void {
  for (const name of readdirSync(site)) {
    const link = join(folder, name);
    if (!name.startsWith('_') && !name.endsWith('.pth') && !existsSync(link))
      symlinkSync(join(site, name), link);
  }
}

/** Installs what is missing and returns where things are. */
export async function setupTriton(): Promise<TritonInstall> {
  const backends = join(CACHE, 'triton-backends');
  const { command, version } = await findPython('The real Triton', PYTHONS);
  const stamp = hashHere(readText(REQUIREMENTS), readText(BACKEND), version);
  await ensure('triton', stamp, join(backends, 'python', STUB), async () => {
    await venv(VENV, command, ['-r', join(ROOT, REQUIREMENTS)]);
    const { site, libraries } = await paths();
    await sharedPython(version, libraries);
    const server = join(site, 'pytriton', 'tritonserver');
    const stub = join(server, 'python_backend_stubs', version, STUB);
    if (!existsSync(stub))
      throw new Error(`the Triton wheel has no Python backend stub for Python ${version}`);
    rmSync(backends, { recursive: true, force: true });
    mkdirSync(join(backends, 'onnxruntime'), { recursive: true });
    cpSync(join(server, 'backends', 'python'), join(backends, 'python'), { recursive: true });
    cpSync(stub, join(backends, 'python', STUB));
    cpSync(join(ROOT, BACKEND), join(backends, 'onnxruntime', 'model.py'));
    linkPackages(site, join(backends, 'python'));
  });
  const { site, libraries } = await paths();
  const server = join(site, 'pytriton', 'tritonserver');
  return {
    binary: join(server, 'bin', 'tritonserver'),
    backends,
    caches: join(server, 'caches'),
    env: { LD_LIBRARY_PATH: `${join(site, 'nvidia_pytriton.libs')}:${libraries}`, PYTHONPATH: site },
  };
}
