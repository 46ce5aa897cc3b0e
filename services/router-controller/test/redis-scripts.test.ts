/** Scripts that requests call, on a real Redis: those of one turn are one command, and each call stands for itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { gatherCommands } from '../src/redis/gather.ts';
import { Scripts } from '../src/redis/scripts.ts';

let server: RedisServer;
let client: Redis;
let other: Redis;
before(async () => {
  server = await startRedis();
  client = gatherCommands(new Redis(server.url)) as Redis;
  other = gatherCommands(new Redis(server.url)) as Redis;
  client.on('error', () => {});
});
after(async () => {
  client.disconnect();
  other.disconnect();
  await server.close();
});

const APPEND = `
local words = redis.call('RPUSH', KEYS[1], unpack(ARGV))
if #KEYS > 1 then redis.call('SET', KEYS[2], words) end
return {words, KEYS[1]}
`;
const LENGTH =
  "local function length(key) return redis.call('LLEN', key) end\nreturn length(KEYS[1]) -- of a list";

const nextTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Script commands that Redis has run. */
async function scriptsRun(): Promise<number> {
  const info = await other.info('commandstats');
  const calls = [...info.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)[^\n]*failed_calls=(\d+)/g)];
  return calls.reduce((sum, [, all, failed]) => sum + Number(all) - Number(failed), 0);
}

test('calls of a turn are one command, in their order, each with its own keys, words and answer', async () => {
  const scripts = new Scripts();
  const append = scripts.add<[number, string]>(APPEND);
  const length = scripts.add<number>(LENGTH);
  await append(client, ['warm'], ['a']);
  const before = await scriptsRun();
  const calls = [
    length(client, ['one']),
    append(client, ['one'], ['a', 'b', 3]),
    length(client, ['one']),
    // A promise's turn later it is still the same turn of the event loop.
    Promise.resolve().then(() => append(client, ['two', 'words'], ['c'])),
    append(client, ['one'], ['']),
  ];
  assert.deepEqual(await Promise.all(calls), [0, [3, 'one'], 3, [1, 'two'], [4, 'one']]);
  assert.equal((await scriptsRun()) - before, 1);
  assert.deepEqual(await other.lrange('one', 0, -1), ['a', 'b', '3', '']);
  assert.equal(await other.get('words'), '1');
  await nextTurn();
  assert.equal(await length(client, ['one']), 4);
  assert.equal((await scriptsRun()) - before, 2);
});

test('a call that Redis or its script refuses fails alone, with the reason', async () => {
  const scripts = new Scripts();
  const append = scripts.add<[number, string]>(APPEND);
  const raises = scripts.add<number>("error({err = 'MINE it is not to be'})");
  const says = scripts.add<number>("error('not a table')");
  const refuses = scripts.add<number>("return redis.error_reply('REFUSED by name')");
  await other.set('text', 'no list');
  const done = await Promise.allSettled([
    append(client, ['list'], ['a']),
    append(client, ['text'], ['b']),
    raises(client, [], []),
    says(client, [], []),
    refuses(client, [], []),
    append(client, ['list'], ['c']),
  ]);
  const told = done.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason.message)));
  assert.deepEqual(
    [told[0], told[5]],
    [
      [1, 'list'],
      [2, 'list'],
    ],
  );
  assert.match(String(told[1]), /WRONGTYPE/);
  assert.match(String(told[2]), /MINE it is not to be/);
  assert.match(String(told[3]), /not a table/);
  assert.match(String(told[4]), /REFUSED by name/);
});

test('very many calls of a turn are several commands; each client is sent its own', async () => {
  const scripts = new Scripts();
  const append = scripts.add<[number, string]>(APPEND);
  await Promise.all([append(client, ['warm'], ['a']), append(other, ['warm'], ['a'])]);
  const before = await scriptsRun();
  const calls = Array.from({ length: 100 }, (_, at) => append(client, ['many'], [at]));
  const answers = await Promise.all([
    ...calls,
    append(other, ['many'], ['x']),
    append(client, ['many'], ['y']),
  ]);
  assert.equal(new Set(answers.map(([count]) => count)).size, 102);
  assert.deepEqual(
    answers.slice(0, 100).map(([count]) => count),
    Array.from({ length: 100 }, (_, at) => at + 1).map((count) => answers[count - 1]![0]),
  );
  // 100 by 32, then one of each client.
  assert.equal((await scriptsRun()) - before, 6);
});

test('a script that comes later, and a Redis that has forgotten them all, make no difference', async () => {
  const scripts = new Scripts();
  const append = scripts.add<[number, string]>(APPEND);
  assert.deepEqual(await append(client, ['later'], ['a']), [1, 'later']);
  const length = scripts.add<number>(LENGTH);
  assert.deepEqual(await Promise.all([append(client, ['later'], ['a']), length(client, ['later'])]), [
    [2, 'later'],
    2,
  ]);
  await other.script('FLUSH');
  assert.equal(await length(client, ['later']), 2);
});

test('when the connection is lost each call that was under way hears of it', async () => {
  const scripts = new Scripts();
  const length = scripts.add<number>(LENGTH);
  const lone = gatherCommands(
    new Redis(server.url, { retryStrategy: null, maxRetriesPerRequest: 0 }),
  ) as Redis;
  lone.on('error', () => {});
  await length(lone, ['a']);
  const calls = [length(lone, ['a']), length(lone, ['b'])];
  lone.disconnect();
  for (const each of await Promise.allSettled(calls)) assert.equal(each.status, 'rejected');
});
