/** Redis as people run it: Sentinel with a failover, Cluster, TLS with an ACL user; and one that comes up last. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { startRedis } from '../proof/limits/start-redis.ts';
import { certificates } from './certificates.ts';
import { eventually } from './harness.ts';
import { admission } from './redis-admission.ts';

test('Sentinel: after a failover the limits are shared again', async () => {
  const master = await startRedis();
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)]);
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  writeFileSync(
    file,
    [
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 3000',
    ].join('\n'),
  );
  const sentinel = await startRedis([], file);
  const sentinels = [{ host: '127.0.0.1', port: sentinel.port }];
  const one = admission({ sentinels, master: 'main', call_timeout_ms: 500 });
  const two = admission({ sentinels, master: 'main', call_timeout_ms: 500 });
  const plain = new Redis({ port: replica.port, host: '127.0.0.1' });
  try {
    await eventually('both reach the master', () => one.redis.up && two.redis.up);
    assert.equal((await one.passing(3)) + (await two.passing(3)), 5);
    await eventually('the replica is in step', async () =>
      /master_link_status:up/.test(await plain.info('replication')),
    );
    await master.kill();
    // Nobody waits for Redis, and nobody fails, while the sentinel makes up its mind.
    const until = Date.now() + 30_000;
    let asked = 0;
    while (!/role:master/.test(await plain.info('replication'))) {
      assert.ok(Date.now() < until, 'no failover');
      await one.passing(1);
      asked++;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(asked > 0);
    await eventually('both reach the new master', async () => {
      await one.passing(1);
      return one.redis.up && two.redis.up;
    });
    // What was taken before the failover is known to the new master.
    assert.ok((await one.passing(10)) + (await two.passing(10)) < 10);
  } finally {
    plain.disconnect();
    await Promise.all([one.close(), two.close()]);
    await Promise.all([sentinel.close(), replica.close(), master.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
});

test('Cluster: all keys of a call are on one node', async () => {
  const nodes = await Promise.all(
    [1, 2].map(() => startRedis(['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'])),
  );
  const plain = nodes.map(({ port }) => new Redis({ port, host: '127.0.0.1' }));
  try {
    await plain[0]!.cluster('ADDSLOTSRANGE', 0, 8191);
    await plain[1]!.cluster('ADDSLOTSRANGE', 8192, 16383);
    await plain[0]!.cluster('MEET', '127.0.0.1', nodes[1]!.port);
    for (const [index, node] of plain.entries())
      await eventually(`node ${index} sees the cluster`, async () =>
        /cluster_state:ok/.test(String(await node.cluster('INFO'))),
      );
    // Prefixes that live on either node.
    for (const key_prefix of ['a', 'b', 'c', 'd']) {
      const subject = admission({
        cluster: nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
        key_prefix,
        call_timeout_ms: 1_000,
      });
      await eventually('the cluster is reached', () => subject.redis.up);
      assert.equal(await subject.passing(8), 5, key_prefix);
      assert.equal((await subject.metrics.limiterErrors.get()).values.length, 0);
      await subject.close();
    }
  } finally {
    for (const node of plain) node.disconnect();
    await Promise.all(nodes.map((node) => node.close()));
  }
});

test('TLS and an ACL user; a wrong password or authority is told once', async () => {
  const pki = certificates();
  const plain = await startRedis(['--user', ...'router on >right ~{mine}:* +@all -@dangerous'.split(' ')]);
  const tls = await startRedis([], undefined, pki.issue('DNS:localhost'));
  const { ca } = pki;
  try {
    const user = admission({
      url: plain.url,
      username: 'router',
      password: 'right',
      key_prefix: 'mine',
      call_timeout_ms: 1_000,
    });
    await eventually('the ACL user is let in', () => user.redis.up);
    assert.equal(await user.passing(8), 5);
    await user.close();

    const secure = admission({ url: `rediss://localhost:${tls.port}`, ca, call_timeout_ms: 1_000 });
    await eventually('TLS is spoken', () => secure.redis.up);
    assert.equal(await secure.passing(8), 5);
    await secure.close();

    for (const wrong of [
      { url: plain.url, username: 'router', password: 'wrong-password' },
      { url: `rediss://localhost:${tls.port}` },
    ]) {
      const subject = admission(wrong);
      try {
        await eventually('it is told', () => subject.lines.length > 0);
        await new Promise((resolve) => setTimeout(resolve, 600));
        assert.equal(subject.redis.up, false);
        assert.equal(subject.lines.length, 1, subject.lines.join(''));
        assert.match(subject.lines[0]!, /Redis is away.*(WRONGPASS|certificate)/);
        assert.doesNotMatch(subject.lines.join(''), /wrong-password/);
        assert.equal(await subject.passing(8), 5, 'limits go on in memory');
      } finally {
        await subject.close();
      }
    }
  } finally {
    await Promise.all([plain.close(), tls.close()]);
    pki.remove();
  }
});

test('Redis may come up last; limits that are set to refuse do so until then', async () => {
  const server = await startRedis();
  await server.kill();
  const local = admission({ url: server.url, call_timeout_ms: 500 });
  const strict = admission(
    { url: server.url, call_timeout_ms: 500, key_prefix: 'other' },
    { on_redis_failure: 'refuse' },
  );
  try {
    assert.equal(await local.passing(8), 5);
    await assert.rejects(strict.passing(1), { code: 'limiter_unavailable', status: 503 });
    assert.equal((await strict.metrics.limiterUp.get()).values[0]!.value, 0);
    await server.start();
    await eventually('both reach it', () => local.redis.up && strict.redis.up);
    assert.equal(await strict.passing(8), 5);
    const told = local.lines.filter((line) => line.includes('Redis')).map((line) => JSON.parse(line).message);
    assert.deepEqual(told, ['Redis is away; limits go on without it', 'Redis is back']);
  } finally {
    await Promise.all([local.close(), strict.close()]);
    await server.close();
  }
});
