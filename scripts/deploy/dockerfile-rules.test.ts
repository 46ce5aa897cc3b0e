import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { environmentOf } from '../../services/bundler/src/index.ts';
import { ROOT } from '../parts/lib.ts';
import { parseDockerfile } from './dockerfile.ts';
import { dockerfileProblems } from './dockerfile-rules.ts';
import { dockerfilePath, pinnedPnpm, workspacePackages } from './dockerfiles.ts';

const FILE = readFileSync(dockerfilePath('controller'), 'utf8');
const IGNORE = readFileSync(`${dockerfilePath('controller')}.dockerignore`, 'utf8');
const problems = (dockerfile: string, ignore = IGNORE) =>
  dockerfileProblems({ root: ROOT, dockerfile, ignore, pnpm: pinnedPnpm() }, workspacePackages());

test('the controller’s has no problem', () => {
  assert.deepEqual(problems(FILE), []);
});

test('the controller’s process is started with what npm start gives it', () => {
  const steps = parseDockerfile(FILE).at(-1)!.steps;
  const env = Object.assign({}, ...steps.flatMap((step) => (step.kind === 'env' ? [step.values] : [])));
  const { NODE_COMPILE_CACHE, NODE_COMPILE_CACHE_PORTABLE, ...others } = env;
  assert.deepEqual(others, { NODE_ENV: 'production', ...environmentOf('router-controller') });
});

test('what Node compiled is kept in the images that start slowest', () => {
  for (const image of ['controller', 'router-server'])
    assert.match(readFileSync(dockerfilePath(image), 'utf8'), /NODE_COMPILE_CACHE=\S+/, image);
});

const WRONG: readonly (readonly [from: string | RegExp, to: string, words: RegExp])[] = [
  ['ARG NODE_IMAGE=node:24-bookworm-slim', 'ARG NODE_IMAGE', /build argument needs a default/],
  ['node:24-bookworm-slim', 'node:latest', /node:latest: give a version/],
  ['node:24-bookworm-slim', 'node', /node has no tag/],
  [/^USER .*$/gm, '', /USER is root/],
  [/^USER .*$/gm, 'USER node', /USER is node/],
  [/^USER .*$/gm, 'USER 0:0', /USER is 0:0/],
  [/^HEALTHCHECK [^\n]*\n[^\n]*$/m, '', /has no HEALTHCHECK/],
  [/org\.opencontainers\.image\.licenses/, 'licenses', /no label org\.opencontainers\.image\.licenses/],
  ['COPY config config', 'COPY confg config', /COPY confg: there is no such file/],
  ['COPY config config', 'COPY docs docs', /COPY docs: its \.dockerignore leaves it out/],
  ['COPY config config', 'ADD https://example.com/x /x', /ADD https:\/\/example\.com\/x/],
  [/COPY protos protos/g, '', /needs protos, which the last stage does not COPY/],
  ['COPY protos/package.json protos/', '', /installs without protos\/package\.json/],
  [
    /(COPY services\/router-controller )(.*)$/gm,
    'COPY services/router-controller/src $2',
    /needs services\/router-controller, which/,
  ],
  ['RUN node services/bundler/src/main.ts router-controller', '', /which no stage makes/],
  [
    'RUN node services/bundler/src/main.ts router-controller',
    'RUN node services/bundler/src/main.ts router-server',
    /which no stage makes/,
  ],
  [
    'COPY services/process services/process',
    '',
    /makes the bundle of router-controller without services\/process/,
  ],
  [/^COPY --from=bundle .*$/m, '', /which no COPY brings out of the stage 'bundle'/],
  [/NODE_COMPILE_CACHE_PORTABLE=1/, 'X=1', /without NODE_COMPILE_CACHE_PORTABLE=1/],
  [/^RUN node services\/bundler\/src\/compiled.*$/m, '', /where no stage keeps what Node compiled/],
  [
    'compiled/kept services/router-controller/dist',
    'compiled/kept services',
    /no stage keeps what Node compiled/,
  ],
  [/^USER .*$/m, 'USER 1000:1000', /for the user 1000:1000, and runs as 65532:65532/],
  ['NODE_OPTIONS=--max-semi-space-size=16', 'NODE_OPTIONS=--max-semi-space-size=8', /other NODE_OPTIONS/],
  [/^COPY --from=compiled .*$/m, '', /which no COPY brings out of the stage 'compiled'/],
  [
    '"services/router-controller/dist/main.mjs"',
    '"services/router-controller/src/mian.ts"',
    /there is no such file/,
  ],
  [
    '"services/router-controller/dist/main.mjs"',
    '"services/playground/src/main.ts"',
    /no COPY brings into the last stage/,
  ],
  [/ENTRYPOINT .*/, 'ENTRYPOINT node services/router-controller/dist/main.mjs', /write it as a JSON list/],
  ['--frozen-lockfile', '', /installs without --frozen-lockfile/],
  ['--prod', '', /installs without --prod/],
  [pinnedPnpm(), 'pnpm@1.0.0', /installs with another pnpm/],
  ['WORKDIR /app', 'WORKDR /app', /line \d+: Unknown instruction: WORKDR/],
];
for (const [from, to, words] of WRONG) {
  test(`it is told: ${words.source.replaceAll('\\', '')}`, () => {
    const changed = FILE.replace(from, to);
    assert.notEqual(changed, FILE, 'the change is one');
    assert.match(problems(changed).join('\n'), words);
  });
}

test('an ignore file that lets secrets, installed packages or what was built in is told', () => {
  assert.match(problems(FILE, '').join('\n'), /lets deploy\/compose\/\.env into the build/);
  for (const [pattern, file] of [
    ['**/node_modules', 'services/a/node_modules/x'],
    ['**/dist', 'services/a/dist/x'],
  ] as const)
    assert.ok(
      problems(FILE, IGNORE.replace(pattern, '')).includes(`its .dockerignore lets ${file} into the build`),
    );
});

test('stages, flags, JSON forms and lines that go on are read', () => {
  const [first, last] = parseDockerfile(
    'ARG A=node:24\nFROM ${A} AS one\nRUN a \\\n  && b\nFROM one\nCOPY --from=one --chown=0:0 ["a b", "c"]\nENV X=1 Y="2 3"\nEXPOSE 1 2\n',
  );
  assert.equal(first!.base, 'node:24');
  assert.equal(first!.name, 'one');
  assert.match((first!.steps[0] as { command: string }).command, /^a\s+&& b$/);
  assert.deepEqual(last!.steps, [
    { kind: 'copy', from: 'one', sources: ['a b'], target: 'c' },
    { kind: 'env', values: { X: '1', Y: '2 3' } },
  ]);
  assert.deepEqual(last!.ports, [1, 2]);
});
