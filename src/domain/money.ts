import { invalid } from './errors.ts';
import { dimensionOf } from './resource.ts';
import { escapeUnprintable } from './text.ts';

/**
 * Money is counted exactly, and rounded once, when it is told. What is priced is amount × time, so that
 * a sum of money is a whole number of 1/(3 600 000 × 128 000 × 1 000 000) millionths: of milliseconds
 * in an hour, of the units that are priced (1000 millicores, 1024 MiB; 128 000 is a multiple of both)
 * and of millionths of the burst multiplier.
 */
export type Money = bigint;

/** A price or an amount of money in millionths of the currency. */
export type Micros = number;

export const MICROS = 1_000_000;
const MS_PER_HOUR = 3_600_000n;
const UNITS = 128_000n;
const PARTS_PER_MICRO = MS_PER_HOUR * UNITS * BigInt(MICROS);
const LOW = 4_294_967_296n;

/** The highest price of an hour, and the highest multiplier: a million. */
export const MAX_PRICE: Micros = 1_000_000 * MICROS;

/** Amount × milliseconds in two digits: `high * 2^32 + low`. */
export interface TwoDigits {
  readonly high: number;
  readonly low: number;
}

/** How much of a resource makes one unit that is priced: a core, a GiB, one of what is counted. */
export function pricedUnit(resource: { readonly unit: string }): number {
  const dimension = dimensionOf(resource);
  if (dimension === 'cpu') return 1000;
  return dimension === 'memory' ? 1024 : 1;
}

/** What a use costs. @param price of one unit and hour @param multiplier in millionths */
export function costOf(
  { high, low }: TwoDigits,
  unit: number,
  price: Micros,
  multiplier: Micros,
): Money {
  const use = BigInt(high) * LOW + BigInt(low);
  return use * BigInt(price) * BigInt(multiplier) * (UNITS / BigInt(unit));
}

/** A fixed amount, as part of a sum. */
export function moneyOf(micros: Micros): Money {
  return BigInt(micros) * PARTS_PER_MICRO;
}

/**
 * Rounded to millionths, half away from zero.
 * @throws invalid beyond what a number tells exactly: nine milliards.
 */
export function roundToMicros(money: Money): Micros {
  const magnitude = money < 0n ? -money : money;
  const rounded = (2n * magnitude + PARTS_PER_MICRO) / (2n * PARTS_PER_MICRO);
  if (rounded > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw invalid('That is too much money to be told exactly.', 'Ask for a shorter time.');
  }
  return money < 0n ? -Number(rounded) : Number(rounded);
}

/** The same of what is only shown beside a limit: from 0 to the most that a number tells exactly. */
export function boundedMicros(money: Money): Micros {
  if (money <= 0n) return 0;
  const most = BigInt(Number.MAX_SAFE_INTEGER) * PARTS_PER_MICRO;
  return roundToMicros(money < most ? money : most);
}

/** Unit-hours of a use: core-hours, GiB-hours; as close as a floating-point number comes. */
export function unitHours({ high, low }: TwoDigits, unit: number): number {
  return (high * 4_294_967_296 + low) / (3_600_000 * unit);
}

const AMOUNT = /^(\d{1,10})(?:\.(\d{1,6}))?$/;

/**
 * Reads `0.05` or `500`, at most six decimals, never rounded.
 * @param what it should be, as the refusal names it
 * @throws invalid
 */
export function parseMicros(
  text: string,
  most: Micros = Number.MAX_SAFE_INTEGER,
  what = 'amount of money',
): Micros {
  const [, whole, fraction = ''] = AMOUNT.exec(text) ?? [];
  const micros = whole === undefined ? NaN : Number(`${whole}${fraction.padEnd(6, '0')}`);
  if (micros <= most) return micros;
  const shown = escapeUnprintable(text.slice(0, 40));
  const wanted = `a number from 0 to ${formatMicros(most)} with at most six decimals`;
  throw invalid(`"${shown}" is no ${what}: write ${wanted}, such as 0.05.`);
}

/** A number of a document in millionths; undefined where it has more than six decimals. */
export function microsOf(value: number): Micros | undefined {
  const micros = Math.round(value * MICROS);
  return Number.isSafeInteger(micros) && micros / MICROS === value ? micros : undefined;
}

/** `0.05`, `12.50`: at least two decimals, as money is written, and no more than it needs. */
export function formatMicros(micros: Micros): string {
  const digits = String(Math.abs(micros)).padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${micros < 0 ? '-' : ''}${digits.slice(0, -6)}.${fraction}`;
}

/** To the hundredth, half away from zero: as totals are shown to people. */
export function formatCents(micros: Micros): string {
  const cents = Math.round(Math.abs(micros) / 10_000);
  const sign = micros < 0 && cents > 0 ? '-' : '';
  return `${sign}${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}
