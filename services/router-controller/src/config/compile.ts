/** From the file's shape to the routing table: names resolved, secrets wrapped, URLs normalised. v1's form is read here. */
import { checkPolicyName, compileAliases } from './compile-names.ts';
import { checkPlaces } from './compile-places.ts';
import { compileRules } from './compile-rules.ts';
import { checkKind, valueEntries, valueSettings } from './compile-value.ts';
import { parseApiBase, parseEndpoint, type UpstreamBase } from './endpoint.ts';
import { formatPath, hint, type Problem } from './problems.ts';
import { ranksOf } from './ranks.ts';
import { type ConfigFile, READ_ONCE } from './schema.ts';
import { capabilitiesSchema, timeoutsSchema } from './schema-table.ts';
import { Secret } from './secret.ts';
import { timeoutsOf } from './timeouts.ts';
import { type TlsConfig, tlsOf, tlsProblems } from './tls.ts';
import {
  type ClassifierEndpoint,
  type Entry,
  type Policy,
  type RoutingTable,
  type Target,
  type WeightedTarget,
  withReplicas,
} from './types.ts';

type FilePolicy = ConfigFile['policies'][number];
type FileEntry = NonNullable<FilePolicy['llms']>[number];
type Path = readonly PropertyKey[];

/** Addresses that stand in for the file's, for `npm start`'s embedded parts and for tests. */
export interface Overrides {
  /** `grpc://HOST:PORT` or `http://HOST:PORT`, grpcs and https for TLS: replaces host and port of every classifier URL. */
  readonly classifierUrl?: string;
  /** `http://HOST:PORT`: replaces every target's api_base; its key becomes `stand-in`. */
  readonly standInUrl?: string;
}

/** Fields of a body that an entry's `extra_body` may not set. */
const OWN_FIELDS = new Set([
  'model',
  'messages',
  'prompt',
  'input',
  'stream',
  'stream_options',
  'nim-llm-router',
]);

class Compiler {
  readonly problems: Problem[] = [];
  readonly targets = new Map<string, Target>();
  readonly file: ConfigFile;
  readonly overrides: Overrides;

  constructor(file: ConfigFile, overrides: Overrides) {
    this.file = file;
    this.overrides = overrides;
  }

  problem(path: Path, message: string): void {
    this.problems.push({ path: formatPath(path), message });
  }

  base(text: string, path: Path, chatPath?: string): UpstreamBase {
    try {
      const { standInUrl } = this.overrides;
      return standInUrl ? parseApiBase(standInUrl) : parseApiBase(text, chatPath);
    } catch (error) {
      this.problem(path, (error as Error).message);
      return parseApiBase('http://invalid');
    }
  }

  proxy(text: string | undefined, path: Path): Target['proxy'] {
    if (this.overrides.standInUrl) return 'none';
    if (text === undefined || text === 'none') return text ?? null;
    const protocol = URL.canParse(text) ? new URL(text).protocol : '';
    if (protocol !== 'http:' && protocol !== 'https:')
      this.problem(path, 'want http://[USER:PASSWORD@]HOST:PORT or none');
    return new Secret(text);
  }

  tls(file: TlsConfig | undefined, path: Path): void {
    for (const { key, message } of tlsProblems(file)) this.problem([...path, key], message);
  }

  /** Of no use where all classifiers are spoken to in clear: then a url lacks its s. */
  classifierTls(policies: Iterable<Policy>): void {
    const { tls } = this.file.classifier;
    this.tls(tls, ['classifier', 'tls']);
    const isSecure = ({ protocol, address }: ClassifierEndpoint) =>
      protocol === 'grpcs' || address.startsWith('https:');
    const all = [...policies].flatMap(({ endpoints }) => endpoints);
    if (tls && !this.overrides.classifierUrl && all.length > 0 && !all.some(isSecure))
      this.problem(
        ['classifier', 'tls'],
        'no policy’s url speaks TLS; write grpcs:// (or https://) there, or leave this out',
      );
  }

