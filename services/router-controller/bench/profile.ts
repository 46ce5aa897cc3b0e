/** A CPU profile of the controller as a table and a flame graph. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface CpuProfile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
}

export interface Profiling {
  readonly nodeArgs: readonly string[];
  /** Call it when the process has ended. @returns what costs most, as text */
  readonly draw: () => string;
}

export function profileFolder(path: string): Profiling {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true });
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'];
  return { nodeArgs, draw: () => draw(folder) };
}

function draw(folder: string): string {
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  // A thread has a profile of its own; the process' is the one with most samples.
  const profiles = files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile);
  const profile = profiles.sort((a, b) => b.samples.length - a.samples.length)[0];
  if (!profile) return 'no profile was written';
  const flame = join(folder, 'flame.svg');
  writeFileSync(flame, flameGraph(profile));
  return `${topTable(profile)}\nflame graph: ${flame}`;
}

const place = ({ url, lineNumber }: Node['callFrame']) =>
  url === ''
    ? '(native)'
    : `${url.replace(/^.*\/(?=node_modules\/(?!\.pnpm)|services\/|protos\/|node:)/, '')}:${lineNumber + 1}`;

const IDLE = new Set(['(idle)', '(program)', '(root)']);

function counts({ samples }: CpuProfile): Map<number, number> {
  const own = new Map<number, number>();
  for (const id of samples) own.set(id, (own.get(id) ?? 0) + 1);
  return own;
}

/** Whose code it is, for sums. */
function partOf({ url, functionName }: Node['callFrame']): string {
  if (functionName === '(garbage collector)') return 'GC';
  const own = /services\/router-controller\/src\/([\w-]+)/.exec(url)?.[1];
  if (own !== undefined) return `src/${own}`;
  const pack = /node_modules\/((?:@[\w.-]+\/)?[\w.-]+)(?!.*node_modules\/)/.exec(url)?.[1];
  if (pack !== undefined) return pack;
  const inside = /^node:(?:internal\/)?([\w]+)/.exec(url)?.[1];
  return inside === undefined ? `native ${functionName}` : `node:${inside}`;
}

export function topTable(profile: CpuProfile, most = 40): string {
  const own = counts(profile);
  const byFunction = new Map<string, number>();
  const byPart = new Map<string, number>();
  let total = 0;
  for (const { id, callFrame } of profile.nodes) {
    const count = own.get(id) ?? 0;
    if (count === 0 || IDLE.has(callFrame.functionName)) continue;
    total += count;
    const name = `${callFrame.functionName || '(anonymous)'} ${place(callFrame)}`;
    byFunction.set(name, (byFunction.get(name) ?? 0) + count);
    const part = partOf(callFrame);
    byPart.set(part, (byPart.get(part) ?? 0) + count);
  }
  const lines = (map: Map<string, number>, count: number) =>
    [...map]
      .sort((a, b) => b[1] - a[1])
      .slice(0, count)
      .map(([name, samples]) => `${((100 * samples) / total).toFixed(1).padStart(5)} %  ${name}`);
  return ['by part', ...lines(byPart, most), '', 'by function', ...lines(byFunction, most)].join('\n');
}

const WIDTH = 1_600;
const ROW = 16;
const LEAST_WIDTH = 0.6;
const LETTER = 6.6;

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function flameGraph(profile: CpuProfile): string {
  const own = counts(profile);
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const totals = new Map<number, number>();
  const totalOf = (node: Node): number => {
    const idle = IDLE.has(node.callFrame.functionName) && node.callFrame.functionName !== '(root)';
    const sum =
      (idle ? 0 : (own.get(node.id) ?? 0)) +
      (node.children ?? []).reduce((all, child) => all + totalOf(nodes.get(child)!), 0);
    totals.set(node.id, sum);
    return sum;
  };
  const root = profile.nodes[0]!;
  const all = Math.max(1, totalOf(root));
  const boxes: string[] = [];
  let deepest = 0;
  const add = (node: Node, x: number, depth: number): void => {
    const width = (totals.get(node.id)! / all) * WIDTH;
    if (width < LEAST_WIDTH) return;
    deepest = Math.max(deepest, depth);
    const name = node.callFrame.functionName || '(anonymous)';
    const hue = [...partOf(node.callFrame)].reduce((sum, letter) => sum + letter.charCodeAt(0) * 7, 0) % 360;
    const share = ((100 * totals.get(node.id)!) / all).toFixed(1);
    const label = name.slice(0, Math.max(0, Math.floor(width / LETTER) - 1));
    boxes.push(
      `<g><title>${escaped(`${name} ${place(node.callFrame)} ${share} %`)}</title>` +
        `<rect x="${x.toFixed(1)}" y="${depth * ROW}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="hsl(${hue} 55% 72%)"/>` +
        `<text x="${(x + 2).toFixed(1)}" y="${depth * ROW + 12}">${escaped(label)}</text></g>`,
    );
    let at = x;
    for (const child of node.children ?? []) {
      add(nodes.get(child)!, at, depth + 1);
      at += (totals.get(child)! / all) * WIDTH;
    }
  };
  add(root, 0, 0);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${(deepest + 1) * ROW}" font-family="monospace" font-size="11">
${boxes.join('\n')}
</svg>
`;
}
