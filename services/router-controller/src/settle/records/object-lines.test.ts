/** Lines reach a store that checks every signature itself: whole, packed, once, bounded, and let go of at the end. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { afterEach, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { eventually as eventuallyWithin } from '../../../test/harness.ts';
import { S3_KEY, signatureProblem, startS3 } from '../../../test/s3-receiver.ts';
import { FakeTime } from '../../call/fake-time.ts';
import { objectStoreSchema } from '../../config/schema-records.ts';
import { createLog } from '../../observe/index.ts';
import { ObjectLines, objectName } from './object-lines.ts';

const eventually = (what: string, holds: () => boolean) => eventuallyWithin(what, holds, 60_000);

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function scene(more: object = {}, time?: FakeTime, answer?: Parameters<typeof startS3>[0]) {
  const store = await startS3(answer);
  const config = objectStoreSchema.parse({
    endpoint: store.url,
    bucket: 'records',
    region: S3_KEY.region,
    access_key_id: S3_KEY.id,
    secret_access_key: S3_KEY.secret,
    ...more,
  });
  const counts = { written: 0, dropped: 0 };
  const told = new PassThrough();
  let logged = '';
  told.on('data', (chunk) => {
    logged += String(chunk);
  });
  const lines = new ObjectLines({
    config,
    name: 'spend',
    count: (result, amount) => {
      counts[result] += amount;
    },
    log: createLog({ level: 'debug', stream: told }),
    ...(time && { time }),
  });
  closers.push(store.close, () => lines.close());
  const rows = () =>
    [...store.objects.values()].flatMap(({ body }) =>
      gunzipSync(body)
        .toString()
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { n: number }).n),
    );
  return { store, config, lines, counts, rows, logged: () => logged };
}

test('the tests’ own check of signatures takes AWS’ published example, and nothing that differs from it', () => {
  const example = {
    method: 'PUT',
    path: '/test%24file.text',
    headers: {
      host: 'examplebucket.s3.amazonaws.com',
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-date': '20130524T000000Z',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    },
    body: Buffer.from('Welcome to Amazon S3.'),
  };
  const key = {
    id: 'AKIAIOSFODNN7EXAMPLE',
    secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
  };
  assert.equal(signatureProblem(example, key), null);
  assert.equal(signatureProblem({ ...example, path: '/test%24file.txt' }, key), 'another signature');
  assert.equal(signatureProblem({ ...example, body: Buffer.from('?') }, key), 'another body');
  assert.equal(signatureProblem(example, { ...key, secret: 'x' }), 'another signature');
});

test('names are made of their parts, and nothing in them opens a folder', () => {
  const at = new Date('2026-11-29T06:07:08.009Z');
  assert.equal(
    objectName('a={log}/{date}/{hour}/{replica}-{time}-{n}.gz', 'spend', '../pod/1', at, 3),
    `a=spend/2026-11-29/06/..-pod-1-${at.getTime()}-3.gz`,
  );
});

test('lines are put when there are enough of them, or after a while, in order, signed and packed', async () => {
  const { store, lines, counts, rows } = await scene({ batch_bytes: 1024, batch_ms: 200 });
  for (let n = 0; n < 100; n++) lines.add(JSON.stringify({ n, text: 'ä'.repeat(20) }));
  await eventually('all are put', () => counts.written === 100);
  assert.deepEqual(store.problems, []);
  assert.deepEqual(
    rows(),
    Array.from({ length: 100 }, (_, n) => n),
  );
  assert.ok(store.objects.size >= 5);
  for (const [name, { type }] of store.objects) {
    assert.match(name, /^\/records\/spend\/\d{4}-\d\d-\d\d\/[\w.-]+-\d+-\d+\.jsonl\.gz$/);
    assert.equal(type, 'application/gzip');
  }
});

test('what a name may hold is signed as it is sent', async () => {
  const { store, lines, counts } = await scene({
    name: 'year=2026/{log}/{replica}-{time}-{n}.gz',
    batch_ms: 100,
    session_token: 'token-of-a-session',
  });
  lines.add('{"n":1}');
  await eventually('put', () => counts.written === 1);
  assert.deepEqual(store.problems, []);
  assert.match([...store.objects.keys()][0]!, /^\/records\/year=2026\/spend\//);
});

test('a store in trouble is tried again, and each line is there once', async () => {
  const { store, lines, counts, rows, logged } = await scene(
    { batch_ms: 100, retry_first_ms: 5, retry_max_ms: 10 },
    undefined,
    (response, count) => {
      if (count === 1) response.destroy();
      else if (count < 4) response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
      return count < 4;
    },
  );
  lines.add('{"n":1}');
  await eventually('put', () => counts.written === 1);
  assert.equal(store.asked(), 4);
  assert.deepEqual(rows(), [1]);
  assert.equal(counts.dropped, 0);
  assert.match(logged(), /takes no lines; they wait/);
  assert.match(logged(), /takes lines again/);
  assert.ok(!logged().includes(S3_KEY.secret));
});

test('a wrong key is told, with what the store answered', async () => {
  const { store, lines, counts, logged } = await scene({
    secret_access_key: 'another-secret-than-the-store-has',
    batch_ms: 100,
    give_up_ms: 1,
  });
  lines.add('{"n":1}');
  await eventually('given up', () => counts.dropped === 1);
  assert.deepEqual(store.problems, ['another signature']);
  assert.match(logged(), /given up.*answered 403/);
});

test('at the shipped limits: objects of batch_bytes, lines that wait batch_ms, and a buffer that drops what is over', async () => {
  const time = new FakeTime();
  const { store, config, lines, counts } = await scene({}, time, (response, count) => {
    if (count > 1_000) return false;
    response.writeHead(500).end();
    return true;
  });
  const shipped = objectStoreSchema.parse({
    endpoint: 'http://h',
    bucket: 'bbb',
    access_key_id: 'i',
    secret_access_key: 's',
  });
  assert.deepEqual([config.batch_bytes, config.buffer_bytes], [shipped.batch_bytes, shipped.buffer_bytes]);
  const line = JSON.stringify({ n: 1, pad: 'x'.repeat(64 * 1024 - 17) });
  const bytes = line.length + 1;
  const fit = Math.floor(shipped.buffer_bytes / bytes);
  for (let n = 0; n < fit + 9; n++) lines.add(line);
  assert.equal(counts.dropped, 9);
  // Given up an hour after they were gathered, by the clock of the lines.
  const began = time.now();
  await eventually('all that were gathered are given up', () => {
    time.next();
    return counts.dropped === fit + 9;
  });
  assert.ok(store.asked() > 0 && store.asked() < 1_000);
  assert.ok(time.now() - began <= shipped.give_up_ms + shipped.batch_ms);
  // There is room again; one line alone waits for batch_ms and no longer.
  store.answerBy(() => false);
  const then = time.now();
  lines.add('{"n":2}');
  await eventually('put', () => {
    if (time.now() === then) time.next();
    return counts.written === 1;
  });
  assert.equal(time.now() - then, shipped.batch_ms);
});

test('at a stop what waits is put at once; a store that hangs holds it up for drain_ms and no longer', async () => {
  const good = await scene();
  good.lines.add('{"n":1}');
  await good.lines.close();
  assert.deepEqual([good.counts.written, good.rows()], [1, [1]]);

  const hanging = await scene({ drain_ms: 50 }, undefined, () => true);
  hanging.lines.add('{"n":1}');
  await hanging.lines.close();
  assert.deepEqual([hanging.counts.written, hanging.counts.dropped], [0, 1]);
  hanging.lines.add('{"n":2}');
  assert.equal(hanging.counts.dropped, 2);
});
