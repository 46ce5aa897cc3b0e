/** Figures of a classifier; the same definitions as the trainer's own. */

export interface LabelScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Rows of this label. */
  readonly support: number;
}

export interface LanguageScore {
  readonly n: number;
  readonly accuracy: number;
}

export interface Report {
  readonly n: number;
  readonly accuracy: number;
  /** Mean F1 of the labels that occur. */
  readonly macro_f1: number;
  readonly per_label: Readonly<Record<string, LabelScore>>;
  /** Expected calibration error: mean gap between top-1 probability and accuracy, over bins of equal width. */
  readonly ece: number;
  /** By ISO 639-1, as the row says or else as its script and small words tell; `unknown` where they don't. Most rows first. */
  readonly by_language: Readonly<Record<string, LanguageScore>>;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Rows that would go to a right target, of those that name one. */
  readonly targets_ok?: number;
  readonly targets_n?: number;
}

const BINS = 15;

/** The value that this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return 0;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
}

/** Counts answers as they come; memory does not grow with prompts. */
export class Scores {
  readonly labels: readonly string[];
  /** By gold label, then by predicted one. */
  readonly #confusion: number[][];
  readonly #bins = Array.from({ length: BINS }, () => ({ n: 0, right: 0, confidence: 0 }));
  readonly #ms: number[] = [];
  readonly #languages = new Map<string, { n: number; right: number }>();
  #targets = 0;
  #targetsOk = 0;

  constructor(labels: readonly string[]) {
    this.labels = labels;
    this.#confusion = labels.map(() => labels.map(() => 0));
  }

  /** @param language null: nobody can tell. */
  add(gold: string, predicted: string, confidence: number, ms: number, language: string | null): void {
    const row = this.#confusion[this.labels.indexOf(gold)]!;
    // A rule may lead to an entry that is no label of the model: wrong, but nobody's column.
    const column = this.labels.indexOf(predicted);
    if (column >= 0) row[column]!++;
    else row[this.labels.findIndex((label) => label !== gold)]!++;
    const bin = this.#bins[Math.min(BINS - 1, Math.floor(confidence * BINS))]!;
    bin.n++;
    bin.confidence += confidence;
    if (gold === predicted) bin.right++;
    const of = this.#languages.get(language ?? 'unknown') ?? { n: 0, right: 0 };
    of.n++;
    if (gold === predicted) of.right++;
    this.#languages.set(language ?? 'unknown', of);
    this.#ms.push(ms);
  }

  addTarget(ok: boolean): void {
    this.#targets++;
    if (ok) this.#targetsOk++;
  }

  /** Most frequent mistakes first. */
  pairs(most: number): { gold: string; predicted: string; n: number }[] {
    return this.#confusion
      .flatMap((row, gold) =>
        row.map((n, at) => ({ gold: this.labels[gold]!, predicted: this.labels[at]!, n })),
      )
      .filter(({ gold, predicted, n }) => n > 0 && gold !== predicted)
      .sort((a, b) => b.n - a.n)
      .slice(0, most);
  }

  report(): Report {
    const n = this.#ms.length;
    const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
    const per_label: Record<string, LabelScore> = {};
    for (const [i, label] of this.labels.entries()) {
      const hit = this.#confusion[i]![i]!;
      const support = sum(this.#confusion[i]!);
      const called = sum(this.#confusion.map((row) => row[i]!));
      const precision = called ? hit / called : 0;
      const recall = support ? hit / support : 0;
      const f1 = hit ? (2 * precision * recall) / (precision + recall) : 0;
      per_label[label] = { precision, recall, f1, support };
    }
    const present = Object.values(per_label).filter(({ support }) => support > 0);
    const right = sum(this.#confusion.map((row, i) => row[i]!));
    const gap = sum(this.#bins.map((bin) => Math.abs(bin.confidence - bin.right)));
    return {
      n,
      accuracy: n ? right / n : 0,
      macro_f1: present.length ? sum(present.map(({ f1 }) => f1)) / present.length : 0,
      per_label,
      ece: n ? gap / n : 0,
      by_language: Object.fromEntries(
        [...this.#languages]
          .sort(([a, { n: rows }], [b, { n: others }]) => others - rows || a.localeCompare(b))
          .map(([name, of]) => [name, { n: of.n, accuracy: of.right / of.n }]),
      ),
      p50_ms: percentile(this.#ms, 0.5),
      p99_ms: percentile(this.#ms, 0.99),
      ...(this.#targets > 0 && { targets_ok: this.#targetsOk, targets_n: this.#targets }),
    };
  }
}

/** The table that a person reads. */
export function table(report: Report, scores: Scores): string {
  const width = Math.max(...scores.labels.map(({ length }) => length), 5);
  const line = (cells: readonly string[]) =>
    cells.map((text, i) => (i === 0 ? text.padEnd(width) : text.padStart(9))).join('  ');
  const rows = Object.entries(report.per_label).map(([label, { precision, recall, f1, support }]) =>
    line([label, ...[precision, recall, f1].map((value) => value.toFixed(3)), String(support)]),
  );
  const pairs = scores.pairs(8).map(({ gold, predicted, n }) => `  ${n} × ${gold} taken for ${predicted}`);
  const { n, accuracy, macro_f1, ece, p50_ms, p99_ms } = report;
  return [
    line(['label', 'precision', 'recall', 'F1', 'rows']),
    ...rows,
    '',
    `rows ${n}   accuracy ${accuracy.toFixed(4)}   macro-F1 ${macro_f1.toFixed(4)}   ECE ${ece.toFixed(4)}`,
    ...(report.targets_n === undefined ? [] : [`targets ${report.targets_ok} of ${report.targets_n}`]),
    `languages: ${Object.entries(report.by_language)
      .map(([name, of]) => `${name} ${of.accuracy.toFixed(3)} (${of.n})`)
      .join(', ')}`,
    `one prompt at a time: p50 ${p50_ms.toFixed(1)} ms   p99 ${p99_ms.toFixed(1)} ms`,
    ...(pairs.length > 0 ? ['', 'most frequent mistakes:', ...pairs] : []),
  ].join('\n');
}
