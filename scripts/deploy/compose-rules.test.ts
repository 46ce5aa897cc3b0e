import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../parts/lib.ts';
import { type Project, parseEnv, type Service } from './compose-project.ts';
import {
  exampleProblems,
  imageProblem,
  reachable,
  secretProblems,
  serviceProblems,
  variablesOf,
} from './compose-rules.ts';

const GOOD: Service = {
  image: 'redis:7.2',
  user: '999:999',
  restart: 'unless-stopped',
  healthcheck: { test: ['CMD', 'true'] },
  mem_limit: '1',
  pids_limit: 1,
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  ports: [{ host_ip: '127.0.0.1', target: 80 }],
  volumes: [
    { type: 'bind', source: join(ROOT, 'config'), target: '/config', read_only: true },
    { type: 'volume', source: 'data', target: '/data' },
  ],
};
const project = (services: Record<string, Service>): Project => ({ services, networks: {} });

test('a service that does all that is asked has no problem, nor has a job', () => {
  assert.deepEqual(serviceProblems(project({ a: GOOD })), []);
  const job: Service = { ...GOOD, restart: 'no', healthcheck: { disable: true } };
  assert.deepEqual(serviceProblems(project({ a: job })), []);
});

const bind = (source: string, target: string, readOnly = true) => ({
  volumes: [{ type: 'bind', source: join(ROOT, source), target, read_only: readOnly }],
});
const WRONG: readonly (readonly [change: Partial<Service>, words: RegExp])[] = [
  [{ restart: undefined }, /restart is not set/],
  [{ restart: 'no' }, /restart is no/],
  [{ healthcheck: undefined }, /no healthcheck/],
  [{ healthcheck: { disable: true } }, /no healthcheck/],
  [{ depends_on: { b: { condition: 'service_started' } } }, /depends on b only to have been started/],
  [{ mem_limit: undefined }, /no mem_limit/],
  [{ pids_limit: undefined }, /no pids_limit/],
  [{ read_only: false }, /read_only is missing/],
  [{ cap_drop: ['NET_RAW'] }, /cap_drop: \[ALL\] is missing/],
  [{ cap_add: ['SYS_ADMIN'] }, /cap_add gives it SYS_ADMIN/],
  [{ security_opt: [] }, /no-new-privileges:true is missing/],
  [{ privileged: true }, /is privileged/],
  [{ network_mode: 'host' }, /network_mode: host/],
  [{ pid: 'host' }, /pid: host/],
  [{ user: undefined }, /user is the image’s/],
  [{ user: '0:0' }, /user is 0:0/],
  [{ user: 'root' }, /user is root/],
  [{ ports: [{ target: 80 }] }, /port 80 is published on every address/],
  [{ ports: [{ target: 80, host_ip: '0.0.0.0' }] }, /published on 0\.0\.0\.0/],
  [{ image: 'redis' }, /has no tag/],
  [{ image: undefined }, /has no image name/],
  [{ build: { context: ROOT, dockerfile: 'no/Dockerfile' } }, /no\/Dockerfile is not there/],
  [bind('no-such-folder', '/x'), /mounts no-such-folder, which is not there/],
  [bind('config', '/x', false), /mounts config for writing/],
  [bind('config', '/x.yaml'), /one is a file, the other a folder/],
  [bind('config/router.yaml', '/x'), /one is a file, the other a folder/],
  [{ volumes: [{ type: 'volume', target: '/data' }] }, /has no name/],
  [{ volumes: [{ type: 'bind', source: '/run/docker.sock', target: '/s' }] }, /Docker’s socket/],
];
for (const [change, words] of WRONG) {
  test(`it is told: ${words.source.replaceAll('\\', '')}`, () => {
    const problems = serviceProblems(project({ a: { ...GOOD, ...change } }));
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0]!, /^a: /);
    assert.match(problems[0]!, words);
  });
}

test('an image needs a tag that stays, or a digest', () => {
  for (const image of [
    'a:1',
    'host:5000/a:1.2-slim',
    `a@sha256:${'0'.repeat(64)}`,
    `a:1@sha256:${'f'.repeat(64)}`,
  ])
    assert.equal(imageProblem(image), null, image);
  for (const image of ['a', 'a:latest', 'host:5000/a', 'a@sha256:12']) assert.ok(imageProblem(image), image);
});

test('a secret in the file, or with a default, is told', () => {
  const of = (environment: Record<string, string>) => secretProblems(project({ a: { environment } })).length;
  assert.equal(of({ PASSWORD: '${P:?is missing}', API_KEY: '${K:-}', PORT: '1', MONKEY: 'x' }), 0);
  assert.equal(of({ PASSWORD: 'admin' }), 1);
  assert.equal(of({ ADMIN_TOKEN: '${T:-changeme}' }), 1);
  assert.equal(of({ X_API_KEY_ID: '${T}' }), 1);
});

test('variables are those of Compose, not those of a container’s shell', () => {
  const text = 'a: ${A:?why} ${B:-1} $${C} ${A}';
  assert.deepEqual(
    [...variablesOf(text)],
    [
      ['A', true],
      ['B', false],
    ],
  );
});

test('an example that lacks a variable, has one too many, or a password, is told', () => {
  const file = join(ROOT, 'deploy/compose/compose.yaml');
  const problems = exampleProblems(file, { OTHER: '1', REDIS_PASSWORD: 'redis' });
  assert.ok(problems.includes('GRAFANA_ADMIN_PASSWORD is used but not in .env.example'));
  assert.ok(problems.includes('.env.example: OTHER is not used'));
  assert.ok(problems.includes('.env.example: REDIS_PASSWORD has a value'));
  assert.ok(problems.some((problem) => problem.startsWith('REDIS_PASSWORD is required')));
});

test('services reach each other over networks that both are on, by name and alias', () => {
  const names = reachable(
    project({
      a: { networks: { one: null } },
      b: { networks: { one: { aliases: ['c'] }, two: { aliases: ['hidden'] } } },
      d: { networks: { two: null } },
    }),
    'a',
  );
  assert.deepEqual([...names].sort(), ['a', 'b', 'c']);
});

test('an env file is read line by line', () => {
  assert.deepEqual(parseEnv('# A=1\nB=2=3\n\nC=\n'), { B: '2=3', C: '' });
});
