import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FAR_ABOVE,
  fittedUnder,
  higherLimit,
  LET_THROUGH,
  lowerLimit,
  quotaCommand,
  ROOM,
  roundUp,
} from '../../src/domain/advice.ts';

const cpu = { name: 'cpu_m', unit: 'millicores' };
const memory = { name: 'memory_mb', unit: 'MiB' };
const license = { name: 'license', unit: 'seats' };

describe('a lower limit', () => {
  it('leaves a quarter of the peak as room, in whole cores, GiB and pieces', () => {
    expect(lowerLimit({ limit: 64_000, peak: 7_500, floor: 0 }, cpu)).toBe(10_000);
    expect(lowerLimit({ limit: 65_536, peak: 8_000, floor: 0 }, memory)).toBe(10_240);
    expect(lowerLimit({ limit: 40, peak: 3, floor: 0 }, license)).toBe(4);
  });

  it('leaves one core, GiB or piece where nothing was used', () => {
    const lower = [cpu, memory, license].map((of) =>
      lowerLimit({ limit: 64_000, peak: 0, floor: 0 }, of),
    );
    expect(lower).toEqual([1_000, 1_024, 1]);
  });

  it('is none where the limit is near the peak, or little would be freed', () => {
    expect(lowerLimit({ limit: 15_000, peak: 10_000, floor: 0 }, cpu)).toBeUndefined();
    expect(lowerLimit({ limit: 4_000, peak: 2_500, floor: 0 }, cpu)).toBeUndefined();
  });

  it('is never below peak, room and what is used now, and always below the limit', () => {
    const amount = fc.integer({ min: 0, max: 2 ** 40 });
    fc.assert(
      fc.property(amount, amount, amount, (limit, peak, floor) => {
        const lower = lowerLimit({ limit, peak, floor }, cpu);
        if (lower === undefined) return;
        expect(lower).toBeGreaterThanOrEqual(Math.max(peak * (1 + ROOM), floor));
        expect(lower).toBeLessThan(limit);
        expect(limit).toBeGreaterThan(peak * FAR_ABOVE);
      }),
    );
  });
});

describe('a higher limit', () => {
  it('lets nine of ten of what did not fit through, and is not made for the largest', () => {
    const needs = new Map([
      [5_000, 60],
      [6_000, 35],
      [90_000, 5],
    ]);
    expect(higherLimit(needs, cpu)).toBe(6_000);
    expect(fittedUnder(6_000, needs)).toBe(95);
  });

  it('is enough for what it promises, whatever was asked for', () => {
    const needs = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 99 })), {
        minLength: 1,
      })
      .map((pairs) => new Map(pairs));
    fc.assert(
      fc.property(needs, (of) => {
        const times = [...of.values()].reduce((sum, each) => sum + each, 0);
        const fitted = fittedUnder(higherLimit(of, memory), of);
        expect(fitted).toBeGreaterThanOrEqual(times * LET_THROUGH);
      }),
    );
  });
});

it('rounds up to numbers that people would have chosen', () => {
  expect([1, 1_000, 1_001, 39_999, 41_001].map((amount) => roundUp(amount, cpu))).toEqual([
    1_000, 1_000, 2_000, 40_000, 42_000,
  ]);
  expect(roundUp(1_234, license)).toBe(1_250);
});

it('writes the command that sets it', () => {
  expect(quotaCommand('acme', null, cpu, 6_000)).toBe('hodei quota set acme --cpu 6');
  expect(quotaCommand('acme', 'gpu', memory, 10_240)).toBe(
    'hodei quota set acme --pool gpu --memory 10Gi',
  );
  expect(quotaCommand('acme', null, license, 4)).toBe('hodei quota set acme --set license=4');
});
