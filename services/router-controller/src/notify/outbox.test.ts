/** One webhook: signed as the standard's own library checks it, tried again, bounded, and let go of at the end. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { afterEach, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { eventually, sample } from '../../test/harness.ts';
import { type Answer, OK, startReceiver } from '../../test/webhook-receiver.ts';
import { FakeTime } from '../call/fake-time.ts';
import { type NotifyConfig, notifySchema, type WebhookConfig } from '../config/schema-notify.ts';
import { createLog, createMetrics } from '../observe/index.ts';
import type { Message } from './notice.ts';
import { Outbox } from './outbox.ts';

const secret = () => `whsec_${randomBytes(32).toString('base64')}`;
const SECRET = secret();
const message = (more: Partial<Message> = {}): Message => ({
  id: `msg_${randomBytes(8).toString('hex')}`,
  timestamp: new Date().toISOString(),
  type: 'breaker.opened',
  severity: 'error',
  summary: 'Target a <b> fails & rests',
  data: { target: 'a', replica: 'r1' },
  ...more,
});

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function scene(
  answer: Answer,
  { webhook = {}, settings = {}, time }: { webhook?: object; settings?: object; time?: FakeTime } = {},
) {
  const receiver = await startReceiver(answer);
  const config: NotifyConfig = notifySchema.parse({
    webhooks: [{ name: 'ops', url: receiver.url, secret: SECRET, ...webhook }],
    ...(time ? {} : { retry_first_ms: 5, retry_max_ms: 20 }),
    ...settings,
  });
  const metrics = createMetrics();
  const lines: string[] = [];
  const log = createLog({
    level: 'debug',
    stream: new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    }),
  });
  const outbox = new Outbox(config.webhooks[0] as WebhookConfig, {
    settings: () => config,
    metrics,
    log,
    ...(time && { time }),
  });
  closers.push(receiver.close, () => outbox.close(0));
  const count = (result: string) => sample(metrics, 'llm_router_notices_total', { webhook: 'ops', result });
  return { receiver, outbox, count, lines, config };
}

test('what is sent verifies by the standard’s own library, under each secret of a rotation, and not when changed', async () => {
  const next = secret();
  const { receiver, outbox, count } = await scene(OK, { webhook: { secret: [next, SECRET] } });
  outbox.push(message());
  await eventually('sent', async () => (await count('sent')) === 1);
  const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
  for (const each of [next, SECRET]) {
    const payload = new Webhook(each).verify(body, headers) as { type: string; data: object };
    assert.equal(payload.type, 'breaker.opened');
    assert.deepEqual(payload.data, {
      severity: 'error',
      summary: 'Target a <b> fails & rests',
      target: 'a',
      replica: 'r1',
    });
  }
  assert.throws(() => new Webhook(secret()).verify(body, headers));
  assert.throws(() => new Webhook(SECRET).verify(`${body} `, headers));
  assert.throws(() => new Webhook(SECRET).verify(body, { ...headers, 'webhook-id': 'msg_other' }));
  assert.equal(headers['content-type'], 'application/json');
});

test('a receiver that fails is asked again with the same id and a time of its own, until it takes it', async () => {
  const { receiver, outbox, count } = await scene((_received, response, attempt) => {
    if (attempt === 1) response.destroy();
    else response.writeHead(attempt < 4 ? 500 : 200).end('x'.repeat(100_000));
  });
  outbox.push(message());
  await eventually('sent', async () => (await count('sent')) === 1);
  assert.equal(receiver.received.length, 4);
  assert.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1);
  for (const { headers, body } of receiver.received) new Webhook(SECRET).verify(body, headers);
  assert.equal(await count('given_up'), 0);
});

test('a redirect is a failure and is not followed', async () => {
  const elsewhere = await startReceiver();
  closers.push(elsewhere.close);
  const { outbox, count, lines } = await scene(
    (_received, response) => void response.writeHead(307, { location: elsewhere.url }).end(),
    { settings: { give_up_ms: 1 } },
  );
  outbox.push(message());
  await eventually('given up', async () => (await count('given_up')) === 1);
  assert.equal(elsewhere.received.length, 0);
  assert.match(lines.join(''), /could not be delivered.*answered 307/);
});

test('one that hangs is let go of after timeout_ms, and what waits behind it gets its turn', async () => {
  const { receiver, outbox, count, lines } = await scene(
    (_received, response, attempt) => {
      if (attempt > 1) response.writeHead(200).end();
    },
    { settings: { timeout_ms: 2_000, give_up_ms: 1 } },
  );
  outbox.push(message());
  outbox.push(message({ type: 'breaker.closed' }));
  await eventually('both are through', async () => (await count('sent')) + (await count('given_up')) === 2);
  assert.equal(receiver.received.length, 2);
  assert.match(lines.join(''), /no answer within 2000 ms/);
});

test('410 ends it: what waits is dropped, and nothing more is sent', async () => {
  const { receiver, outbox, count } = await scene(
    (_received, response) => void response.writeHead(410).end(),
  );
  outbox.push(message());
  outbox.push(message());
  await eventually('gone', async () => (await count('given_up')) === 1 && (await count('dropped')) === 1);
  outbox.push(message());
  assert.equal(await count('dropped'), 2);
  assert.equal(receiver.received.length, 1);
});

test('at the shipped limits: so many a minute are taken, the next minute’s first tells how many were dropped', async () => {
  const time = new FakeTime();
  const { receiver, outbox, count, config } = await scene(OK, { time });
  const { per_minute } = notifySchema.parse({});
  assert.equal(config.per_minute, per_minute);
  for (let index = 0; index < per_minute + 7; index++) outbox.push(message());
  await eventually('sent', async () => (await count('sent')) === per_minute);
  assert.equal(await count('dropped'), 7);
  // A minute later by the clock of the outbox.
  time.after(60_000, () => {});
  while (time.next()) {
    // Every timer that is due.
  }
  outbox.push(message());
  await eventually('sent', async () => (await count('sent')) === per_minute + 1);
  assert.equal(JSON.parse(receiver.received.at(-1)!.body).data.dropped_before, 7);
});

test('at the shipped limits: a queue that is full drops; what fails is tried with growing pauses and given up in time', async () => {
  const time = new FakeTime();
  const shipped = notifySchema.parse({});
  const { receiver, outbox, count } = await scene(
    (_received, response) => void response.writeHead(503).end(),
    {
      time,
      settings: { per_minute: 600 },
    },
  );
  const began = time.now();
  for (let index = 0; index < shipped.queue + 5; index++) outbox.push(message());
  assert.equal(await count('dropped'), 5);
  const times: number[] = [];
  await eventually(
    'all of that age are given up',
    async () => {
      if (receiver.received.length > times.length) times.push(time.now());
      // The next timer only when the attempt before it has been answered.
      await new Promise((done) => setImmediate(done));
      time.next();
      return (await count('given_up')) === shipped.queue;
    },
    20_000,
  );
  const elapsed = time.now() - began;
  assert.ok(elapsed <= shipped.give_up_ms, `${elapsed} ms`);
  assert.ok(elapsed >= shipped.give_up_ms - 2 * shipped.retry_max_ms, `${elapsed} ms`);
});

test('Retry-After is heeded, and no pause is longer than what is left', async () => {
  const time = new FakeTime();
  const { receiver, outbox, count } = await scene(
    (_received, response, attempt) =>
      void response.writeHead(attempt === 1 ? 429 : 200, { 'retry-after': '120' }).end(),
    { time },
  );
  const began = time.now();
  outbox.push(message());
  await eventually('sent', async () => {
    if (receiver.received.length === 1) time.next();
    return (await count('sent')) === 1;
  });
  assert.equal(time.now() - began, 120_000);
});

test('at a stop what waits is tried once more at once, and a receiver that hangs holds nothing up', async () => {
  const failing = await scene(
    (_received, response, attempt) => void response.writeHead(attempt === 1 ? 500 : 200).end(),
    { settings: { retry_first_ms: 600_000, retry_max_ms: 600_000, give_up_ms: 10_000_000 } },
  );
  failing.outbox.push(message());
  failing.outbox.push(message());
  await eventually('one try', () => failing.receiver.received.length === 1);
  await failing.outbox.close(3_000);
  assert.equal(await failing.count('sent'), 2);

  const hanging = await scene(() => {});
  hanging.outbox.push(message());
  await eventually('it has come', () => hanging.receiver.received.length === 1);
  await hanging.outbox.close(20);
  assert.equal(await hanging.count('given_up'), 1);
  assert.match(hanging.lines.join(''), /the process stops/);
});

test('Slack’s form is a text that can’t address anybody, unsigned', async () => {
  const { receiver, outbox, count } = await scene(OK, { webhook: { form: 'slack', secret: undefined } });
  outbox.push(message({ summary: '<!channel> & <https://evil.example|here>' }));
  await eventually('sent', async () => (await count('sent')) === 1);
  const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
  const { text } = JSON.parse(body) as { text: string };
  assert.match(
    text,
    /^:red_circle: &lt;!channel&gt; &amp; &lt;https:\/\/evil\.example\|here&gt;\n_breaker\.opened · r1 · /,
  );
  assert.equal(headers['webhook-signature'], undefined);
});

test('neither its address nor its secret is ever logged', async () => {
  const { outbox, count, lines, config } = await scene(
    (_received, response) => void response.writeHead(404).end(),
    {
      settings: { give_up_ms: 1 },
    },
  );
  outbox.push(message());
  await eventually('given up', async () => (await count('given_up')) === 1);
  assert.ok(!lines.join('').includes(config.webhooks[0]!.url));
  assert.ok(!lines.join('').includes(SECRET));
});
