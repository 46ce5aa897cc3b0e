/** Wherever onnxruntime may be loaded, its telemetry is off before; phones-home.test.ts watches that this is enough. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { ROOT } from '../parts/lib.ts';
import { readDockerfile } from './dockerfile.ts';
import { dockerfilePath, imageNames } from './dockerfiles.ts';

const VARIABLE = 'ORT_DISABLE_TELEMETRY';
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('every image that holds models sets it', () => {
  const holding = imageNames().filter((image) =>
    /^COPY model_repository/m.test(readFileSync(dockerfilePath(image), 'utf8')),
  );
  assert.deepEqual(holding.sort(), ['router-server', 'triton']);
  for (const image of holding) {
    const values = readDockerfile(dockerfilePath(image))
      .at(-1)!
      .steps.flatMap((step) => (step.kind === 'env' ? [step.values] : []));
    assert.equal(Object.assign({}, ...values)[VARIABLE], '1', image);
  }
});

test('compose and the chart set it, whatever image they are given', () => {
  type Service = { environment?: Record<string, string>; '<<'?: Service };
  const { services } = load(read('deploy/compose/compose.yaml')) as { services: Record<string, Service> };
  // A merge is not followed here; a service's own environment would take the merged one's place.
  const environmentOf = (service: Service): Record<string, string> =>
    service.environment ?? (service['<<'] ? environmentOf(service['<<']) : {});
  for (const name of ['triton', 'triton-cpu', 'router-server'])
    assert.equal(environmentOf(services[name]!)[VARIABLE], '1', name);
  const chart = read('deploy/helm/llm-router/templates/classifier/deployment.yaml');
  assert.match(chart, new RegExp(`- \\{ name: ${VARIABLE}, value: "1" \\}`));
});

test('every source that loads it sets it first, or is of a package that does', () => {
  const sources = globSync('{services,model_repository,scripts}/**/*.{py,ts}', {
    cwd: ROOT,
    exclude: (name) => /node_modules|\.cache/.test(String(name)),
  });
  const others = sources.filter((file) => !import.meta.filename.endsWith(file));
  const loading = others.filter((file) =>
    /^\s*(?:import onnxruntime|from onnxruntime)|from 'onnxruntime-node'/m.test(read(file)),
  );
  assert.ok(loading.length >= 4, loading.join(', '));
  for (const file of loading) {
    // The package's own __init__ and conftest run before any of its modules.
    if (file.startsWith('services/trainer/')) continue;
    const text = read(file);
    const set = Math.max(text.indexOf(`"${VARIABLE}"] = "1"`), text.indexOf("import './no-telemetry.ts'"));
    const loads = text.search(
      /^\s*(?:import onnxruntime|from onnxruntime)|import [^;]*from 'onnxruntime-node'/m,
    );
    assert.ok(set >= 0 && set < loads, `${file} loads onnxruntime before ${VARIABLE} is set`);
  }
  for (const file of ['services/trainer/trainer/__init__.py', 'services/trainer/conftest.py'])
    assert.ok(read(file).includes(`os.environ["${VARIABLE}"] = "1"`), file);
});
