/** Compose’s profile `light` for real: our images, built by a real engine, come up, answer, survive, and leave nothing. Needs root. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setupEngine } from '../engine/bases.ts';
import { buildImages } from '../proof/compose/images.ts';
import { prove } from '../proof/compose/prove.ts';
import { changesSince, machineState } from './machine-state.ts';

const PROFILES = ['light', 'demo'];

test('the profile light comes up from our Dockerfiles, answers, takes a new configuration, loses its classifier, and goes', async () => {
  await setupEngine();
  const images = await buildImages(PROFILES);
  assert.equal(images.length, 4, 'controller, classifier, stand-ins, playground');
  const before = machineState();
  const { healthy, requests, failed, checks } = await prove(PROFILES, true, ({ check, seconds, error }) =>
    console.log(`${error ? '✖' : '✔'} ${check}  ${seconds} s`),
  );
  assert.deepEqual(
    checks.filter(({ error }) => error),
    [],
  );
  assert.ok(healthy);
  assert.ok(requests > 5);
  assert.equal(failed, 0);
  assert.deepEqual(changesSince(before), [], 'the machine is as it was');
});
