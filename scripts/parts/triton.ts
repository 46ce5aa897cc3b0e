/** A real Triton from its wheel, without containers: server, Python backend, and our Python-based onnxruntime backend. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, ensure, findPython, hashOf, ROOT, readText, run, venv } from './lib.ts';

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

async function paths(): Promise<{ site: string; libraries: string; version: string }> {
  const output = await run('looking at the Triton environment', python, [
    '-c',
    'import sysconfig; print(sysconfig.get_paths()["purelib"]); print(sysconfig.get_config_var("LIBDIR")); print(sysconfig.get_python_version())',
  ]);
  const [site, libraries, version] = output.trim().split('\n');
  return { site: site!, libraries: libraries!, version: version! };
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
  const stamp = hashOf(readText(REQUIREMENTS), readText(BACKEND), version);
  await ensure('triton', stamp, join(backends, 'python', STUB), async () => {
    await venv(VENV, command, ['-r', join(ROOT, REQUIREMENTS)]);
    const { site } = await paths();
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
