import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { stackOptions } from './options.ts';

const before = process.env.NVIDIA_API_KEY;
beforeEach(() => {
  delete process.env.NVIDIA_API_KEY;
});
afterEach(() => {
  if (before === undefined) delete process.env.NVIDIA_API_KEY;
  else process.env.NVIDIA_API_KEY = before;
});

test('without a key stand-ins answer for the shipped models, and never for a file of the user’s unless asked for', () => {
  assert.equal(stackOptions([])!.standIns, true);
  assert.equal(stackOptions(['--config', 'own.yaml'])!.standIns, false);
  assert.equal(stackOptions(['--config', 'own.yaml', '--stand-ins'])!.standIns, true);
  process.env.NVIDIA_API_KEY = 'nvapi-of-a-test';
  assert.equal(stackOptions([])!.standIns, false);
  assert.equal(stackOptions(['--stand-ins'])!.standIns, true);
});

test('ports are those of the services unless given, and what is no port is told', () => {
  const { port, playgroundPort, prometheusPort } = stackOptions(['--port', '0'])!;
  assert.deepEqual([port, playgroundPort, prometheusPort], [0, 8008, 9090]);
  for (const wrong of ['http', '-1', '65536', '1.5', ' ']) {
    assert.throws(() => stackOptions([`--prometheus-port=${wrong}`]), /--prometheus-port must be a number/);
  }
});

test('help, unknown flags and unknown classifiers', () => {
  assert.equal(stackOptions(['--help']), null);
  assert.throws(() => stackOptions(['--prot', '1']), /--prot/);
  assert.throws(() => stackOptions(['--classifier', 'x']), /must be triton or router-server/);
});
