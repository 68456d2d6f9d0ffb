import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  capacitiesOf,
  comparePriorities,
  compareShares,
  countedUse,
  decayedUse,
  dominantShare,
} from '../../src/domain/fair-share.ts';

interface Flood {
  readonly demand: readonly number[];
  readonly weight: number;
}

/** Gives one task after the other to whose weighted dominant share is lowest, while one fits. */
function fill(capacities: readonly number[], floods: readonly Flood[]): number[] {
  const tasks = floods.map(() => 0);
  const used = capacities.map(() => 0);
  for (;;) {
    const fitting = floods.flatMap(({ demand, weight }, job) => {
      const fits = capacities.every((most, i) => (used[i] ?? 0) + (demand[i] ?? 0) <= most);
      const own = demand.map((amount) => amount * (tasks[job] ?? 0));
      return fits ? [{ job, ...dominantShare(own, capacities, weight) }] : [];
    });
    const [first] = fitting.sort(compareShares);
    if (first === undefined) return tasks;
    tasks[first.job] = (tasks[first.job] ?? 0) + 1;
    for (const [i, amount] of (floods[first.job]?.demand ?? []).entries()) {
      used[i] = (used[i] ?? 0) + amount;
    }
  }
}

describe('the dominant share', () => {
  it('gives three and two tasks in the published example of 9 CPUs and 18 GB', () => {
    const floods = [
      { demand: [1, 4], weight: 1 },
      { demand: [3, 1], weight: 1 },
    ];
    expect(fill([9, 18], floods)).toEqual([3, 2]);
  });

  it('is that of the resource of which most is used', () => {
    expect(dominantShare([3, 12], [9, 18], 1)).toEqual({ share: 0.666666667, dominant: 1 });
    expect(dominantShare([6, 2], [9, 18], 1)).toEqual({ share: 0.666666667, dominant: 0 });
    expect(dominantShare([6, 2], [9, 18], 2)).toEqual({ share: 0.333333333, dominant: 0 });
  });

  it('is nothing where nothing is used, or nothing that is limited', () => {
    expect(dominantShare([0, 0], [9, 18], 1)).toEqual({ share: 0, dominant: undefined });
    expect(dominantShare([7], [0], 1)).toEqual({ share: 0, dominant: undefined });
  });

  it('leads to tasks in the ratio of the weights, within one task', () => {
    const capacity = fc.integer({ min: 10, max: 500 });
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(capacity, weights, (all, of) => {
        const tasks = fill(
          [all],
          of.map((weight) => ({ demand: [1], weight })),
        );
        const sum = of.reduce((a, b) => a + b);
        for (const [i, weight] of of.entries()) {
          expect(Math.abs((tasks[i] ?? 0) - (all * weight) / sum)).toBeLessThan(of.length);
        }
        for (const [i, weight] of of.entries()) {
          for (const [j, other] of of.entries()) {
            // Who has more has it by its last task alone.
            const before = Math.max(0, (tasks[i] ?? 0) - 1) / weight;
            expect(before).toBeLessThanOrEqual((tasks[j] ?? 0) / other + 1e-9);
          }
        }
      }),
    );
  });

  it('is measured against what the pool limits, and else against all that is used', () => {
    expect(capacitiesOf([9, null], [5, 5])).toEqual([9, 0]);
    expect(capacitiesOf([null, null], [5, 6])).toEqual([5, 6]);
  });
});

describe('the order', () => {
  it('between tenants is by share, then by age', () => {
    const contenders = [
      { share: 0.5, job: 1 },
      { share: 0.2, job: 3 },
      { share: 0.2, job: 2 },
    ];
    expect(contenders.sort(compareShares).map(({ job }) => job)).toEqual([2, 3, 1]);
  });

  it('within a tenant is by priority, the highest first, then by age', () => {
    const queued = [
      { priority: 0, job: 1 },
      { priority: 5, job: 3 },
      { priority: 5, job: 2 },
    ];
    expect(queued.sort(comparePriorities).map(({ job }) => job)).toEqual([2, 3, 1]);
  });
});

describe('use in the past', () => {
  it('counts half after a half-life, and what is used since counts the other half', () => {
    expect(decayedUse(8, 0, 60_000, 60_000)).toBe(4);
    expect(decayedUse(8, 2, 60_000, 60_000)).toBe(5);
    expect(decayedUse(8, 2, 120_000, 60_000)).toBe(3.5);
  });

  it('stays as it is in no time, and when a clock goes back', () => {
    expect(decayedUse(8, 2, 0, 60_000)).toBe(8);
    expect(decayedUse(8, 2, -5, 60_000)).toBe(8);
  });

  it('is the same however the time is cut into intervals', () => {
    const amount = fc.integer({ min: 0, max: 1_000_000 });
    const intervals = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { maxLength: 8 });
    const halfLife = fc.integer({ min: 1, max: 100_000_000 });
    fc.assert(
      fc.property(amount, amount, intervals, halfLife, (before, used, parts, half) => {
        const elapsed = parts.reduce((a, b) => a + b, 0);
        const whole = decayedUse(before, used, elapsed, half);
        const cut = parts.reduce((value, part) => decayedUse(value, used, part, half), before);
        expect(Math.abs(whole - cut)).toBeLessThanOrEqual(1e-9 * Math.max(before, used, 1));
      }),
    );
  });

  it('lies between what it was and what is used, and counts where it is more than that', () => {
    const amount = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(amount, amount, fc.nat(), (before, used, elapsed) => {
        const after = decayedUse(before, used, elapsed, 3_600_000);
        expect(after).toBeGreaterThanOrEqual(Math.min(before, used) - 1e-6);
        expect(after).toBeLessThanOrEqual(Math.max(before, used) + 1e-6);
        expect(countedUse(used, after)).toBe(Math.max(used, after));
      }),
    );
  });
});
