/** Thousandths of a core. @param quantity as Kubernetes writes it: 12345678n, 250u, 3m, 1. */
export function milliCores(quantity: string): number {
  const [, digits, unit = ''] = /^([\d.]+)(n|u|m)?$/.exec(quantity) ?? [];
  if (digits === undefined) throw new Error(`no quantity of CPU: ${quantity}`);
  return Number(digits) * { n: 1e-6, u: 1e-3, m: 1, '': 1e3 }[unit as 'n' | 'u' | 'm' | '']!;
}
