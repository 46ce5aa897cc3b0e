/** Keys: who may call, made, rotated, disabled; those of the configuration file are only shown. */
import { type AuditEntry, call, type Key } from './api.ts';
import { button, field, h, table } from './dom.ts';

export interface Room {
  /** Shows what is wrong in the router's own words. */
  readonly attempt: (work: () => Promise<void>) => void;
  readonly mayChange: boolean;
  /** Fills the room anew. */
  readonly again: (first?: HTMLElement) => void;
  readonly show: (...content: HTMLElement[]) => void;
}

const stateOf = ({ disabled, expires, refused, old_secrets_until }: Key): string => {
  if (refused) return `refused: ${refused}`;
  if (disabled) return 'disabled';
  if (expires && Date.parse(expires) <= Date.now()) return `expired ${expires}`;
  const overlap = old_secrets_until?.length ? `, an old secret until ${old_secrets_until.at(-1)}` : '';
  return `good${expires ? ` until ${expires}` : ''}${overlap}`;
};

const boundsOf = ({ limits, budget, policies, targets }: Key): string =>
  [
    ...Object.entries(limits ?? {}).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`),
    budget &&
      `${budget.usd !== undefined ? `${budget.usd} USD` : `${budget.tokens} tokens`} a ${budget.period}`,
    policies && `policies ${policies.join(', ')}`,
    targets && `targets ${targets.join(', ')}`,
  ]
    .filter(Boolean)
    .join('; ') || 'none';

/** A secret that is shown this once. */
const secretShown = (id: string, key: string, note: string): HTMLElement =>
  h(
    'div',
    {},
    h('h3', {}, `The secret of ${id}`),
    h('output', { tabindex: '-1' }, key),
    h('p', {}, `Copy it now: ${note}.`),
  );

function actions(key: Key, { attempt, again }: Room): HTMLElement {
  const change = (path: string, body: object = {}) =>
    call<Key>('POST', `/admin/keys/${encodeURIComponent(key.id)}/${path}`, body);
  const turn = key.disabled ? 'enable' : 'disable';
  return h(
    'span',
    {},
    button(
      'Rotate',
      () =>
        attempt(async () => {
          if (!confirm(`Give ${key.id} another secret? The old one is good for another day.`)) return;
          const rotated = await call<{ key: string; note: string }>(
            'POST',
            `/admin/keys/${encodeURIComponent(key.id)}/rotate`,
            {
              grace_seconds: 86_400,
            },
          );
          again(secretShown(key.id, rotated.key, rotated.note));
        }),
      `Rotate ${key.id}`,
    ),
    button(
      turn === 'enable' ? 'Enable' : 'Disable',
      () =>
        attempt(async () => {
          await change(turn);
          again();
        }),
      `${turn === 'enable' ? 'Enable' : 'Disable'} ${key.id}`,
    ),
  );
}

function makeForm({ attempt, again }: Room): HTMLElement {
  const form = h(
    'form',
    { 'aria-label': 'Make a key' },
    h('h3', {}, 'Make a key'),
    h(
      'div',
      { class: 'fields' },
      field('Tenant', 'tenant', { required: true, maxlength: '100' }),
      field('Name, for people', 'name', { maxlength: '200' }),
      field('Policies, with commas (none: all)', 'policies'),
      field('Requests a minute', 'rpm', { type: 'number', min: '1' }),
      field('USD a month', 'usd', { type: 'number', min: '0', step: 'any' }),
      h('button', { type: 'submit' }, 'Make'),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const given = (name: string) => String(new FormData(form).get(name) ?? '').trim();
    const policies = given('policies')
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    attempt(async () => {
      const made = await call<Key & { key: string; note: string }>('POST', '/admin/keys', {
        tenant: given('tenant'),
        ...(given('name') && { name: given('name') }),
        ...(policies.length > 0 && { policies }),
        ...(given('rpm') && { limits: { requests_per_minute: Number(given('rpm')) } }),
        ...(given('usd') && { budget: { period: 'month', usd: Number(given('usd')) } }),
      });
      again(secretShown(made.id, made.key, made.note));
    });
  });
  return form;
}

export async function showKeys(room: Room): Promise<void> {
  const { data } = await call<{ data: Key[] }>('GET', '/admin/keys');
  const heads = [
    'Key',
    'Name',
    'Tenant',
    'State',
    'Bounds',
    'Kept in',
    ...(room.mayChange ? ['Change'] : []),
  ];
  const rows = data.map((key) => [
    h('code', {}, key.id),
    key.name ?? null,
    key.tenant,
    h('span', { class: key.disabled || key.refused ? 'bad' : null }, stateOf(key)),
    boundsOf(key),
    key.store === 'file' ? 'the configuration' : 'Redis',
    ...(room.mayChange ? [key.store === 'redis' ? actions(key, room) : 'in the file'] : []),
  ]);
  room.show(
    h('h2', {}, 'Keys'),
    table('Keys that may call', heads, rows),
    ...(room.mayChange ? [makeForm(room)] : []),
  );
}

const changed = ({ changes = {} }: AuditEntry): string =>
  Object.entries(changes)
    .map(
      ([name, { before, after }]) =>
        `${name}: ${JSON.stringify(before) ?? 'none'} → ${JSON.stringify(after) ?? 'none'}`,
    )
    .join('; ');

export async function showAudit(room: Room): Promise<void> {
  const { data } = await call<{ data: AuditEntry[] }>('GET', '/admin/audit?limit=200');
  const rows = data.map((entry) => [
    entry.at,
    entry.by,
    entry.from ?? null,
    entry.action,
    h('code', {}, entry.key_id),
    entry.tenant,
    changed(entry) || null,
  ]);
  room.show(
    h('h2', {}, 'Who changed keys'),
    table('The newest 200 changes', ['When', 'Who', 'From', 'What', 'Key', 'Tenant', 'Fields'], rows),
  );
}
