import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HodeiError } from '../../src/domain/errors.ts';
import {
  parseAmount,
  parseBaseLimitChange,
  parseLimitChange,
  printQuantity,
  splitAmount,
} from '../../src/domain/quantity.ts';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';
import { cpu, everyResource, MAX, memory, refusalOf } from '../helpers/quantity.ts';

// What follows calculates with strings of decimal digits, to share nothing with the code.

interface Typed {
  readonly sign: string;
  readonly whole: string;
  readonly fraction: string;
  readonly suffix: string;
}

/** Digits, so many of them behind the point; below zero, so many zeros are left out. */
interface Decimal {
  readonly digits: string;
  readonly places: number;
}

function times({ digits, places }: Decimal, factor: number, howOften: number): Decimal {
  let product = digits;
  for (let round = 0; round < howOften; round += 1) {
    let carry = 0;
    let next = '';
    for (const digit of [...product].reverse()) {
      carry += Number(digit) * factor;
      next = `${carry % 10}${next}`;
      carry = Math.floor(carry / 10);
    }
    product = `${carry === 0 ? '' : carry}${next}`;
  }
  return { digits: product, places };
}

const shifts: Readonly<Record<string, number>> = {
  ...{ '': 0, n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 },
  ...{ e3: 3, E3: 3, 'e-3': -3, 'e+3': 3, 'e-07': -7, e12: 12, E0: 0, e30: 30, 'E-30': -30 },
};
const doublings: Readonly<Record<string, number>> = {
  ...{ Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 },
};

function inBaseUnits(typed: Typed, resource: { readonly unit: string }): Decimal {
  const plain = { digits: typed.whole + typed.fraction, places: typed.fraction.length };
  const scaled = times(plain, 2, doublings[typed.suffix] ?? 0);
  const places = scaled.places - (shifts[typed.suffix] ?? 0);
  if (resource.unit === 'millicores') return { digits: scaled.digits, places: places - 3 };
  if (resource.unit !== 'MiB') return { digits: scaled.digits, places };
  // A 2^20th is 5^20 with the point moved by 20.
  return times({ digits: scaled.digits, places: places + 20 }, 5, 20);
}

/** The whole part without leading zeros, and whether nothing follows it. */
function wholePart({ digits, places }: Decimal): { whole: string; isWhole: boolean } {
  const padded = places < 0 ? digits + '0'.repeat(-places) : digits.padStart(places + 1, '0');
  const point = padded.length - Math.max(0, places);
  const whole = padded.slice(0, point).replace(/^0+(?=\d)/, '');
  return { whole, isWhole: /^0*$/.test(padded.slice(point)) };
}

/** The amount expected, as digits, or the kind of refusal. */
function expectation(typed: Typed, resource: { readonly unit: string }): string {
  const isZero = /^0*$/.test(typed.whole + typed.fraction);
  const isBare = typed.suffix === '' || /\d$/.test(typed.suffix);
  if (typed.sign === '-' && !isZero) return 'below zero';
  if (resource.unit === 'MiB' && isBare) return 'needs a unit';
  const { whole, isWhole } = wholePart(inBaseUnits(typed, resource));
  const order = whole.length - MAX.length || (whole < MAX ? -1 : Number(whole > MAX));
  if (order > 0 || (order === 0 && !isWhole)) return 'too much';
  return isWhole ? whole : 'counted in whole';
}

const digits = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength });

const typedQuantity: fc.Arbitrary<Typed> = fc
  .record({
    sign: fc.constantFrom('', '', '', '+', '-'),
    whole: fc.oneof(digits(4), digits(22), fc.constantFrom('1048576', '15625', '0', MAX)),
    fraction: fc.oneof(fc.constant(''), digits(3), digits(20), fc.constantFrom('25', '048576')),
    suffix: fc.constantFrom(...Object.keys(shifts), ...Object.keys(doublings)),
  })
  .filter(({ whole, fraction }) => whole + fraction !== '');

const anyResource = fc.constantFrom(...everyResource);
const anyAmount = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(100_000),
  fc.constantFrom(0, 1, MAX_AMOUNT - 1, MAX_AMOUNT),
  fc
    .tuple(fc.nat(8191), fc.integer({ min: 0, max: 4 }))
    .map(([count, power]) => count * 1024 ** power),
);

