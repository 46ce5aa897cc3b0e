/**
 * Commands that are a file of their own, which reads its own options: `llm-router a b …` runs it with all that stands after
 * the words. A line here is all that a new one needs, beside its `npm run a:b` in package.json.
 */
import type { Group } from './lib/command.ts';

export interface FileCommand {
  /** From the repository's root; or a tool of the workspace with its first arguments, run there. */
  readonly file: string | readonly string[];
  readonly about: string;
  readonly group: Group;
  /** Words that may follow, for completions. */
  readonly words?: readonly string[];
}

export const FILES: Readonly<Record<string, FileCommand>> = {
  keys: {
    file: 'services/router-controller/src/keys-cli.ts',
    about: 'API keys for clients: create, list, update, rotate, disable, enable, revoke, audit',
    group: 'clients',
    words: ['create', 'list', 'update', 'rotate', 'end-overlap', 'disable', 'enable', 'revoke', 'audit'],
  },
  'check-config': {
    file: 'services/router-controller/src/check-config.ts',
    about: 'checks a configuration file: what is wrong, where, what would be right',
    group: 'run',
  },
  loadtest: {
    file: 'services/load-generator/src/main.ts',
    about: 'bounded load on a router of your own, and what came of it',
    group: 'prove',
  },
  stack: {
    file: 'scripts/stack.ts',
    about: 'what compose runs, without Docker: Triton, Redis, Prometheus, controller, playground',
    group: 'prove',
  },
  triton: {
    file: 'scripts/triton.ts',
    about: 'a real Triton with model_repository/, without Docker',
    group: 'prove',
  },
  bench: {
    file: 'services/router-controller/bench/main.ts',
    about: 'what the router costs beside a bare proxy in the same run',
    group: 'prove',
  },
  soak: {
    file: 'services/router-controller/proof/soak.ts',
    about: 'hours of load while everything around fails',
    group: 'prove',
  },
  conformance: {
    file: 'services/router-controller/proof/conformance.ts',
    about: 'clients that others wrote, against a real router',
    group: 'prove',
  },
  'proof attacks': {
    file: 'services/router-controller/proof/attacks.ts',
    about: 'hostile clients, upstreams and tenants against a running router',
    group: 'prove',
  },
  'proof faults': {
    file: 'services/router-controller/proof/faults.ts',
    about: 'every upstream fault against the router, as a table',
    group: 'prove',
  },
  'proof limits': {
    file: 'services/router-controller/proof/limits.ts',
    about: 'limits over four controllers on a real Redis',
    group: 'prove',
  },
  'proof cluster': {
    file: 'scripts/proof/cluster.ts',
    about:
      'the chart in a real Kubernetes: every values file, rollouts, drains, network policies, under load',
    group: 'prove',
  },
  'proof compose': {
    file: 'scripts/proof/compose.ts',
    about: 'every profile of compose that needs no GPU, on an engine of its own',
    group: 'prove',
  },
  setup: {
    file: 'scripts/setup.ts',
    about: 'installs the real parts that tests use, or those named',
    group: 'develop',
  },
  test: { file: 'scripts/test.ts', about: 'all tests, or a part: --only PATTERN', group: 'develop' },
  docs: {
    file: 'scripts/docs.ts',
    about: 'writes the reference pages, dashboards and alerts from the code',
    group: 'develop',
  },
  tutorial: {
    file: 'scripts/tutorial.ts',
    about: "runs the tutorials' commands and compares what they print",
    group: 'develop',
  },
  examples: {
    file: 'scripts/examples.ts',
    about: 'runs every folder of examples/ as its page shows, on clients that others wrote',
    group: 'develop',
  },
  sbom: {
    file: 'scripts/sbom.ts',
    about: 'what the project is made of, and under which licences',
    group: 'develop',
  },
  'check deps': {
    file: 'scripts/check-deps.ts',
    about: 'holds those lists against advisories',
    group: 'develop',
  },
  'check deploy': {
    file: 'scripts/check-deploy.ts',
    about: 'everything under deploy/: compose, Dockerfiles, chart, alerts',
    group: 'develop',
  },
  'check dashboards': {
    file: 'scripts/check-dashboards.ts',
    about: 'every panel and alert on a real Prometheus',
    group: 'develop',
  },
  release: {
    file: 'scripts/release.ts',
    about: 'version, changelog, chart, package, commit and tag; --dry-run changes nothing',
    group: 'develop',
  },
  lint: {
    file: ['@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
    about: 'style of the code',
    group: 'develop',
  },
  format: {
    file: ['@biomejs/biome/bin/biome', 'check', '--write'],
    about: 'repairs the style of the code',
    group: 'develop',
  },
  typecheck: {
    file: ['typescript/bin/tsc', '--noEmit', '-p', '.'],
    about: 'types of the code',
    group: 'develop',
  },
};
