/** What tenants and keys used, where budgets stand, and the policies as they are in force. */
import { type Budget, type Config, call, type Sums, type Usage } from './api.ts';
import { button, h, table } from './dom.ts';
import type { Room } from './keys.ts';

interface Tenant {
  readonly tenant: string;
  readonly keys: number;
  readonly total: Sums;
}

const usd = (amount: number) =>
  amount.toLocaleString('en', { style: 'currency', currency: 'USD', maximumFractionDigits: 4 });
const SUMS = ['Requests', 'Tokens in', 'Tokens out', 'Cost'];
const sums = ({ requests, input_tokens, output_tokens, cost_usd }: Sums) => [
  requests,
  input_tokens,
  output_tokens,
  usd(cost_usd),
];

const budgets = (caption: string, data: readonly Budget[]) =>
  table(
    caption,
    ['Budget', 'Of', 'Period', 'Used', 'Limit', 'Share', 'Begins anew'],
    data.map(({ name, scope, holder, period, unit, used, limit, resets_at }) => [
      name,
      scope === 'global' ? 'everybody' : `${scope} ${holder}`,
      period,
      unit === 'usd' ? usd(used) : used.toLocaleString('en'),
      unit === 'usd' ? usd(limit) : limit.toLocaleString('en'),
      h('span', { class: used >= limit ? 'bad' : null }, `${Math.round((100 * used) / limit)} %`),
      resets_at,
    ]),
  );

async function showTenant(room: Room, id: string): Promise<void> {
  const query = `id=${encodeURIComponent(id)}&scope=tenant`;
  const [usage, spent] = await Promise.all([
    call<Usage>('GET', `/admin/usage?${query}&days=31`),
    call<{ data: Budget[] }>('GET', `/admin/budgets?${query}`),
  ]);
  const by = (all: Readonly<Record<string, Sums>>) =>
    Object.entries(all).map(([name, each]) => [name, ...sums(each)]);
  room.show(
    h('h2', {}, `Tenant ${id}`),
    button('All tenants', () => room.attempt(() => showTenants(room))),
    budgets('Budgets', spent.data),
    table('By target', ['Target', ...SUMS], by(usage.by_target)),
    table('By policy', ['Policy', ...SUMS], by(usage.by_policy)),
    table(
      'By day',
      ['Day', ...SUMS],
      usage.by_day.map(({ date, ...each }) => [date, ...sums(each)]),
    ),
    h(
      'p',
      { class: 'muted' },
      usage.store === 'memory'
        ? 'Of this replica alone, since it started: there is no Redis.'
        : `${usage.from} to ${usage.to}`,
    ),
  );
}

export async function showTenants(room: Room): Promise<void> {
  const [tenants, all] = await Promise.all([
    call<{ data: Tenant[] }>('GET', '/admin/tenants?days=31'),
    call<{ data: Budget[] }>('GET', '/admin/budgets'),
  ]);
  room.show(
    h('h2', {}, 'Tenants, usage and budgets'),
    table(
      'Tenants that have keys, over 31 days',
      ['Tenant', 'Keys', ...SUMS],
      tenants.data.map(({ tenant, keys, total }) => [
        button(tenant, () => room.attempt(() => showTenant(room, tenant)), `Usage and budgets of ${tenant}`),
        keys,
        ...sums(total),
      ]),
    ),
    budgets('Budgets of everybody and of policies', all.data),
  );
}

export async function showPolicies(room: Room): Promise<void> {
  const config = await call<Config>('GET', '/admin/config');
  room.show(
    h('h2', {}, 'Policies in force'),
    h('p', { class: 'muted' }, `Configuration ${config.version}. They are changed in its file.`),
    ...config.policies.flatMap((policy) => [
      h('h3', {}, `${policy.name}${policy.name === config.default_policy ? ' (default)' : ''}`),
      h(
        'p',
        {},
        `Classifier ${policy.url}, threshold ${policy.threshold}, fallback ${policy.fallback ?? 'none'}`,
      ),
      table(
        `Where ${policy.name} leads`,
        ['Label', 'Target', 'Model', 'Fallbacks'],
        policy.llms.map(({ name, target, model, targets, fallbacks }) => [
          name,
          targets ? targets.map((each) => each.target).join(', ') : (target ?? null),
          model ?? null,
          fallbacks?.map((each) => each.target).join(', ') ?? null,
        ]),
      ),
    ]),
  );
}
