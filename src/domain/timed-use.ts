import type { TwoDigits } from './money.ts';

/** So much of a resource, held from one time until another. */
export interface Span {
  readonly tenant: number;
  readonly pool: number;
  readonly resource: number;
  readonly isBurst: boolean;
  readonly amount: number;
  /** What else it is summed up by, where that is asked for. */
  readonly group?: string;
  /** Epoch milliseconds; nothing where `to` is not after `from`. */
  readonly from: number;
  readonly to: number;
}

/** A stretch of time in which uses are summed up together. */
export interface Cell {
  readonly begins: number;
  readonly ends: number;
}

/** In which cell a moment lies; undefined after the last. Before the first: a cell later than it. */
export type CellAt = (time: number) => Cell | undefined;

const HOUR = 3_600_000;

/** Hours, cut at these times as well. @param cuts in order */
export function hoursCutAt(cuts: readonly number[]): CellAt {
  let last: Cell = { begins: 0, ends: 0 };
  return (time) => {
    // Jobs that end one after the other mostly lie in the same hour.
    if (time >= last.begins && time < last.ends) return last;
    const hour = Math.floor(time / HOUR) * HOUR;
    const next = cuts.findIndex((cut) => cut > time);
    const before = cuts[(next === -1 ? cuts.length : next) - 1];
    const after = next === -1 ? undefined : cuts[next];
    last = {
      begins: Math.max(hour, before ?? hour),
      ends: Math.min(hour + HOUR, after ?? hour + HOUR),
    };
    return last;
  };
}

/** The cells between edges. @param edges in order, no two the same */
export function cellsBetween(edges: readonly number[]): CellAt {
  const cells = edges.slice(0, -1).map((begins, i) => ({ begins, ends: edges[i + 1] ?? begins }));
  return (time) => cells[firstWhere(cells, ({ ends }) => ends > time)];
}

/** Index of the first that is so, where all after it are so too; the length where none is. */
function firstWhere<T>(items: readonly T[], isSo: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isSo(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A sum of amount × milliseconds that grows. */
export interface Tally extends TwoDigits {
  readonly begins: number;
  readonly tenant: number;
  readonly pool: number;
  readonly resource: number;
  readonly isBurst: boolean;
  readonly group: string;
  high: number;
  low: number;
}

const LOW = 4_294_967_296;

/** Sums of uses by cell, tenant, pool, resource, burst and group, exact. */
export class Tallies {
  readonly #cellAt: CellAt;
  readonly #sums = new Map<string, Tally>();

  constructor(cellAt: CellAt) {
    this.#cellAt = cellAt;
  }

  add(span: Span): void {
    for (let from = span.from; from < span.to;) {
      const cell = this.#cellAt(from);
      if (cell === undefined) return;
      const begin = Math.max(from, cell.begins);
      const end = Math.min(span.to, cell.ends);
      if (end > begin) this.#addIn(cell, span, end - begin);
      from = cell.ends;
    }
  }

  #addIn({ begins }: Cell, span: Span, ms: number): void {
    const { tenant, pool, resource, isBurst, amount, group = '' } = span;
    const key = `${begins}/${tenant}/${pool}/${resource}/${isBurst ? 1 : 0}/${group}`;
    let sum = this.#sums.get(key);
    if (sum === undefined) {
      sum = { begins, tenant, pool, resource, isBurst, group, high: 0, low: 0 };
      this.#sums.set(key, sum);
    }
    addProduct(sum, amount, ms);
  }

  get sums(): Tally[] {
    return [...this.#sums.values()];
  }
}

/** A sum of amount × milliseconds, in two digits, that grows. */
interface Growing {
  high: number;
  low: number;
}

export function addProduct(sum: Growing, amount: number, ms: number): void {
  const product = amount * ms;
  if (product <= Number.MAX_SAFE_INTEGER) {
    addDigits(sum, Math.floor(product / LOW), product % LOW);
    return;
  }
  const exact = BigInt(amount) * BigInt(ms);
  addDigits(sum, Number(exact / BigInt(LOW)), Number(exact % BigInt(LOW)));
}

export function addDigits(sum: Growing, high: number, low: number): void {
  const carried = sum.low + low;
  sum.high += high + (carried >= LOW ? 1 : 0);
  sum.low = carried >= LOW ? carried - LOW : carried;
}
