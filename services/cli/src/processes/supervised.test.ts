import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Server, Supervised } from './supervised.ts';

/** A server in name only: it dies when told to. */
function fake() {
  const started: { die: () => void; stopped: boolean; signal: AbortSignal }[] = [];
  const begin = async (signal: AbortSignal): Promise<Server> => {
    const exited = Promise.withResolvers<void>();
    const each = { die: exited.resolve, stopped: false, signal };
    started.push(each);
    return {
      exited: exited.promise,
      stop: async () => {
        each.stopped = true;
        exited.resolve();
      },
    };
  };
  return { started, begin };
}

const until = async (holds: () => boolean) => {
  while (!holds()) await sleep(10);
};

test('one that dies is cleaned up and started again, as often as it dies', async () => {
  const { started, begin } = fake();
  const supervised = new Supervised('fake', begin);
  await supervised.start();
  started[0]!.die();
  await until(() => started.length === 2);
  assert.ok(started[0]!.stopped);
  started[1]!.die();
  await until(() => started.length === 3);
  await supervised.stop();
  assert.ok(started[2]!.stopped);
});

test('a stop is no death, and a death just before it starts nothing any more', async () => {
  const { started, begin } = fake();
  const supervised = new Supervised('fake', begin);
  await supervised.start();
  started[0]!.die();
  // The restart waits half a second.
  await sleep(50);
  await supervised.stop();
  await sleep(700);
  assert.equal(started.length, 1);
});

test('one that is still starting is told to give up', async () => {
  let told = false;
  const supervised = new Supervised('slow', (signal) => {
    const gaveUp = Promise.withResolvers<Server>();
    signal.addEventListener('abort', () => {
      told = true;
      gaveUp.reject(new Error('gave up'));
    });
    return gaveUp.promise;
  });
  const starting = assert.rejects(supervised.start(), /gave up/);
  await supervised.stop();
  await starting;
  assert.ok(told);
});