describe('for every amount and every text', () => {
  test('what is printed is read as the same amount', () => {
    fc.assert(
      fc.property(anyAmount, anyResource, (amount, resource) => {
        expect(parseAmount(printQuantity(amount, resource), resource)).toBe(amount);
      }),
      { numRuns: 2000 },
    );
  });

  test('what is said to people is exact, and read as the same amount', () => {
    fc.assert(
      fc.property(anyAmount, fc.constantFrom('MiB', 'GiB', 'TiB', 'PiB'), (amount, unit) => {
        for (const split of [splitAmount(amount, memory), splitAmount(amount, memory, unit)]) {
          expect(split.number).toMatch(/^\d+(\.\d?[1-9])?$/);
          expect(parseAmount(split.number + split.unit.replace('B', ''), memory)).toBe(amount);
        }
        expect(parseAmount(splitAmount(amount, cpu).number, cpu)).toBe(amount);
      }),
      { numRuns: 1000 },
    );
  });

  test('a quantity means what exact arithmetic says, or is refused for the right reason', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(typedQuantity, anyResource, fc.boolean(), (typed, resource, hasPoint) => {
        const point = hasPoint || typed.fraction !== '' ? '.' : '';
        const text = `${typed.sign}${typed.whole}${point}${typed.fraction}${typed.suffix}`;
        const expected = expectation(typed, resource);
        const kind = /^\d+$/.test(expected) ? 'accepted' : expected;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
        if (kind === 'accepted') {
          expect(String(parseAmount(text, resource))).toBe(expected);
        } else {
          expect(refusalOf(() => parseAmount(text, resource)).message).toContain(expected);
        }
      }),
      { numRuns: 3000 },
    );
    for (const kind of ['accepted', 'counted in whole', 'too much', 'below zero', 'needs a unit']) {
      expect([kind, (seen.get(kind) ?? 0) > 50]).toEqual([kind, true]);
    }
  });

  test('what is not whole is refused with both neighbours, and every offer is valid', () => {
    fc.assert(
      fc.property(typedQuantity, anyResource, (typed, resource) => {
        fc.pre(expectation(typed, resource) === 'counted in whole');
        const { sign, whole, fraction, suffix } = typed;
        const text = `${sign}${whole}.${fraction}${suffix}`;
        const { message } = refusalOf(() => parseAmount(text, resource));
        const offered = (/ Say (.*)\.$/.exec(message)?.[1] ?? '').split(/, | or /);
        const below = Number(wholePart(inBaseUnits(typed, resource)).whole);
        const amounts = offered.map((choice) => parseAmount(choice, resource));
        expect(amounts.slice(0, 2)).toEqual([below, below + 1]);
        expect(new Set(amounts).size).toBe(amounts.length);
        expect(message).not.toMatch(/ is \d+(\.\d*0|\.)? (MiB|millicores|seats),/);
      }),
      { numRuns: 500 },
    );
  });

  test('a sign makes a change by the same amount', () => {
    fc.assert(
      fc.property(anyAmount, anyResource, (amount, resource) => {
        const text = printQuantity(amount, resource);
        for (const [parse, said] of [
          [parseLimitChange, text],
          [parseBaseLimitChange, String(amount)],
        ] as const) {
          expect(parse(said, resource)).toStrictEqual({ kind: 'set', limit: amount });
          expect(parse(`+${said}`, resource)).toStrictEqual({ kind: 'add', delta: amount });
          expect(parse(`-${said}`, resource)).toStrictEqual({ kind: 'add', delta: 0 - amount });
        }
      }),
    );
  });

  test('a text is read as a whole amount or refused as invalid, and nothing else, quickly', () => {
    const nearly = fc.string({
      unit: fc.constantFrom(...'0123456789.+-eEnumkKMGTPi _'),
      maxLength: 70,
    });
    const text = fc.oneof(nearly, fc.string({ unit: 'binary' }), fc.string({ maxLength: 5000 }));
    const started = performance.now();
    fc.assert(
      fc.property(text, anyResource, (typed, resource) => {
        for (const parse of [parseAmount, parseLimitChange, parseBaseLimitChange]) {
          try {
            const read = parse(typed, resource);
            const amount =
              typeof read === 'number' ? read : 'limit' in read ? read.limit : read.delta;
            expect(amount === null || Number.isSafeInteger(amount)).toBe(true);
          } catch (error) {
            if (!(error instanceof HodeiError)) throw error;
            expect(error.code).toBe('invalid');
          }
        }
      }),
      { numRuns: 3000 },
    );
    expect(performance.now() - started).toBeLessThan(4000);
  });
});
