/** Statistics and tables of the benchmark. Times are in milliseconds. */

export interface Figure {
  readonly what: string;
  readonly measured: string;
  /** What it is compared with, in the same run. */
  readonly against: string;
  readonly ratio: number | undefined;
  readonly target: string;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that so many per cent of all do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length));
  return sorted[index] ?? Number.NaN;
}

/** How long each call takes, one after the other. */
export async function timeEach(times: number, act: (i: number) => Promise<unknown>) {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await act(i);
    taken.push(performance.now() - start);
  }
  return taken;
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}

export function perSecond(value: number): string {
  return `${Math.round(value).toLocaleString('en-US')}/s`;
}

export function printFigures(figures: readonly Figure[]): void {
  const head = ['what', 'measured', 'against', 'ratio', 'target'];
  const rows = figures.map(({ what, measured, against, ratio, target }) => [
    what,
    measured,
    against,
    ratio === undefined ? '' : ratio.toFixed(2),
    target,
  ]);
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  for (const row of all) {
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
}
