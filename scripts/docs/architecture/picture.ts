/** The picture of the code: rooms where they stand in a reader's mind, arrows as the imports say. */
import type { Arrow } from './imports.ts';

/** The request's way through the controller. A step may import what comes before it, never what comes after. */
export const WAY = ['authenticate', 'admit', 'receive', 'understand', 'decide', 'call', 'settle'] as const;
/** Nearly every room imports these; arrows to them would only hide the others. */
export const EVERYWHERE = ['config', 'observe'] as const;

const ROWS: readonly (readonly string[])[] = [
  ['cli', 'replay', 'keys-cli', 'controller', 'http', 'notify'],
  WAY,
  ['router-server', 'protos', 'dialects', 'redis', 'ledger', 'outgoing', ...EVERYWHERE],
];
const WORDS: Readonly<Record<string, string>> = {
  cli: 'the commands',
  replay: 'logs decided anew',
  'keys-cli': 'keys by hand',
  controller: 'starts and reloads',
  http: 'routes, errors',
  authenticate: 'who asks',
  admit: 'is there room',
  receive: 'the body’s bytes',
  understand: 'what is asked',
  decide: 'which target',
  call: 'targets, relay',
  settle: 'count, write down',
  'router-server': 'serves classifiers',
  protos: 'KServe’s messages',
  dialects: 'the three APIs',
  redis: 'what replicas share',
  ledger: 'spend, budgets',
  config: 'read by all',
  observe: 'read by all',
  notify: 'webhooks',
  outgoing: 'proxies, calls out',
};

const [WIDTH, HEIGHT, ROOM, TALL] = [1180, 470, 128, 56] as const;
const TOPS = [40, 205, 370, 535] as const;

interface Room {
  readonly x: number;
  readonly y: number;
  readonly row: number;
}

/** @param more rooms that no row names yet; they stand below all others. */
function rooms(more: readonly string[]): Map<string, Room> {
  return new Map(
    [...ROWS, more].flatMap((names, row) => {
      const gap = (WIDTH - 40 - names.length * ROOM) / Math.max(1, names.length - 1);
      return names.map((name, at) => [name, { x: 20 + at * (ROOM + gap), y: TOPS[row]!, row }] as const);
    }),
  );
}

const round = (value: number) => Math.round(value * 10) / 10;

/** From a room's edge to another's: between rows a slant, within a row an arc over or under it. */
function line(from: Room, to: Room): string {
  const [x1, x2] = [from.x + ROOM / 2, to.x + ROOM / 2];
  if (from.row === to.row) {
    const { y } = from;
    const lift = 18 + Math.abs(x2 - x1) / 14;
    const start = x1 + Math.sign(x2 - x1) * 18;
    const end = x2 - Math.sign(x2 - x1) * 18;
    return `M${round(start)} ${y}C${round(start)} ${round(y - lift)} ${round(end)} ${round(y - lift)} ${round(end)} ${y}`;
  }
  const down = to.row > from.row;
  const [y1, y2] = down ? [from.y + TALL, to.y] : [from.y, to.y + TALL];
  const bend = (y2 - y1) / 2;
  return `M${round(x1)} ${y1}C${round(x1)} ${round(y1 + bend)} ${round(x2)} ${round(y2 - bend)} ${round(x2)} ${y2}`;
}

export function picture(all: readonly Arrow[]): string {
  const known = new Set(ROWS.flat());
  const more = [...new Set(all.flatMap(({ from, to }) => [from, to]))].filter((name) => !known.has(name));
  const places = rooms(more);
  const height = HEIGHT + (more.length > 0 ? TOPS[3] - TOPS[2] : 0);
  const isStep = (name: string) => (WAY as readonly string[]).includes(name);
  const drawn = all.filter(
    ({ from, to }) =>
      !(EVERYWHERE as readonly string[]).includes(to) && !(EVERYWHERE as readonly string[]).includes(from),
  );
  const lines = drawn.map(({ from, to, count }) => {
    const colour = isStep(from) && isStep(to) ? '#1a56b0' : '#6b7280';
    return `<path d="${line(places.get(from)!, places.get(to)!)}" stroke="${colour}" stroke-width="${round(0.8 + Math.log2(count) / 2.5)}" marker-end="url(#tip)"><title>${from} imports ${to} in ${count} places</title></path>`;
  });
  const boxes = [...places].map(([name, { x, y }]) => {
    const fill = isStep(name) ? '#dbeafe' : '#f3f4f6';
    return `<g><rect x="${round(x)}" y="${y}" width="${ROOM}" height="${TALL}" rx="8" fill="${fill}" stroke="#374151"/><text x="${round(x + ROOM / 2)}" y="${y + 25}" font-weight="600">${name}</text><text x="${round(x + ROOM / 2)}" y="${y + 43}" font-size="11" fill="#374151">${WORDS[name] ?? ''}</text></g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="14" text-anchor="middle" role="img" aria-labelledby="title">
<title id="title">Parts of the code and which imports which</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#374151"/></marker></defs>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<g fill="none">
${lines.join('\n')}
</g>
${boxes.join('\n')}
</svg>
`;
}
