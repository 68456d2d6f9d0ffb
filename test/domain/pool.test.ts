import { describe, expect, it } from 'vitest';
import { HodeiError } from '../../src/domain/errors.ts';
import {
  nearestPoolName,
  poolNameProblem,
  requireCountable,
  roomOf,
  sizeAfter,
  statusAsOf,
} from '../../src/domain/pool.ts';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';

function refusalOf(work: () => unknown): { message: string; hint: string | undefined } {
  try {
    work();
  } catch (error) {
    if (error instanceof HodeiError) return { message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the status of a pool at a moment', () => {
  it.each([
    ['active', null, 'active'],
    ['held', null, 'held'],
    ['held', 101, 'held'],
    ['held', 100, 'active'],
    ['held', 99, 'active'],
  ] as const)('that is written as %s until %s is %s at 100', (status, heldUntil, now) => {
    expect(statusAsOf({ status, heldUntil }, 100)).toBe(now);
  });
});

describe('the id of a pool', () => {
  it.each(['g', 'gpu', 'gpu-a100', `a${'-'.repeat(61)}b`])('may be %s', (name) => {
    expect(poolNameProblem(name)).toBeUndefined();
  });

  it.each([
    ['', undefined],
    ['GPU', 'gpu'],
    ['gpu pool', 'gpu-pool'],
    ['1gpu', 'gpu'],
    ['gpu-', 'gpu'],
    ['gpu.a100', 'gpu-a100'],
    ['北京', undefined],
  ])('may not be "%s", and %s is suggested', (name, nearest) => {
    expect(poolNameProblem(name)).toContain("a pool's id has 1 to 63 of a-z");
    expect(nearestPoolName(name)).toBe(nearest);
  });
});

describe('the size of a pool after a change', () => {
  const pool = { name: 'gpu', minSize: 2, maxSize: 10 };
  const still = { ...pool, type: 'static' as const };
  const moving = { ...pool, type: 'dynamic' as const };

  it('is always the largest of a static one', () => {
    expect(sizeAfter(still, 3, undefined)).toBe(10);
    expect(sizeAfter(still, 3, 10)).toBe(10);
  });

  it('cannot be another one of a static one, with the way out', () => {
    expect(refusalOf(() => sizeAfter(still, 10, 3))).toEqual({
      message: 'A static pool always has max_size workers: gpu has 10, not 3.',
      hint: 'Say --max-size 3 instead, or make it dynamic: --type dynamic.',
    });
  });

  it.each([
    [0, 2],
    [2, 2],
    [7, 7],
    [10, 10],
    [99, 10],
  ])('of a dynamic one of %i is %i where no other one is asked for', (present, after) => {
    expect(sizeAfter(moving, present, undefined)).toBe(after);
  });

  it('of a dynamic one is what is asked for, within its bounds', () => {
    expect([2, 7, 10].map((asked) => sizeAfter(moving, 5, asked))).toEqual([2, 7, 10]);
    for (const asked of [1, 11]) {
      expect(refusalOf(() => sizeAfter(moving, 5, asked)).message).toBe(
        `gpu has 2 to 10 workers, and ${asked} is outside of that.`,
      );
    }
  });

  it('may be none at all', () => {
    expect(sizeAfter({ ...moving, minSize: 0, maxSize: 0 }, 4, undefined)).toBe(0);
    expect(sizeAfter({ ...still, minSize: 0, maxSize: 0 }, 4, undefined)).toBe(0);
  });

  it.each(['static', 'dynamic'] as const)('is none where the bounds of a %s one cross', (type) => {
    const crossed = { ...pool, type, minSize: 3, maxSize: 2 };
    expect(refusalOf(() => sizeAfter(crossed, 3, undefined)).message).toBe(
      'min_size 3 is above max_size, which is 2.',
    );
  });
});

describe('what all workers of a pool have together', () => {
  it('is so many times what one has, now and when it has grown', () => {
    expect(roomOf({ size: 2, maxSize: 5 }, 3)).toEqual({ limit: 6, most: 15 });
    expect(roomOf({ size: 0, maxSize: 5 }, 3)).toEqual({ limit: 0, most: 15 });
  });

  it('is unlimited where nothing is said of one', () => {
    expect(roomOf({ size: 2, maxSize: 5 }, undefined)).toEqual({ limit: null, most: null });
  });

  it('is never more than can be counted', () => {
    requireCountable({ resources: { cpu_m: MAX_AMOUNT }, maxSize: 1 });
    requireCountable({ resources: { cpu_m: MAX_AMOUNT, gpu: 1 }, maxSize: 0 });
    expect(
      refusalOf(() => requireCountable({ resources: { gpu: 1, cpu_m: 2 ** 52 }, maxSize: 2 }))
        .message,
    ).toBe(
      'cpu_m: 4503599627370496 in each of 2 workers is above 9007199254740991, the most there is.',
    );
  });
});