  apiKey(text: string | null | undefined): Secret | null {
    if (this.overrides.standInUrl) return new Secret('stand-in');
    return text ? new Secret(text) : null;
  }

  namedTargets(): void {
    for (const [index, target] of this.file.targets.entries()) {
      const path = ['targets', index];
      if (this.targets.has(target.name)) this.problem([...path, 'name'], `'${target.name}' is defined twice`);
      const bases = Array.isArray(target.api_base) ? target.api_base : [target.api_base];
      const twice = bases.findIndex((base, at) => bases.indexOf(base) !== at);
      if (twice >= 0) this.problem([...path, 'api_base', twice], `'${bases[twice]}' is listed twice`);
      const replica = (base: string, at: number, replicas: readonly Target[]): Target => ({
        name: target.name,
        id: at === 0 ? target.name : `${target.name}#${at + 1}`,
        replicas,
        ...this.base(
          base,
          Array.isArray(target.api_base) ? [...path, 'api_base', at] : [...path, 'api_base'],
          target.path,
        ),
        apiKey: this.apiKey(target.api_key),
        model: target.model,
        capabilities: target.capabilities,
        timeouts: timeoutsOf(target.timeouts),
        price: target.price ?? null,
        headers: target.headers,
        proxy: this.proxy(target.proxy, [...path, 'proxy']),
        tls: this.overrides.standInUrl ? null : tlsOf(target.tls),
        apis: target.apis,
        keyHeader: target.key_header,
        maxTokensAs: target.max_tokens_as,
        reasoningInput: target.reasoning_input,
        passes: target.passes ?? null,
      });
      this.tls(target.tls, [...path, 'tls']);
      const others = bases.slice(1).map((base, index) => replica(base, index + 1, []));
      this.targets.set(target.name, replica(bases[0]!, 0, others));
    }
  }

  /** v1's inline form: entries with the same base, key and model share one target, named after the model. */
  inlineTarget(entry: FileEntry, path: Path): Target | null {
    for (const key of ['api_base', 'model'] as const) {
      if (!entry[key]) this.problem([...path, key], 'missing or empty; or name a target with `target:`');
    }
    // An absent key is a local model without authentication; an empty one is a mistake, fatal in v1 too.
    if (entry.api_key === '')
      this.problem([...path, 'api_key'], 'empty; leave it out for an upstream without a key');
    if (!entry.api_base || !entry.model) return null;
    const base = this.base(entry.api_base, [...path, 'api_base']);
    const apiKey = this.apiKey(entry.api_key);
    for (let copy = 1; ; copy++) {
      const name = copy === 1 ? entry.model : `${entry.model}#${copy}`;
      const known = this.targets.get(name);
      if (known && (!sameBase(known, base) || known.apiKey?.reveal() !== apiKey?.reveal())) continue;
      if (known && known.model === entry.model) return known;
      if (known) continue;
      const target: Target = {
        name,
        id: name,
        replicas: [],
        ...base,
        apiKey,
        model: entry.model,
        capabilities: capabilitiesSchema.parse({}, READ_ONCE),
        timeouts: timeoutsOf(timeoutsSchema.parse({}, READ_ONCE)),
        price: null,
        headers: {},
        proxy: this.proxy(undefined, path),
        tls: null,
        apis: ['chat'],
        keyHeader: 'authorization',
        maxTokensAs: 'max_tokens',
        reasoningInput: false,
        passes: null,
      };
      this.targets.set(name, target);
      return target;
    }
  }

  target(name: string, path: Path): Target | null {
    const target = this.targets.get(name);
    if (!target) {
      const names = [...this.targets.keys()];
      const near = hint(name, names) || ` Known targets: ${names.join(', ') || 'none'}`;
      this.problem(path, `no target '${name}'.${near}`);
    }
    return target ?? null;
  }

