import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketHours,
  Changes,
  ProfileMeter,
  sweep,
  type Profile,
  type Step,
} from '../../src/domain/usage-profile.ts';

const HOUR = 3_600_000;

function profileOf(spans: readonly Step[], to: number, hours = 1, from = 0): Profile {
  const changes = new Changes();
  for (const span of spans) changes.add(span);
  const meter = new ProfileMeter({ from, to }, hours);
  sweep(changes, { from, to }, (step) => meter.add(step));
  return meter.profile;
}

describe('the profile of a use', () => {
  it('has the peak only as high as uses were at the same time, and where it came first', () => {
    const { peak, peakAt } = profileOf(
      [
        { from: 0, to: 10, amount: 2 },
        { from: 10, to: 20, amount: 3 },
        { from: 15, to: 16, amount: 1 },
        { from: 30, to: 31, amount: 4 },
      ],
      HOUR,
    );
    expect([peak, peakAt]).toEqual([4, 15]);
  });

  it('counts nothing for what lasted no time', () => {
    const { peak, peakAt, use } = profileOf([{ from: 5, to: 5, amount: 9 }], HOUR);
    expect([peak, peakAt, use]).toEqual([0, undefined, { high: 0, low: 0 }]);
  });

  it('has for p95 what is not exceeded during 95 % of the time, to the millisecond', () => {
    const held = (ms: number) => profileOf([{ from: 0, to: ms, amount: 7 }], HOUR).p95;
    expect(held(HOUR / 20)).toBe(0);
    expect(held(HOUR / 20 + 1)).toBe(7);
  });

  it('keeps what was used before and after the time out of it', () => {
    const spans = [{ from: 0, to: 3 * HOUR, amount: 5 }];
    const { average, buckets } = profileOf(spans, 2 * HOUR, 1, HOUR);
    expect(average).toBe(5);
    expect(buckets).toEqual([{ from: HOUR, to: 2 * HOUR, average: 5, peak: 5 }]);
  });

  it('averages the last bucket over the part of it that there is', () => {
    const spans = [{ from: 2 * HOUR, to: 2.5 * HOUR, amount: 6 }];
    expect(profileOf(spans, 2.5 * HOUR, 2).buckets).toEqual([
      { from: 0, to: 2 * HOUR, average: 0, peak: 0 },
      { from: 2 * HOUR, to: 2.5 * HOUR, average: 6, peak: 6 },
    ]);
  });

  it('is exact beyond what a number holds', () => {
    const { use } = profileOf([{ from: 0, to: 3 * HOUR, amount: Number.MAX_SAFE_INTEGER }], HOUR);
    const exact = BigInt(use.high) * 4_294_967_296n + BigInt(use.low);
    expect(exact).toBe(BigInt(Number.MAX_SAFE_INTEGER) * BigInt(HOUR));
  });
});

it('needs no more buckets than were asked for, each of whole hours', () => {
  expect(bucketHours({ from: 0, to: 168 * HOUR }, 60)).toBe(3);
  expect(bucketHours({ from: 0, to: HOUR }, 60)).toBe(1);
  expect(bucketHours({ from: 0, to: 60 * HOUR + 1 }, 60)).toBe(2);
});

const span = fc
  .tuple(fc.nat(5 * HOUR), fc.oneof(fc.nat(9), fc.nat(3 * HOUR)), fc.nat(50))
  .map(([from, lasts, amount]) => ({ from, to: from + lasts, amount }));

/** By looking at every stretch between two changes, and at every span in it. */
function bruteForce(spans: readonly Step[], from: number, to: number) {
  const inside = spans.flatMap((each) => [each.from, each.to]).filter((t) => t > from && t < to);
  const edges = [...new Set([from, ...inside, to])].sort((a, b) => a - b);
  const stretches = edges.slice(0, -1).map((begin, i) => {
    const held = spans.filter((each) => each.from <= begin && each.to > begin);
    const amount = held.reduce((sum, each) => sum + each.amount, 0);
    return { begin, ms: edges[i + 1]! - begin, amount };
  });
  const use = stretches.reduce((sum, { ms, amount }) => sum + amount * ms, 0);
  const peak = Math.max(...stretches.map(({ amount }) => amount));
  const lastedWithin = (most: number) =>
    stretches.filter(({ amount }) => amount <= most).reduce((sum, { ms }) => sum + ms, 0);
  const enough = stretches.filter(({ amount }) => lastedWithin(amount) * 100 >= 95 * (to - from));
  return {
    ...{ average: use / (to - from), peak },
    peakAt: peak === 0 ? undefined : stretches.find(({ amount }) => amount === peak)?.begin,
    p95: Math.min(...enough.map(({ amount }) => amount)),
  };
}

it('says the same as looking at every span between every two changes', () => {
  fc.assert(
    fc.property(
      fc.array(span, { maxLength: 25 }),
      fc.nat(3),
      fc.integer({ min: 1, max: 5 * HOUR }),
      fc.integer({ min: 1, max: 3 }),
      (spans, begin, lasts, hours) => {
        const [from, to] = [begin * HOUR, begin * HOUR + lasts];
        const { use: _, buckets, ...told } = profileOf(spans, to, hours, from);
        expect(told).toEqual(bruteForce(spans, from, to));
        for (const bucket of buckets) {
          const { average, peak } = bruteForce(spans, bucket.from, bucket.to);
          expect(bucket).toEqual({ ...bucket, average, peak });
        }
        expect(buckets.at(-1)?.to).toBe(to);
      },
    ),
    { numRuns: 300 },
  );
});
