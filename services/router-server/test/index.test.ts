import assert from 'node:assert/strict';
import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { copyRepository, MODELS } from '../src/fixture.ts';
import { startRouterServer } from '../src/index.ts';

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) assert.fail(`not within a minute: ${what}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

test('the look at the repository serves a new policy, and outlives a repository that is away for a while', async () => {
  const copy = await copyRepository();
  const lines: string[] = [];
  const server = await startRouterServer({
    repository: copy.folder,
    threads: 1,
    pollSeconds: 0.05,
    log: (line) => lines.push(line),
  });
  const ready = async (model: string) => (await fetch(`${server.http}/v2/models/${model}/ready`)).ok;
  try {
    assert.equal(await ready('mine_head'), false);
    await copy.put('mine_head', async (folder) => {
      await cp(join(MODELS, 'task_router_head'), folder, { recursive: true });
      const file = join(folder, 'config.pbtxt');
      await writeFile(file, (await readFile(file, 'utf8')).replace('task_router_head', 'mine_head'));
    });
    await until('the new head is ready', () => ready('mine_head'));
    await rename(copy.folder, `${copy.folder}.away`);
    await until('the log tells', () => lines.some((line) => line.startsWith('can’t read the repository')));
    assert.equal(await ready('mine_head'), true);
    await rename(`${copy.folder}.away`, copy.folder);
  } finally {
    await server.close();
    await copy.remove();
  }
});

test('two servers live in one process, and a closed one answers no more', async () => {
  const options = { repository: MODELS, threads: 1, pollSeconds: 0 };
  const [one, other] = await Promise.all([startRouterServer(options), startRouterServer(options)]);
  assert.notEqual(one.grpc, other.grpc);
  await one.close();
  await assert.rejects(fetch(`${one.http}/v2/health/live`));
  assert.equal((await fetch(`${other.http}/v2/health/ready`)).status, 200);
  await other.close();
});