  routes(entry: FileEntry, path: Path): WeightedTarget[] {
    const forms = [entry.target, entry.targets, entry.api_base ?? entry.model].filter(
      (form) => form !== undefined,
    );
    if (forms.length > 1) {
      this.problem(
        path,
        'names its upstream twice; give one of: target, targets, or api_base + api_key + model',
      );
    }
    if (entry.targets) {
      if (entry.targets.every((item) => item.weight === 0)) {
        this.problem([...path, 'targets'], 'every weight is 0; at least one must be above');
      }
      return entry.targets.flatMap((item, index) => {
        const target = this.target(item.target, [...path, 'targets', index, 'target']);
        return target ? spread(target, item.weight, item.priority) : [];
      });
    }
    const target = entry.target
      ? this.target(entry.target, [...path, 'target'])
      : this.inlineTarget(entry, path);
    return target ? spread(target, 1, 0) : [];
  }

  entries(policy: FilePolicy, path: Path): { entries: Map<string, Entry>; ranked: boolean } {
    const made: { entry: FileEntry; routes: WeightedTarget[]; fallbacks: Target[] }[] = [];
    const known = new Set<string>();
    for (const [index, entry] of (policy.llms ?? []).entries()) {
      const at = [...path, 'llms', index];
      if (known.has(entry.name)) this.problem([...at, 'name'], `'${entry.name}' stands twice in this policy`);
      known.add(entry.name);
      this.extraBody(entry, at);
      const routes = this.routes(entry, at);
      const fallbacks = entry.fallbacks.flatMap(
        (name, i) => this.target(name, [...at, 'fallbacks', i]) ?? [],
      );
      made.push({ entry, routes, fallbacks: fallbacks.flatMap(withReplicas) });
    }
    const ranks = ranksOf(
      made.map(({ entry, routes }) => ({ rank: entry.rank, price: routes[0]?.target.price ?? null })),
    );
    const entries = made.map(({ entry, routes, fallbacks }, index): [string, Entry] => [
      entry.name,
      {
        name: entry.name,
        routes,
        fallbacks,
        rank: ranks?.[index] ?? 0,
        extraBody: entry.extra_body ?? null,
      },
    ]);
    return { entries: new Map(entries), ranked: ranks !== null };
  }

  /** Fields that the router itself sets, or that would change what is asked. */
  extraBody({ extra_body }: FileEntry, path: Path): void {
    for (const key of Object.keys(extra_body ?? {}))
      if (OWN_FIELDS.has(key))
        this.problem([...path, 'extra_body', key], `'${key}' is the client’s or the router’s to set`);
  }

  endpoints(policy: FilePolicy, path: Path): ClassifierEndpoint[] {
    const urls = Array.isArray(policy.url) ? policy.url : [policy.url];
    const endpoints = urls.flatMap((text, index) => {
      const at = Array.isArray(policy.url) ? [...path, 'url', index] : [...path, 'url'];
      try {
        return [this.override(parseEndpoint(text, this.file.classifier.upgrade_http_to_grpc))];
      } catch (error) {
        this.problem(at, (error as Error).message);
        return [];
      }
    });
    const models = new Set(endpoints.map((endpoint) => endpoint.model));
    if (models.size > 1) {
      this.problem(
        [...path, 'url'],
        `all endpoints of a policy serve one model, these name ${[...models].join(', ')}`,
      );
    }
    return endpoints;
  }

  override(endpoint: ClassifierEndpoint): ClassifierEndpoint {
    if (!this.overrides.classifierUrl) return endpoint;
    const url = new URL(this.overrides.classifierUrl);
    const { model } = endpoint;
    if (url.protocol === 'grpc:') return { protocol: 'grpc', address: url.host, model };
    if (url.protocol === 'grpcs:') return { protocol: 'grpcs', address: url.host, model };
    return { protocol: 'http', address: url.origin, model };
  }

  entryNamed(entries: Map<string, Entry>, name: string, path: Path): Entry | null {
    const entry = entries.get(name);
    if (!entry) {
      const near = hint(name, entries.keys()) || ` Entries here: ${[...entries.keys()].join(', ')}`;
      this.problem(path, `no entry '${name}' in this policy.${near}`);
    }
    return entry ?? null;
  }

