/** The compose file: Docker Compose's own word on it, our rules, its profiles, its variables, and what it points to. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { ConfigError, loadConfig } from '../../services/router-controller/src/config/index.ts';
import { ROOT } from '../parts/lib.ts';
import { setupPrometheus } from '../parts/prometheus.ts';
import type { DeployCheck } from './check.ts';
import {
  COMPOSE_FILE,
  ComposeRefusal,
  ENV_EXAMPLE,
  type Project,
  parseEnv,
  readProject,
} from './compose-project.ts';
import { exampleProblems, reachable, secretProblems, serviceProblems, variablesOf } from './compose-rules.ts';

/** What runs always, and what each profile adds. */
const ALWAYS = ['router-controller', 'redis', 'prometheus', 'grafana', 'playground'];
const PROFILES: Readonly<Record<string, readonly string[]>> = {
  light: ['router-server'],
  cpu: ['triton-cpu'],
  gpu: ['triton'],
  demo: ['stand-in-llms'],
  loadtest: ['load-generator'],
};

/** The example with something in each variable that must not be empty. */
export function filledExample(): Record<string, string> {
  const text = readFileSync(join(ROOT, COMPOSE_FILE), 'utf8');
  const example = parseEnv(readFileSync(join(ROOT, ENV_EXAMPLE), 'utf8'));
  const { COMPOSE_PROFILES: _profiles, ...env } = example;
  for (const [name, required] of variablesOf(text)) {
    if (!required) continue;
    env[name] = name.endsWith('_HASH') ? `sha256:${'0'.repeat(64)}` : `value-of-${name.toLowerCase()}`;
  }
  return env;
}

async function profileProblems(env: Readonly<Record<string, string>>): Promise<string[]> {
  const problems: string[] = [];
  for (const [profile, adds] of [['', []] as const, ...Object.entries(PROFILES)]) {
    const { services } = await readProject({ env, profiles: profile ? [profile] : [] });
    const expected = [...ALWAYS, ...adds].sort().join(', ');
    const found = Object.keys(services).sort().join(', ');
    if (found !== expected) problems.push(`profile '${profile}' runs ${found}, not ${expected}`);
  }
  return problems;
}

/** Without each required variable Compose must refuse, and name it. */
async function requiredProblems(env: Readonly<Record<string, string>>): Promise<string[]> {
  const problems: string[] = [];
  for (const [name, required] of variablesOf(readFileSync(join(ROOT, COMPOSE_FILE), 'utf8'))) {
    if (!required) continue;
    const { [name]: _gone, ...others } = env;
    const refusal = await readProject({ env: { ...others, [name]: '' } }).then(
      () => 'nothing',
      (error: Error) => error.message,
    );
    if (!refusal.includes(name)) problems.push(`with ${name} empty Compose says: ${refusal}`);
  }
  return problems;
}

/** The controller's configuration: valid with this environment, and naming nothing that it can't reach. */
async function configProblems(project: Project, env: Readonly<Record<string, string>>): Promise<string[]> {
  const controller = project.services['router-controller'];
  const command = controller?.command ?? [];
  const inside = command[command.indexOf('--config') + 1] ?? '';
  const mount = controller?.volumes?.find(({ target }) => inside.startsWith(`${target}/`));
  if (!mount) return [`router-controller: --config ${inside} is not among its mounts`];
  const file = join(mount.source!, inside.slice(mount.target.length));
  const names = reachable(project, 'router-controller');
  try {
    const overrides = { standInUrl: env.LLM_ROUTER_STAND_IN_URL || 'http://stand-in-llms:9000' };
    const config = await loadConfig(file, {
      env: { ...env, ...controller?.environment } as never,
      overrides,
    });
    const addresses = [
      ...[...config.table.policies.values()].flatMap(({ endpoints }) =>
        endpoints.map(({ address, protocol }) => (protocol === 'grpc' ? `grpc://${address}` : address)),
      ),
      config.file.redis?.url ?? '',
      overrides.standInUrl,
    ];
    return addresses
      .filter((address) => !names.has(new URL(address.replace(/^\w+:/, 'http:')).hostname))
      .map((address) => `router-controller can’t reach ${address}: no service of its networks has that name`);
  } catch (error) {
    if (error instanceof ConfigError) return [error.message];
    throw error;
  }
}

