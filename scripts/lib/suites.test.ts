import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isAlive, until } from '../test/processes.ts';
import { countTests, failedTests, processorSeconds, runSuite, type Suite } from './suites.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-suites-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function suite(code: string, minutes = 1): Suite {
  const file = join(folder, `${files++}.test.mjs`);
  writeFileSync(file, `import { test } from 'node:test';\nimport assert from 'node:assert';\n${code}`);
  return {
    name: file,
    command: process.execPath,
    args: ['--test-reporter=spec', file],
    needs: [],
    minutes,
    read: 'node',
  };
}
const numbers = async (code: string, minutes?: number) => {
  const { passed, failed } = await runSuite(suite(code, minutes));
  return { passed, failed };
};

test('passed and failed tests are counted as node tells them', async () => {
  const code = `test('a', () => {}); test('b', () => {}); test('c', () => assert.fail('no'));`;
  assert.deepEqual(await numbers(code), { passed: 2, failed: 1 });
});

test('a skipped test is a failed one', async () => {
  assert.deepEqual(await numbers(`test('a', () => {}); test.skip('b', () => {});`), { passed: 1, failed: 1 });
});

test('a file that breaks before its first test, or has none, fails once', async () => {
  assert.deepEqual(await numbers(`throw new Error('early');`), { passed: 0, failed: 1 });
  assert.deepEqual(await numbers(''), { passed: 0, failed: 1 });
});

test('a file that hangs is killed with what it started, and says so', async () => {
  const code = `
    import { spawn } from 'node:child_process';
    const child = spawn('sleep', ['600']);
    console.log('child ' + child.pid);
    test('a', () => {});
    setInterval(() => {}, 1000);`;
  const { failed, output } = await runSuite(suite(code, 3 / 60));
  assert.equal(failed, 1);
  assert.match(output, /took over .* minutes and was killed/);
  const pid = Number(/child (\d+)/.exec(output)![1]);
  await until(
    () => !isAlive(pid),
    () => `${pid} is left behind`,
  );
});

test('a command that is not there fails once', async () => {
  const result = await runSuite({ ...suite(''), command: '/no/such/program' });
  assert.deepEqual([result.passed, result.failed], [0, 1]);
});

test('pytest’s last line counts, not what a test printed', () => {
  const output =
    '7 passed, 3 failed is what the model said\n..F\n=== 1 failed, 12 passed, 1 skipped in 3.21s ===\n';
  assert.deepEqual(countTests('pytest', output, 1), { passed: 12, failed: 2, skipped: 1 });
});

test('a suite’s processor time is told with that of what it started and waited for', async () => {
  const burn = `const end = process.cpuUsage(); while (process.cpuUsage(end).user < 300_000);`;
  const { cpu } = await runSuite(
    suite(`
      import { spawnSync } from 'node:child_process';
      test('a', () => void spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]));`),
  );
  assert.ok(cpu! >= 0.3, `${cpu}`);
  const waiting = await runSuite({ ...suite(''), command: 'sleep', args: ['1'], read: 'exit' });
  assert.ok(waiting.cpu! < 0.3 && waiting.passed === 1, JSON.stringify(waiting));
  assert.equal(processorSeconds(''), null);
  assert.equal(Math.round(processorSeconds('0m0.00s 0m0.01s\n1m2.30s 0m0.40s\n')! * 10), 627);
});

test('what failed is told in few lines, with its name and why', async () => {
  const { output } = await runSuite(
    suite(`test('fine', () => {}); test('a sum', () => assert.equal(1 + 1, 3, 'two is not three'));`),
  );
  const told = failedTests(output, 12);
  assert.ok(told.length <= 12);
  assert.match(told.join('\n'), /✖ a sum[\s\S]*two is not three/);
  assert.doesNotMatch(told.join('\n'), /fine/);
  const pytest = `.....F\n${'x\n'.repeat(50)}=========================== short test summary info ============================\nFAILED tests/test_a.py::test_b - assert 1 == 2\n1 failed, 5 passed in 0.1s`;
  assert.match(failedTests(pytest, 12)[0]!, /^FAILED tests\/test_a.py::test_b/);
  assert.deepEqual(failedTests('one\ntwo\nthree', 2), ['two', 'three']);
});
