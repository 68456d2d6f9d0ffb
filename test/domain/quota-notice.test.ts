import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  crossingOf,
  defaultQuotaNotices,
  isFarBelow,
  isThreshold,
  levelOf,
  quotaNoticesProblems,
  type NoticeLevel,
  type QuotaNotices,
} from '../../src/domain/quota-notice.ts';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';

const usual = defaultQuotaNotices;

/** What is told while a use goes through these amounts, of a limit of 100. */
function toldOf(uses: readonly number[], notices = usual): (NoticeLevel | '-')[] {
  let told: NoticeLevel | undefined;
  let before = { used: 0, limit: 100 };
  return uses.map((used) => {
    const after = { used, limit: 100 };
    const { level, isNotice } = crossingOf(told, before, after, notices);
    [told, before] = [level, after];
    return isNotice ? (level ?? '-') : '-';
  });
}

describe('a use that comes near its limit', () => {
  it('is told of at each threshold, and not again while it stays', () => {
    expect(toldOf([79, 80, 81, 94, 95, 96, 100])).toEqual([
      ...['-', 'warning', '-', '-', 'critical', '-', '-'],
    ]);
  });

  it('is told of once by the higher level where it jumps over both', () => {
    expect(toldOf([97, 98])).toEqual(['critical', '-']);
  });

  it('is told of again only when it has fallen more than 5 points below', () => {
    expect(toldOf([80, 79, 80, 75, 80, 74, 80])).toEqual([
      ...['warning', '-', '-', '-', '-', '-', 'warning'],
    ]);
    expect(toldOf([95, 94, 95, 90, 95, 89, 95])).toEqual([
      ...['critical', '-', '-', '-', '-', '-', 'critical'],
    ]);
  });

  it('is told of by the warning anew when it fell below both', () => {
    expect(toldOf([96, 10, 82, 96])).toEqual(['critical', '-', 'warning', 'critical']);
  });

  it('of a threshold below 5 points is told of again once nothing is used', () => {
    const low = { enabled: true, warningThreshold: 0.03, criticalThreshold: 0.04 };
    expect(toldOf([3, 1, 3, 0, 3], low)).toEqual(['warning', '-', '-', '-', 'warning']);
  });

  it('above the limit is as critical as at it', () => {
    expect(toldOf([100, 130])).toEqual(['critical', '-']);
  });
});

describe('a limit that changes', () => {
  const at = (limit: number | null) => ({ used: 50, limit });

  it('below the use is a crossing, and above it again none', () => {
    expect(crossingOf(undefined, at(100), at(40), usual)).toEqual({
      ...{ level: 'critical', isNotice: true },
    });
    const back = crossingOf('critical', at(40), at(100), usual);
    expect(back).toEqual({ level: undefined, isNotice: false });
  });

  it.each([null, 0])('of %s has no level, whatever is used', (limit) => {
    expect(crossingOf('critical', at(40), at(limit), usual)).toEqual({
      ...{ level: undefined, isNotice: false },
    });
    expect(isFarBelow(at(limit), usual)).toBe(true);
  });

  it('of which nobody was told then is told of with the next change', () => {
    const crossing = crossingOf(undefined, at(55), { used: 51, limit: 55 }, usual);
    expect(crossing).toEqual({ level: 'warning', isNotice: true });
  });
});

const anyNotices: fc.Arbitrary<QuotaNotices> = fc
  .uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 2 })
  .map((parts) => ({
    enabled: true,
    warningThreshold: Math.min(...parts) / 10_000,
    criticalThreshold: Math.max(...parts) / 10_000,
  }));
const anyAmount = fc.oneof(fc.nat({ max: 40 }), fc.maxSafeNat());

describe('the arithmetic', () => {
  it('is exact, up to the most that can be counted', () => {
    const property = fc.property(
      anyAmount,
      anyAmount.filter((limit) => limit > 0),
      anyNotices,
      (used, limit, notices) => {
        const reaches = (threshold: number) =>
          BigInt(used) * 10_000n >= BigInt(limit) * BigInt(Math.round(threshold * 10_000));
        const expected = reaches(notices.criticalThreshold)
          ? 'critical'
          : reaches(notices.warningThreshold)
            ? 'warning'
            : undefined;
        expect(levelOf(undefined, { used, limit }, notices)).toBe(expected);
      },
    );
    fc.assert(property);
    const edge = Math.ceil(MAX_AMOUNT * 0.8);
    expect(levelOf(undefined, { used: edge, limit: MAX_AMOUNT }, usual)).toBe('warning');
  });

  it('tells the same whether each fall is noted or only what rises is looked at', () => {
    const property = fc.property(
      fc.array(fc.nat({ max: 30 }), { maxLength: 40 }),
      anyNotices,
      (uses, notices) => {
        const limit = 25;
        let [eager, lazy, before]: [NoticeLevel | undefined, NoticeLevel | undefined, number] = [
          ...([undefined, undefined, 0] as const),
        ];
        for (const used of uses) {
          const level = levelOf(eager, { used, limit }, notices);
          const order = [undefined, 'warning', 'critical'];
          const isTold = order.indexOf(level) > order.indexOf(eager);
          let isNotice = false;
          if (used > before && !isFarBelow({ used, limit }, notices)) {
            const crossing = crossingOf(lazy, { used: before, limit }, { used, limit }, notices);
            [lazy, isNotice] = [crossing.level, crossing.isNotice];
            expect(lazy).toBe(level);
          }
          expect(isNotice).toBe(isTold);
          [eager, before] = [level, used];
        }
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe('thresholds', () => {
  it.each([0.8, 1, 0.0001, 0.1234])('may be %s', (threshold) => {
    expect(isThreshold(threshold)).toBe(true);
  });

  it.each([0, -0.1, 1.0001, 80, 0.00001, 0.12345, Number.NaN])('may not be %s', (threshold) => {
    expect(isThreshold(threshold)).toBe(false);
  });

  it('have to be apart, also where one of them is a default', () => {
    expect(quotaNoticesProblems({})).toEqual([]);
    expect(quotaNoticesProblems({ critical_threshold: 0.8 })).toEqual([
      {
        path: ['warning_threshold'],
        message: '0.8 is not below critical_threshold, which is 0.8',
      },
    ]);
    expect(quotaNoticesProblems({ warning_threshold: 2 })).toMatchObject([
      { path: ['warning_threshold'] },
    ]);
  });
});