/** promtool's word on compose's Prometheus, with the rules that it names. */
async function prometheusProblems(): Promise<string[]> {
  const { promtool } = await setupPrometheus();
  const file = join(ROOT, 'deploy/prometheus/prometheus.yaml');
  return promisify(execFile)(promtool, ['check', 'config', file]).then(
    () => [],
    ({ stdout, stderr }: { stdout: string; stderr: string }) => [`promtool: ${(stderr || stdout).trim()}`],
  );
}

/** Prometheus' targets and Grafana's data source are services that they reach. */
function addressProblems(project: Project): string[] {
  const read = (path: string) => load(readFileSync(join(ROOT, path), 'utf8'));
  const { scrape_configs: jobs } = read('deploy/prometheus/prometheus.yaml') as {
    scrape_configs: { job_name: string; dns_sd_configs?: { names: string[] }[] }[];
  };
  const scraped = jobs.flatMap(({ dns_sd_configs: found = [] }) => found.flatMap(({ names }) => names));
  const prometheus = reachable(project, 'prometheus');
  const problems = scraped
    .filter((name) => !prometheus.has(name))
    .map((name) => `prometheus can’t reach ${name}: no service of its networks has that name`);
  const { datasources } = read('deploy/grafana/provisioning/datasources/prometheus.yaml') as {
    datasources: { type: string; url: string; isDefault?: boolean; jsonData?: { manageAlerts?: boolean } }[];
  };
  // The dashboards ask for a data source of this type, and take the default one.
  if (!datasources.some(({ type, isDefault }) => type === 'prometheus' && isDefault))
    problems.push(
      'grafana has no default data source of the type prometheus, which every dashboard asks for',
    );
  // Compose has no Alertmanager: this list is where a firing alert is seen.
  if (!datasources.some(({ jsonData }) => jsonData?.manageAlerts))
    problems.push('grafana does not list Prometheus’ alerts: manageAlerts of its data source is off');
  for (const { url } of datasources)
    if (!reachable(project, 'grafana').has(new URL(url).hostname))
      problems.push(`grafana can’t reach ${url}`);
  const { providers } = read('deploy/grafana/provisioning/dashboards/llm-router.yaml') as {
    providers: { options: { path: string } }[];
  };
  const mounted = project.services.grafana?.volumes?.map(({ target }) => target) ?? [];
  for (const { options } of providers)
    if (!mounted.includes(options.path)) problems.push(`grafana: dashboards’ ${options.path} is not mounted`);
  return problems;
}

export const compose: DeployCheck = {
  name: 'compose',
  run: async () => {
    const env = filledExample();
    try {
      const everything = Object.keys(PROFILES);
      const project = await readProject({ env, profiles: everything });
      const raw = await readProject({ env, profiles: everything, raw: true });
      const example = parseEnv(readFileSync(join(ROOT, ENV_EXAMPLE), 'utf8'));
      return {
        seen: [
          `Docker Compose takes it: ${Object.keys(project.services).length} services in ${everything.length} profiles`,
        ],
        problems: [
          ...serviceProblems(project),
          ...secretProblems(raw),
          ...exampleProblems(join(ROOT, COMPOSE_FILE), example),
          ...(await profileProblems(env)),
          ...(await requiredProblems(env)),
          ...(await configProblems(project, env)),
          ...addressProblems(project),
          ...(await prometheusProblems()),
        ],
      };
    } catch (error) {
      if (error instanceof ComposeRefusal) return { seen: [], problems: [error.message] };
      throw error;
    }
  },
};
