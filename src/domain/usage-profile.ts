import type { TwoDigits } from './money.ts';
import type { Period } from './period.ts';
import { addDigits, addProduct } from './timed-use.ts';

/** So much was used all the time from one moment until another. */
export interface Step {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
  /** Amount × milliseconds, where the amount is only an average; such a step lies in one bucket. */
  readonly use?: TwoDigits;
}

/** A change is three numbers, since a year of jobs makes millions of them. */
const FIRST_ROOM = 1_024;

/** Rises and falls of uses, in any order. */
export class Changes {
  #times = new Float64Array(FIRST_ROOM);
  #deltas = new Float64Array(FIRST_ROOM);
  #subjects = new Int32Array(FIRST_ROOM);
  #length = 0;

  /** @param subject whose use it is, where there are several */
  add({ from, to, amount }: Step, subject = 0): void {
    if (to <= from || amount === 0) return;
    this.#push(from, amount, subject);
    this.#push(to, -amount, subject);
  }

  /** In order of time; of one moment the falls first, so that no sum rises higher than it ever was. */
  forEach(visit: (time: number, delta: number, subject: number) => void): void {
    const [times, deltas, subjects] = [this.#times, this.#deltas, this.#subjects];
    const order = new Uint32Array(this.#length).map((_, i) => i);
    order.sort((a, b) => {
      return at(times, a) - at(times, b) || Math.sign(at(deltas, a)) - Math.sign(at(deltas, b));
    });
    for (const i of order) visit(at(times, i), at(deltas, i), at(subjects, i));
  }

  #push(time: number, delta: number, subject: number): void {
    if (this.#length === this.#times.length) this.#grow();
    this.#times[this.#length] = time;
    this.#deltas[this.#length] = delta;
    this.#subjects[this.#length] = subject;
    this.#length += 1;
  }

  #grow(): void {
    const [times, deltas, subjects] = [this.#times, this.#deltas, this.#subjects];
    const room = times.length * 2;
    (this.#times = new Float64Array(room)).set(times);
    (this.#deltas = new Float64Array(room)).set(deltas);
    (this.#subjects = new Int32Array(room)).set(subjects);
  }
}

function at(numbers: Float64Array | Int32Array, index: number): number {
  return numbers[index] ?? 0;
}

/** Sweeps over the changes of one subject: the steps of a time, in order and without a gap. */
export function sweep(changes: Changes, { from, to }: Period, visit: (step: Step) => void): void {
  let [since, amount] = [from, 0];
  changes.forEach((time, delta) => {
    const until = Math.min(Math.max(time, from), to);
    if (until > since) visit({ from: since, to: until, amount });
    since = until;
    amount += delta;
  });
  if (to > since) visit({ from: since, to, amount });
}

/** A sum of amount × milliseconds that grows. */
interface Sum {
  high: number;
  low: number;
}

/** A part of the time, of whole hours; the last one may be cut. */
export interface Bucket extends Period {
  readonly average: number;
  readonly peak: number;
}

/** What can be said of a use over a time. */
export interface Profile {
  /** Amount × milliseconds. */
  readonly use: TwoDigits;
  readonly average: number;
  readonly peak: number;
  /** When it was reached first; undefined where nothing was used. */
  readonly peakAt: number | undefined;
  /** The least amount that was not exceeded during 95 % of the time. */
  readonly p95: number;
  readonly buckets: readonly Bucket[];
}

const HOUR = 3_600_000;

/** Hours of a bucket, so that a time has at most so many buckets. */
export function bucketHours({ from, to }: Period, most: number): number {
  return Math.max(1, Math.ceil((to - from) / HOUR / most));
}

/** Takes in the steps of a time, in order and without a gap, and remembers no step. */
export class ProfileMeter {
  readonly #period: Period;
  readonly #bucketMs: number;
  readonly #use: Sum = { high: 0, low: 0 };
  readonly #buckets: { readonly sum: Sum; peak: number }[];
  /** For how long there was each amount. */
  readonly #lasted = new Map<number, number>();
  #peak = 0;
  #peakAt: number | undefined;

  /** @param hours of a bucket */
  constructor(period: Period, hours: number) {
    this.#period = period;
    this.#bucketMs = hours * HOUR;
    const count = Math.ceil((period.to - period.from) / this.#bucketMs);
    this.#buckets = Array.from({ length: count }, () => ({ sum: { high: 0, low: 0 }, peak: 0 }));
  }

  add(step: Step): void {
    const { from, to, amount } = step;
    this.#lasted.set(amount, (this.#lasted.get(amount) ?? 0) + to - from);
    if (amount > this.#peak) [this.#peak, this.#peakAt] = [amount, from];
    for (let begin = from; begin < to;) {
      const index = Math.floor((begin - this.#period.from) / this.#bucketMs);
      const end = Math.min(to, this.#period.from + (index + 1) * this.#bucketMs);
      const bucket = this.#buckets[index];
      if (bucket === undefined) throw new Error('a step outside the time');
      for (const sum of [this.#use, bucket.sum]) addUse(sum, step, end - begin);
      bucket.peak = Math.max(bucket.peak, amount);
      begin = end;
    }
  }

  get profile(): Profile {
    const { from, to } = this.#period;
    return {
      ...{ use: this.#use, average: averageOf(this.#use, to - from) },
      ...{ peak: this.#peak, peakAt: this.#peakAt, p95: this.#notExceededFor(95) },
      buckets: this.#buckets.map(({ sum, peak }, i) => {
        const begins = from + i * this.#bucketMs;
        const ends = Math.min(begins + this.#bucketMs, to);
        return { from: begins, to: ends, average: averageOf(sum, ends - begins), peak };
      }),
    };
  }

  #notExceededFor(percent: number): number {
    const needed = (this.#period.to - this.#period.from) * percent;
    let lasted = 0;
    for (const amount of Float64Array.from(this.#lasted.keys()).sort()) {
      lasted += this.#lasted.get(amount) ?? 0;
      if (lasted * 100 >= needed) return amount;
    }
    return this.#peak;
  }
}

function addUse(sum: Sum, { amount, use }: Step, ms: number): void {
  if (use === undefined) addProduct(sum, amount, ms);
  else addDigits(sum, use.high, use.low);
}

export function averageOf({ high, low }: TwoDigits, ms: number): number {
  return (high * 4_294_967_296 + low) / ms;
}
