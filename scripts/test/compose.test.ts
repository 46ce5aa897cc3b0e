/** The compose file as a user meets it: secrets made, refusals told, and what its services run, run without Docker. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { hashKey } from '../../services/router-controller/src/authenticate/index.ts';
import { loadConfig } from '../../services/router-controller/src/config/index.ts';
import { compose, filledExample } from '../deploy/compose.ts';
import { COMPOSE_FILE, ENV_EXAMPLE, parseEnv, readProject } from '../deploy/compose-project.ts';
import { ROOT } from '../parts/lib.ts';
import { freePort, leashed } from '../parts/process.ts';
import { setupRedis } from '../parts/redis.ts';
import { until } from './processes.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'llm-router-compose-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('the check has nothing to say against it', async () => {
  const { seen, problems } = await compose.run();
  assert.deepEqual(problems, []);
  assert.match(seen.join('\n'), /Docker Compose takes it/);
});

test('Compose refuses what the specification does not know', async () => {
  const file = join(folder, 'wrong.yaml');
  const text = readFileSync(join(ROOT, COMPOSE_FILE), 'utf8');
  writeFileSync(file, text.replace('    mem_limit: 1g\n', '    mem_limt: 1g\n'));
  await assert.rejects(readProject({ file, env: filledExample() }), /mem_limt/);
  writeFileSync(
    file,
    text.replace('redis: { condition: service_healthy }', 'reds: { condition: service_healthy }'),
  );
  await assert.rejects(readProject({ file, env: filledExample() }), /reds/);
});

test('make-env.sh fills in what is empty, for its user alone, shows nothing, and never writes over', async () => {
  for (const name of ['make-env.sh', '.env.example'])
    cpSync(join(ROOT, 'deploy/compose', name), join(folder, name));
  const { stdout, stderr } = await run('sh', [join(folder, 'make-env.sh')]);
  const env = parseEnv(readFileSync(join(folder, '.env'), 'utf8'));
  const example = parseEnv(readFileSync(join(ROOT, ENV_EXAMPLE), 'utf8'));
  const secrets = ['LLM_ROUTER_API_KEY', 'REDIS_PASSWORD', 'GRAFANA_ADMIN_PASSWORD'] as const;
  assert.equal(new Set(secrets.map((name) => env[name])).size, secrets.length);
  for (const name of secrets) {
    assert.match(env[name]!, /^(sk-llmr-)?[0-9a-f]{64}$/);
    assert.ok(!`${stdout}${stderr}`.includes(env[name]!), `${name} is shown`);
  }
  assert.equal(env.LLM_ROUTER_KEY_HASH, hashKey(env.LLM_ROUTER_API_KEY!));
  const others = Object.keys(example).filter((name) => ![...secrets, 'LLM_ROUTER_KEY_HASH'].includes(name));
  for (const name of others) assert.equal(env[name], example[name], name);
  assert.equal(statSync(join(folder, '.env')).mode & 0o777, 0o600);
  await assert.rejects(run('sh', [join(folder, 'make-env.sh')]), /there is a \.env already/);
  assert.deepEqual(parseEnv(readFileSync(join(folder, '.env'), 'utf8')), env);
  // Compose takes it, and the router takes its configuration with it.
  const { services } = await readProject({ env, profiles: ['light', 'demo'] });
  const given = services['router-controller']!.environment as Record<string, string>;
  const config = await loadConfig(join(ROOT, 'config/stack.yaml'), {
    env: given,
    overrides: { standInUrl: given.LLM_ROUTER_STAND_IN_URL! },
  });
  assert.equal(config.file.auth.keys[0]!.hash, env.LLM_ROUTER_KEY_HASH);
});

/** What Redis answers to lines. */
async function say(port: number, lines: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(lines);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

test('its Redis starts by its command, asks for the password, keeps what it is given, and shows the password nowhere', async () => {
  const password = 'password-of-the-compose-test';
  const { services } = await readProject({ env: { ...filledExample(), REDIS_PASSWORD: password } });
  const port = await freePort();
  const redis = await setupRedis();
  // A container has its own port and /data; this machine has neither. Compose writes $$ for what its shell is to read.
  const script = services
    .redis!.command!.at(-1)!
    .replaceAll('$$', '$')
    .replace('redis-server', redis)
    .replace('dir /data', `dir ${folder}\nport ${port}\nbind 127.0.0.1`);
  assert.ok(!script.includes(password));
  const start = () =>
    spawn(...leashed('/bin/sh', ['-ec', script]), {
      env: { PATH: process.env.PATH, REDIS_PASSWORD: services.redis!.environment!.REDIS_PASSWORD! },
      stdio: 'ignore',
    });
  const isUp = () =>
    until(
      async () => (await say(port, 'PING\r\nQUIT\r\n').catch(() => '')).includes('NOAUTH'),
      () => 'Redis does not ask for a password',
    );
  let child = start();
  try {
    await isUp();
    const line = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
    assert.match(line, /redis-server/, 'it has taken the shell’s place, so that it gets the signals');
    assert.ok(!line.includes(password));
    const auth = `AUTH ${password}\r\n`;
    assert.match(
      await say(port, `${auth}SET kept yes\r\nCONFIG GET maxmemory-policy\r\nQUIT\r\n`),
      /noeviction/,
    );
    child.kill('SIGTERM');
    await once(child, 'exit');
    child = start();
    await isUp();
    assert.match(await say(port, `${auth}GET kept\r\nQUIT\r\n`), /yes/);
  } finally {
    child.kill('SIGKILL');
  }
});
