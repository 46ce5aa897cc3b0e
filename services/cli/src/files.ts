/**
 * Commands that are a file of their own, which reads its own options: `llm-router a b …` runs it with all that stands after
 * the words. A line here is all that a new one needs, beside its `npm run a:b` in package.json.
 */
import type { Example, Group } from './lib/command.ts';

export interface FileCommand {
  /** From the repository's root; or a tool of the workspace with its first arguments, run there. */
  readonly file: string | readonly string[];
  readonly about: string;
  readonly group: Group;
  /** Words that may follow, for completions. */
  readonly words?: readonly string[];
  /** Arguments beside options, as the help shows them. */
  readonly takes?: string;
  /** Flags and what they do. The file reads them itself; a test holds this list against it. */
  readonly options?: readonly (readonly [flags: string, about: string])[];
  /** Lines under its help; a command with a help of its own has them there. */
  readonly examples?: readonly Example[];
  /** It tells its options itself: the file whose HELP has the text, or `tool` for a program of others. */
  readonly ownHelp?: string;
  /** Why it has no --json. */
  readonly withoutJson?: string;
}

export const FILES: Readonly<Record<string, FileCommand>> = {
  keys: {
    file: 'services/router-controller/src/keys-cli.ts',
    about: 'API keys for clients: create, list, update, rotate, disable, enable, revoke, audit',
    group: 'clients',
    words: ['create', 'list', 'update', 'rotate', 'end-overlap', 'disable', 'enable', 'revoke', 'audit'],
    ownHelp: 'services/router-controller/src/keys-cli/help.ts',
  },
  'check-config': {
    file: 'services/router-controller/src/check-config.ts',
    about: 'checks a configuration file: what is wrong, where, what would be right',
    group: 'run',
    takes: '<FILE>',
    options: [
      ['--allow-missing-secrets', 'variables that are not set are no problem: for CI, where keys are absent'],
      ['--json', 'one JSON object: ok, policies, targets, problems, warnings'],
    ],
    examples: [
      { line: 'llm-router check-config router.yaml', what: 'each problem with its place in the file' },
      {
        line: 'llm-router check-config router.yaml --allow-missing-secrets --json',
        what: 'in CI, for a script',
      },
    ],
  },
  loadtest: {
    file: 'services/load-generator/src/main.ts',
    about: 'bounded load on a router of your own, and what came of it',
    group: 'prove',
    ownHelp: 'services/load-generator/src/options.ts',
  },
  stack: {
    file: 'scripts/stack.ts',
    about: 'what compose runs, without Docker: Triton, Redis, Prometheus, controller, playground',
    group: 'prove',
    ownHelp: 'scripts/stack/options.ts',
    withoutJson: 'runs until it is stopped',
  },
  triton: {
    file: 'scripts/triton.ts',
    about: 'a real Triton with model_repository/, without Docker',
    group: 'prove',
    options: [
      ['--repository <DIR>', 'models (default: model_repository)'],
      ['--grpc-port <N>', 'default: 8001; 0 takes a free one'],
      ['--http-port <N>', 'default: 8000'],
      ['--metrics-port <N>', 'default: 8002'],
      [
        '--model-control <MODE>',
        'poll (default: changed models are taken up), none, or explicit (by the repository API)',
      ],
    ],
    withoutJson: 'runs until it is stopped',
    examples: [
      { line: 'llm-router triton', what: 'on ports 8000, 8001 and 8002, until Ctrl-C' },
      {
        line: 'llm-router triton --grpc-port 0 --repository my-models',
        what: 'another repository, on a free port',
      },
    ],
  },
  'router-server': {
    file: 'services/router-server/src/main.ts',
    about: 'the embedded classifier alone: Triton’s protocol over model_repository/, without Python or a GPU',
    group: 'prove',
    ownHelp: 'services/router-server/src/help.ts',
    withoutJson: 'runs until it is stopped',
  },
  playground: {
    file: 'services/playground/src/main.ts',
    about: 'the page to try a router with, before one that runs',
    group: 'ask',
    ownHelp: 'services/playground/src/help.ts',
    withoutJson: 'runs until it is stopped',
  },
  bench: {
    file: 'services/router-controller/bench/main.ts',
    about: 'what the router costs beside a bare proxy in the same run',
    group: 'prove',
    options: [
      ['--rounds <N>', 'times that each scenario is measured on each target, interleaved (default: 3)'],
      ['--only <A,B>', 'scenarios by name'],
      ['--scale <X>', 'so many times the requests (default: 1)'],
      ['--warm <N>', 'requests before the first round (default: 6000)'],
      ['--against <DIR>', 'measure the controller of another checkout beside this one'],
      ['--cpus <LIST>', 'CPUs of the targets, as taskset takes them'],
      ['--node-args <LIST>', 'options for the controller’s Node, with spaces between'],
      [
        '--sources',
        'the controller runs from its sources, not as the one file that is shipped; a profile always does',
      ],
      ['--record <LABEL>', 'add the result to the history and draw it'],
      ['--profile <FOLDER>', 'write a CPU profile and a flame graph of the controller under 64 connections'],
      ['--json', 'one JSON object on the last line'],
    ],
    examples: [
      { line: 'llm-router bench --rounds 3', what: 'every scenario, three times on each target' },
      {
        line: 'llm-router bench --profile profile --only c64',
        what: 'where the time of one scenario goes, as a flame graph',
      },
    ],
  },
  soak: {
    file: 'services/router-controller/proof/soak.ts',
    about: 'hours of load while everything around fails',
    group: 'prove',
    options: [
      ['--minutes <N>', 'for how long (default: 20)'],
      ['--clients <N>', 'at once (default: 12)'],
      ['--classifier <KIND>', 'triton (default) or embedded'],
      ['--json', 'the last line is one JSON object'],
    ],
    examples: [
      { line: 'llm-router soak --minutes 60 --classifier embedded', what: 'an hour, without Triton' },
    ],
  },
  conformance: {
    file: 'services/router-controller/proof/conformance.ts',
    about: 'clients that others wrote, against a real router',
    group: 'prove',
    options: [
      ['--suite <NAME>', 'one of them'],
      ['--json', 'the last line is one JSON object'],
    ],
    examples: [
      { line: 'llm-router conformance', what: 'every suite' },
      { line: 'llm-router conformance --suite codex', what: 'one of them' },
    ],
  },
  'proof attacks': {
    file: 'services/router-controller/proof/attacks.ts',
    about: 'hostile clients, upstreams and tenants against a running router',
    group: 'prove',
    options: [
      ['--only <PATTERN>', 'attacks whose name contains it'],
      ['--json', 'the last line is one JSON object'],
    ],
    examples: [
      { line: 'llm-router proof attacks --only slow', what: 'attacks with that word in their name' },
    ],
  },
  'proof faults': {
    file: 'services/router-controller/proof/faults.ts',
    about: 'every upstream fault against the router, as a table',
    group: 'prove',
    options: [['--json', 'one line a cell: fault, stream, fallback, expected, got']],
    examples: [
      { line: 'llm-router proof faults', what: 'each fault, streamed and not, with a fallback and without' },
    ],
  },
  'proof limits': {
    file: 'services/router-controller/proof/limits.ts',
    about: 'limits over four controllers on a real Redis',
    group: 'prove',
    options: [
      ['--requests <N>', 'in all (default: 10000)'],
      ['--seconds <N>', 'how long requests per minute are asked for (default: 15)'],
      ['--call-timeout-ms <N>', 'longest wait for Redis (default: 50)'],
      ['--json', 'the last line is one JSON object'],
    ],
    examples: [{ line: 'llm-router proof limits --requests 2000', what: 'fewer requests than the default' }],
  },
  'proof cluster': {
    file: 'scripts/proof/cluster.ts',
    about:
      'the chart in a real Kubernetes: every values file, rollouts, drains, network policies, under load',
    group: 'prove',
    options: [
      ['--images <FILE>', 'the images as docker save writes them, instead of building them'],
      ['--only <WORDS>', 'events whose name has these words, and no installs of values files'],
      [
        '--from <REVISION>',
        'whose chart is upgraded to this one (default: the newest tag with another chart, else the last such commit)',
      ],
      ['--json', 'standard output has the last line alone, which is JSON'],
    ],
    examples: [{ line: 'llm-router proof cluster --only drain', what: 'one kind of event' }],
  },
  'proof compose': {
    file: 'scripts/proof/compose.ts',
    about: 'every profile of compose that needs no GPU, on an engine of its own',
    group: 'prove',
    options: [
      ['--quick', 'the checks of npm test: up, requests, reload, the classifier killed, down'],
      ['--only <NAME>', 'one classifier’s profile: light or cpu'],
      ['--json', 'standard output has the last line alone, which is JSON'],
    ],
    examples: [
      {
        line: 'llm-router proof compose --quick --only light',
        what: 'what npm test looks at, of one profile',
      },
    ],
  },
  setup: {
    file: 'scripts/setup.ts',
    about: 'installs the real parts that tests use, or those named',
    group: 'develop',
    takes: '[PART…]',
    options: [['--json', 'the last line is one JSON object; all else goes to standard error']],
    examples: [
      { line: 'llm-router setup', what: 'all of them' },
      { line: 'llm-router setup redis prometheus', what: 'those two' },
    ],
  },
  test: {
    file: 'scripts/test.ts',
    about: 'all tests, or a part: --only PATTERN',
    group: 'develop',
    options: [
      ['--only <PATTERN>', 'suites whose name contains it'],
      ['--quick', 'types, style, and the tests beside what differs from main'],
      ['--watch', 'the tests beside the code, again whenever a file that they import changes'],
      [
        '--at-once <CORES>',
        'whole suites beside one another, so many that they keep so many cores busy (default: 2, or 1 where there is one)',
      ],
      ['--json', 'the last line is one JSON object; all else goes to standard error'],
    ],
    examples: [
      { line: 'llm-router test --only limits', what: 'suites with that word in their name' },
      { line: 'llm-router test --quick', what: 'before each commit' },
      { line: 'llm-router test --watch', what: 'while you write' },
    ],
  },
  docs: {
    file: 'scripts/docs.ts',
    about: 'writes the reference pages, dashboards and alerts from the code',
    group: 'develop',
    options: [
      ['--check', 'writes nothing; fails when a file is not what the code would give'],
      ['--site', 'builds all pages as a site into docs/.site; fails on a link that leads nowhere'],
      ['--serve', 'with --site: serves it afterwards'],
      ['--base <PATH>', 'with --site: the path under which it will be served'],
      ['--json', 'the last line is one JSON object; all else goes to standard error'],
    ],
    examples: [
      { line: 'llm-router docs', what: 'after a change of what pages are made from' },
      { line: 'llm-router docs --site --serve', what: 'all pages as a site, to look at' },
    ],
  },
  tutorial: {
    file: 'scripts/tutorial.ts',
    about: "runs the tutorials' commands and compares what they print",
    group: 'develop',
    options: [
      ['--write', 'puts into the pages what was printed'],
      ['--json', 'the last line is one JSON object; all else goes to standard error'],
    ],
    examples: [{ line: 'llm-router tutorial --write', what: 'after a change of what commands print' }],
  },
  examples: {
    file: 'scripts/examples.ts',
    about: 'runs every folder of examples/ as its page shows, on clients that others wrote',
    group: 'develop',
    options: [
      ['--only <NAME>', 'one folder; may be given more than once'],
      ['--write', 'puts into the pages what was printed'],
      ['--json', 'the last line is {"examples", "passed", "failed"}'],
    ],
    examples: [
      { line: 'llm-router examples', what: 'every folder' },
      { line: 'llm-router examples --only curl --json', what: 'one of them, for a script' },
    ],
  },
  captures: {
    file: 'scripts/captures.ts',
    about: 'writes the docs’ pictures of the command line and of the load report, from real runs',
    group: 'develop',
    options: [['--json', 'the last line is one JSON object; all else goes to standard error']],
    examples: [{ line: 'llm-router captures', what: 'after a change of what commands look like' }],
  },
  sbom: {
    file: 'scripts/sbom.ts',
    about: 'what the project is made of, and under which licences',
    group: 'develop',
    options: [
      ['--check', 'writes nothing; fails when lockfile, requirements and lists differ'],
      ['--image <NAME>', 'the list of one image on standard output; with --dpkg'],
      ['--dpkg <FILE>', 'with --image: its /var/lib/dpkg/status, for what its base has of Debian’s packages'],
      ['--json', 'the last line is one JSON object; all else goes to standard error'],
    ],
    examples: [
      { line: 'llm-router sbom', what: 'after a change of dependencies' },
      {
        line: 'llm-router sbom --image controller --dpkg status > controller.cdx.json',
        what: 'one image with its base’s packages',
      },
    ],
  },
  'check deps': {
    file: 'scripts/check-deps.ts',
    about: 'holds those lists against advisories',
    group: 'develop',
    options: [
      ['--advisories <PATH>', 'a folder or file of advisories in OSV’s form'],
      ['--json', 'the last line is one JSON object; all else goes to standard error'],
    ],
    examples: [
      { line: 'llm-router check deps', what: 'asks the registry' },
      { line: 'llm-router check deps --advisories osv/', what: 'asks nobody: advisories as files' },
    ],
  },
  'check deploy': {
    file: 'scripts/check-deploy.ts',
    about: 'everything under deploy/: compose, Dockerfiles, chart, alerts',
    group: 'develop',
    options: [
      ['--only <PATTERN>', 'checks whose name contains it'],
      ['--json', 'the last line is one JSON object; all else goes to standard error'],
    ],
    examples: [
      { line: 'llm-router check deploy --only compose', what: 'checks with that word in their name' },
    ],
  },
  'check dashboards': {
    file: 'scripts/check-dashboards.ts',
    about: 'every panel and alert on a real Prometheus',
    group: 'develop',
    options: [
      ['--seconds <N>', 'how long traffic runs before the panels are asked (default: 40)'],
      ['--classifier <KIND>', 'triton (default), or router-server: without Triton’s panels'],
      ['--report <DIR>', 'writes the values and the lines of every panel there'],
      ['--json', 'only the last line, which is JSON'],
    ],
    examples: [{ line: 'llm-router check dashboards --classifier router-server', what: 'without Triton' }],
  },
  release: {
    file: 'scripts/release.ts',
    about: 'version, changelog, chart, package, commit and tag; --dry-run changes nothing',
    group: 'develop',
    options: [
      ['--version <X.Y.Z>', 'the new one'],
      ['--dry-run', 'checks and packs, and changes nothing'],
      ['--out <DIR>', 'where the package goes (default: .cache/release)'],
      ['--json', 'the last line is one JSON object; all else goes to standard error'],
    ],
    examples: [
      {
        line: 'llm-router release --version 1.2.0 --dry-run',
        what: 'all checks and the package; nothing is changed',
      },
    ],
  },
  lint: {
    file: ['@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
    about: 'style of the code',
    group: 'develop',
    ownHelp: 'tool',
    withoutJson: 'biome prints its own; --reporter=json is passed on',
  },
  format: {
    file: ['@biomejs/biome/bin/biome', 'check', '--write'],
    about: 'repairs the style of the code',
    group: 'develop',
    ownHelp: 'tool',
    withoutJson: 'biome prints its own; --reporter=json is passed on',
  },
  typecheck: {
    file: ['typescript/bin/tsc', '--noEmit', '-p', '.'],
    about: 'types of the code',
    group: 'develop',
    ownHelp: 'tool',
    withoutJson: 'tsc prints its own',
  },
};
