import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { EVERYTHING, publicConfig } from '../http/public-config.ts';
import { anyEnv, ConfigError, parseConfig } from './index.ts';

const FILES = resolve(import.meta.dirname, '../../../../config');
const V1 = readFileSync(join(FILES, 'v1.yaml'), 'utf8');
const env = { NVIDIA_API_KEY: 'nvapi-secret-of-the-test' };

/** A right file of one policy, to be broken in one place. */
const file = (policy: string, rest = '') => `
targets:
  - { name: small, api_base: http://nim:8000/v1, model: small-model }
  - { name: large, api_base: https://api.example.com, api_key: "\${KEY}", model: large-model }
policies:
  - name: tasks
    url: grpc://triton:8001/tasks_ensemble
${policy}
${rest}`;
const LLMS = `    llms:
      - { name: Chat, target: small }
      - { name: Code, target: large }`;

function problems(text: string, environment: Record<string, string> = { KEY: 'k' }): string[] {
  try {
    parseConfig(text, 'f.yaml', { env: environment });
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

test('a mapping may take over another’s keys', () => {
  const merged = file(LLMS)
    .replace('  - { name: small,', '  - &small { name: small,')
    .replace('policies:', '  - { <<: *small, name: third }\npolicies:');
  const { targets } = parseConfig(merged, 'f.yaml', { env: { KEY: 'k' } }).table;
  assert.equal(targets.get('third')!.model, 'small-model');
});

test('an alias inside of its own anchor is refused in words', () => {
  for (const text of ['policies: &a [*a]', 'a: &a { b: [{ c: *a }] }'])
    assert.match(problems(text).join(), /not YAML: an alias stands inside of its own anchor$/);
});

describe('v1’s file', () => {
  const config = parseConfig(V1, 'v1.yaml', { env });

  test('loads unchanged: both policies, every label, four models', () => {
    const { policies, targets } = config.table;
    assert.deepEqual(
      [...policies.values()].map(({ entries }) => entries.size),
      [12, 7],
    );
    assert.equal(targets.size, 4);
    const code = policies.get('task_router')!.entries.get('Code Generation')!;
    assert.equal(code.routes[0]!.target.model, 'deepseek-ai/deepseek-r1');
    assert.deepEqual(policies.get('task_router')!.endpoints[0], {
      protocol: 'http',
      address: 'http://router-server:8000',
      model: 'task_router_ensemble',
    });
  });

  test('keys can’t be printed by accident', () => {
    const shown = [
      JSON.stringify(config.table.targets.values().next().value),
      String(config.table),
      JSON.stringify(publicConfig(config, EVERYTHING, true)),
    ];
    for (const text of shown) assert.doesNotMatch(text, /secret-of-the-test/);
    assert.match(shown[2]!, /"api_key":"\[REDACTED\]"/);
  });

  test('an http URL on Triton’s port is upgraded only when asked for', () => {
    const upgraded = parseConfig(`classifier: { upgrade_http_to_grpc: true }\n${V1}`, 'v1.yaml', { env });
    assert.deepEqual(upgraded.table.policies.get('task_router')!.endpoints[0], {
      protocol: 'grpc',
      address: 'router-server:8001',
      model: 'task_router_ensemble',
    });
  });
});

describe('what is wrong is told with its path and the nearest right word', () => {
  test('a right file has no problems', () => assert.deepEqual(problems(file(LLMS)), []));
  for (const [what, text, wanted] of [
    [
      'a typo in a key',
      file(`    treshold: 0.5\n${LLMS}`),
      "policies[0].treshold: unknown key. Did you mean 'threshold'?",
    ],
    ['a typo deep down', file(LLMS, 'server: { prot: 1 }'), "server.prot: unknown key. Did you mean 'port'?"],
    [
      'an unknown target',
      file(LLMS.replace('target: small', 'target: smal')),
      "policies[0].llms[0].target: no target 'smal'. Did you mean 'small'?",
    ],
    [
      'an unknown fallback entry',
      file(`    fallback: Chatt\n${LLMS}`),
      "policies[0].fallback: no entry 'Chatt' in this policy. Did you mean 'Chat'?",
    ],
    [
      'an entry twice',
      file(LLMS.replace('name: Code', 'name: Chat')),
      "policies[0].llms[1].name: 'Chat' stands twice in this policy",
    ],
    [
      'an unknown default policy',
      file(LLMS, 'default_policy: task'),
      "default_policy: no policy 'task'. Did you mean 'tasks'?",
    ],
    [
      'a word of a closed set',
      file(LLMS, 'auth: { mode: on }'),
      'auth.mode: must be one of: auto, required, open',
    ],
    [
      'two keys with one id',
      file(
        LLMS,
        `auth: { keys: [{ id: ann, hash: 'sha256:${'a'.repeat(64)}' }, { id: ann, tenant: other, hash: 'sha256:${'b'.repeat(64)}' }] }`,
      ),
      "auth.keys[1].id: 'ann' is the id of auth.keys[0], too; every key needs its own",
    ],
    [
      'one key twice',
      file(
        LLMS,
        `auth: { keys: [{ id: ann, hash: 'sha256:${'a'.repeat(64)}' }, { id: bob, hash: 'sha256:${'a'.repeat(64)}' }] }`,
      ),
      'auth.keys[1].hash: the same key as auth.keys[0]',
    ],
    [
      'keys of an issuer over the open network',
      file(LLMS, 'auth: { jwt: { issuer: i, audience: a, jwks_url: "http://id.example/jwks" } }'),
      'auth.jwt.jwks_url: must be https: whoever stands between could make tokens; http is for loopback only',
    ],
    [
      'an entry with two upstreams',
      file(LLMS.replace('target: small', 'target: small, model: m')),
      'policies[0].llms[0]: names its upstream twice; give one of: target, targets, or api_base + api_key + model',
    ],
    [
      'an unset variable',
      file(LLMS).replace('KEY}', 'OTHER}'),
      'targets[1].api_key: environment variable OTHER is not set; set it, or write ${OTHER:-default}',
    ],
    [
      'two listeners on one port',
      file(LLMS, 'server: { port: 8085 }\nadmin: { host: 0.0.0.0, token: a-token-of-24-characters }'),
      'admin.port: 8085 is server.port, too; the admin API wants one of its own',
    ],
    [
      'two logs in one file',
      file(LLMS, 'decision_log: { path: /tmp/x/../a.jsonl }\nspend_log: { path: /tmp/a.jsonl }'),
      "spend_log.path: '/tmp/a.jsonl' is decision_log.path, too; each wants a file of its own",
    ],
    [
      'a bad base URL',
      file(LLMS).replace('http://nim:8000/v1', 'nim:8000'),
      'targets[0].api_base: protocol nim is not http or https',
    ],
    [
      'a classifier URL without a model',
      file(LLMS).replace('/tasks_ensemble', ''),
      'policies[0].url: names no host and model; want http://HOST:PORT/v2/models/MODEL/infer or grpc://HOST:PORT/MODEL; https and grpcs for TLS',
    ],
  ] as const) {
    test(what, () => assert.deepEqual(problems(text), [wanted]));
  }

  test('a missing field', () => {
    assert.deepEqual(problems(file('')), ['policies[0].llms: missing; it must be a list']);
  });
  test('broken YAML is told by line', () => {
    assert.match(problems('policies:\n  - name: [x\n').join(), /^line \d+, column \d+: not YAML: /);
  });
  test('all problems come at once', () => {
    assert.equal(
      problems(file(`    treshold: 1\n${LLMS}`, 'server: { prot: 1 }\nauth: { mode: on }')).length,
      3,
    );
  });
  test('a variable that many places name is told once', () => {
    assert.deepEqual(problems(V1, {}), [
      'policies[0].llms[0].api_key: environment variable NVIDIA_API_KEY is not set (and at 18 more places); set it, or write ${NVIDIA_API_KEY:-default}',
    ]);
  });
});

test('a value that comes from a variable can’t become YAML', () => {
  const evil = 'x", "model": "other';
  const config = parseConfig(file(LLMS), 'f.yaml', { env: { KEY: evil } });
  assert.equal(config.table.targets.get('large')!.apiKey!.reveal(), evil);
  assert.equal(config.table.targets.get('large')!.model, 'large-model');
});

test('a file’s shape is judged without its secrets, variables and files alike', () => {
  const secrets = `
admin: { token: "\${A_TOKEN_NOT_SET_HERE}" }
redis: { url: "rediss://redis:6379/0", password: "\${A_PASSWORD_NOT_SET_HERE}", ca: "file:/not/here/ca.crt" }`;
  const text = file(LLMS, secrets);
  assert.equal(problems(text).length, 3);
  const { file: read } = parseConfig(text, 'f.yaml', { env: anyEnv });
  assert.equal(read.redis?.ca, 'file:/not/here/ca.crt');
  assert.throws(
    () => parseConfig(text.replace('target: small', 'target: smal'), 'f.yaml', { env: anyEnv }),
    /small/,
  );
});

test('without its secrets a file is right in any place that a text may stand; a default counts, and so does what is wrong', () => {
  const text = file(
    LLMS.replace('target: large', 'target: "${NOT_SET_TARGET}"').replace(
      'llms:',
      'fallback: "${NOT_SET_ENTRY}"\n    llms:',
    ),
    `
default_policy: "\${NOT_SET_POLICY}"
server: { trusted_proxies: ["\${NOT_SET_PROXY}"] }
logging: { level: "\${NOT_SET_LEVEL}" }
redis: { url: "\${NOT_SET_URL:-redis://here:6379}" }
auth:
  mode: required
  keys: [{ id: "\${NOT_SET_ID}", hash: "\${NOT_SET_HASH}", expires: "\${NOT_SET_DATE}" }]
  jwt: { issuer: i, audience: a, jwks_url: "file:/not/here" }`,
  )
    .replace('http://nim:8000/v1', '"${NOT_SET_BASE}"')
    .replace('grpc://triton:8001/tasks_ensemble', '"${NOT_SET_CLASSIFIER}"');
  assert.ok(problems(text).length >= 8);
  const { file: read } = parseConfig(text, 'f.yaml', { env: anyEnv });
  assert.equal(read.redis?.url, 'redis://here:6379');
  const told = (wrong: string) => {
    try {
      parseConfig(wrong, 'f.yaml', { env: anyEnv });
    } catch (error) {
      return (error as ConfigError).problems.map(({ path }) => path);
    }
    return [];
  };
  assert.deepEqual(told(text.replace('logging: { level', 'logging: { lvl')), ['logging.lvl']);
  assert.deepEqual(told(text.replace('"${NOT_SET_HASH}"', 'sha256:short')), ['auth.keys[0].hash']);
  assert.deepEqual(told(text.replace('${NOT_SET_URL:-redis://here:6379}', '${NOT_SET_URL:-http://here}')), [
    'redis.url',
  ]);
  // A variable is a text, whatever it holds.
  assert.deepEqual(told(text.replace('logging:', 'classifier: { batch_max: "${NOT_SET_N}" }\nlogging:')), [
    'classifier.batch_max',
  ]);
});

test('trusted proxies: addresses, ranges and three words; all else is told with what would be right', () => {
  const proxies = (...list: string[]) =>
    problems(file(LLMS, `server: { trusted_proxies: ${JSON.stringify(list)} }`));
  assert.deepEqual(
    proxies('10.1.2.3', '10.1.0.0/16', 'fd00::/8', '::1', 'loopback', 'linklocal', 'uniquelocal'),
    [],
  );
  for (const wrong of [
    '10.1',
    '10.1.0.0/33',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/255.0.0.0',
    'ingress',
    'fe80::1%eth0',
    '10.0.0.0/8/8',
    '',
  ])
    assert.match(
      proxies('::1', wrong).join(),
      /^server\.trusted_proxies\[1\]: must be an address \(10\.1\.2\.3\), a range/,
      wrong,
    );
  assert.match(proxies('loopbak').join(), /Did you mean 'loopback'\?$/);
});
