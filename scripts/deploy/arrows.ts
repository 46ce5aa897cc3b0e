/** Network policies as arrows, for people and for tests: `controller → classifier TCP 8001`. */
import type { Manifest } from './chart.ts';

const COMPONENT = 'app.kubernetes.io/component';

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
}

const labels = (matchLabels: Readonly<Record<string, string>>) =>
  Object.entries(matchLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

function told({ ipBlock, namespaceSelector, podSelector }: Peer): string {
  if (ipBlock) return `${ipBlock.cidr}${ipBlock.except ? ` but ${ipBlock.except.join(' ')}` : ''}`;
  const own = !namespaceSelector && podSelector?.matchLabels[COMPONENT];
  if (own) return own;
  const parts = [
    ...(namespaceSelector ? [`ns(${labels(namespaceSelector.matchLabels)})`] : []),
    ...(podSelector ? [`pods(${labels(podSelector.matchLabels)})`] : []),
  ];
  return parts.join(' ') || 'anything';
}

/** Arrows that a release's policies let pass, each with the side that lets it: `out` at its beginning, `in` at its end. */
export function arrows(manifests: readonly Manifest[]): { out: string[]; in: string[] } {
  const found = { out: [] as string[], in: [] as string[] };
  for (const { kind, spec } of manifests) {
    if (kind !== 'NetworkPolicy') continue;
    const here: string = spec.podSelector.matchLabels[COMPONENT] ?? 'all';
    for (const [side, key, end] of [
      ['out', 'egress', 'to'],
      ['in', 'ingress', 'from'],
    ] as const) {
      for (const rule of spec[key] ?? []) {
        // An absent list means everybody and everything; it must not look like nothing.
        const peers: string[] = rule[end]?.map(told) ?? ['anything'];
        const ports: string[] = rule.ports?.map(
          (each: { protocol: string; port: number }) => `${each.protocol} ${each.port}`,
        ) ?? ['any port'];
        for (const peer of peers)
          for (const port of ports)
            found[side].push(side === 'out' ? `${here} → ${peer} ${port}` : `${peer} → ${here} ${port}`);
      }
    }
  }
  return { out: found.out.sort(), in: found.in.sort() };
}
