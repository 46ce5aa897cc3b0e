/** The page: a door, and behind it the rooms that the token may see. */
import { call, forgetToken, hasToken, keepToken, type Me, Refusal } from './api.ts';
import { button, byId, h } from './dom.ts';
import { type Room, showAudit, showKeys } from './keys.ts';
import { showPolicies, showTenants } from './usage.ts';

const ROOMS: readonly (readonly [string, (room: Room) => Promise<void>])[] = [
  ['Keys', showKeys],
  ['Tenants', showTenants],
  ['Audit', showAudit],
  ['Policies', showPolicies],
];

const problem = byId('problem', HTMLParagraphElement);
const who = byId('who', HTMLParagraphElement);
const door = byId('door', HTMLFormElement);
const token = byId('token', HTMLInputElement);
const places = byId('places', HTMLElement);
const place = byId('place', HTMLElement);
const leave = byId('leave', HTMLButtonElement);

function outside(): void {
  forgetToken();
  who.textContent = '';
  for (const element of [places, place, leave]) element.hidden = true;
  place.replaceChildren();
  door.hidden = false;
  token.value = '';
  token.focus();
}

function attempt(work: () => Promise<void>): void {
  problem.textContent = '';
  work().catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    problem.textContent = error.message;
    if (error.status === 401) outside();
  });
}

function enter(room: number, mayChange: boolean, first: HTMLElement | null = null): void {
  for (const [index, each] of [...places.children].entries())
    each.setAttribute('aria-pressed', String(index === room));
  const show = (...content: HTMLElement[]) => {
    place.replaceChildren(...(first ? [first] : []), ...content);
    first?.querySelector('output')?.focus();
    first = null;
  };
  attempt(() =>
    ROOMS[room]![1]({ attempt, mayChange, show, again: (shown) => enter(room, mayChange, shown ?? null) }),
  );
}

async function inside(): Promise<void> {
  const me = await call<Me>('GET', '/admin/me');
  who.textContent = `${me.name}${me.read_only ? ', who may look and change nothing' : ''}`;
  door.hidden = true;
  places.replaceChildren(...ROOMS.map(([name], index) => button(name, () => enter(index, !me.read_only))));
  for (const element of [places, place, leave]) element.hidden = false;
  place.replaceChildren(h('p', { class: 'muted' }, 'One moment'));
  enter(0, !me.read_only);
}

door.addEventListener('submit', (event) => {
  event.preventDefault();
  keepToken(token.value.trim());
  attempt(inside);
});
leave.addEventListener('click', outside);
if (hasToken()) attempt(inside);