  policies(): Map<string, Policy> {
    const policies = new Map<string, Policy>();
    const names = this.file.policies.map((policy) => policy.name);
    for (const [index, policy] of this.file.policies.entries()) {
      const path = ['policies', index];
      if (policies.has(policy.name))
        this.problem([...path, 'name'], `policy '${policy.name}' is defined twice`);
      checkPolicyName(policy, path, this);
      checkKind(policy, path, this);
      const { entries, ranked } =
        policy.kind === 'value'
          ? valueEntries(policy, path, this, (target) => spread(target, 1, 0))
          : this.entries(policy, path);
      for (const key of ['shadow', 'canary'] as const) {
        const other = policy[key]?.policy;
        if (other !== undefined && !names.includes(other)) {
          this.problem([...path, key, 'policy'], `no policy '${other}'.${hint(other, names)}`);
        }
        const kinds = [policy.kind, this.file.policies.find(({ name }) => name === other)?.kind];
        if (key === 'shadow' && other !== undefined && kinds.includes('value'))
          this.problem(
            [...path, key],
            'compares labels, and policies of `kind: value` have none; use `canary`, or price a setting with `npm run replay`',
          );
      }
      policies.set(policy.name, {
        name: policy.name,
        value: valueSettings(policy, path, entries, this),
        answerTokens: policy.answer_tokens,
        endpoints: this.endpoints(policy, path),
        threshold: policy.threshold,
        fallback: policy.fallback ? this.entryNamed(entries, policy.fallback, [...path, 'fallback']) : null,
        entries,
        sticky: policy.sticky,
        ranked,
        rules: compileRules(policy.rules, path, {
          entries,
          targets: this.targets,
          problem: (at, message) => this.problem(at, message),
        }),
        secondLook: policy.second_look,
        shadow: policy.shadow ?? null,
        canary: policy.canary ?? null,
        retryBudget: policy.retry_budget,
        hedge: policy.hedge,
        heartbeatMs: policy.heartbeat_ms,
      });
    }
    return policies;
  }
}

/** v1's two spellings of a base are one upstream. */
const sameBase = (a: UpstreamBase, b: UpstreamBase) =>
  a.apiBase === b.apiBase && a.prefix === b.prefix && a.query === b.query;

/** Replicas share their target's weight. */
function spread(target: Target, weight: number, priority: number): WeightedTarget[] {
  const all = withReplicas(target);
  return all.map((each) => ({ target: each, weight: weight / all.length, priority }));
}

/** Compiles a validated file. All problems are returned together; the table is only usable when there are none. */
export function compile(
  file: ConfigFile,
  overrides: Overrides = {},
): { table: RoutingTable; problems: Problem[] } {
  const compiler = new Compiler(file, overrides);
  compiler.namedTargets();
  const policies = compiler.policies();
  compiler.classifierTls(policies.values());
  const defaultPolicy = file.default_policy?.trim() ?? null;
  if (defaultPolicy !== null && !policies.has(defaultPolicy)) {
    const names = [...policies.keys()];
    const near = hint(defaultPolicy, names) || ` Policies: ${names.join(', ')}`;
    compiler.problem(['default_policy'], `no policy '${defaultPolicy}'.${near}`);
  }
  const passed = file.passthrough.default_target;
  if (passed !== undefined) compiler.target(passed, ['passthrough', 'default_target']);
  const aliases = compileAliases(compiler);
  checkPlaces(file, (path, message) => compiler.problem(path, message));
  if (file.server.workers > 1 && !file.redis)
    compiler.problem(
      ['server', 'workers'],
      'more than one worker needs a `redis` section: each would keep limits, budgets, usage, conversations and feedback for ' +
        'itself. Add `redis: { url: … }`, or leave this at 1',
    );
  return {
    table: { policies, targets: compiler.targets, defaultPolicy, aliases },
    problems: compiler.problems,
  };
}
