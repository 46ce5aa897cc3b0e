/** Least-squares slope of memory over time, after the first third: a process takes what it needs once. @returns MB a minute. */
export function slopePerMinute(
  samples: readonly { readonly minute: number; readonly bytes: number }[],
): number {
  const settled = samples.slice(Math.floor(samples.length / 3));
  if (settled.length < 2) return 0;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = settled.map(({ minute }) => minute);
  const y = settled.map(({ bytes }) => bytes / 2 ** 20);
  const [mx, my] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, value, i) => sum + (value - mx) * (y[i]! - my), 0);
  const variance = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  return variance === 0 ? 0 : covariance / variance;
}
