import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HodeiError } from '../../src/domain/errors.ts';
import {
  bindingAncestor,
  changeLimit,
  freeOf,
  lowerAncestor,
  overBy,
  type Allowance,
  type Limit,
} from '../../src/domain/quota.ts';
import { MAX_AMOUNT, type Resource } from '../../src/domain/resource.ts';

const gpu: Resource = { name: 'gpu', unit: 'count', defaultLimit: 0 };
const cpu: Resource = { name: 'cpu_m', unit: 'millicores', defaultLimit: 0 };

const amount = fc.oneof(fc.nat(20), fc.maxSafeNat());
const limit = fc.option(amount, { nil: null });

function allowance(ceiling: Limit, used = 0): Allowance {
  return { resource: gpu, limit: ceiling, inForce: ceiling, isOwn: true, used };
}

function above(...limits: (readonly [Limit, number])[]) {
  return limits.map(([ceiling, used], index) => ({
    ...allowance(ceiling, used),
    tenant: `t-${index}`,
    pool: null,
  }));
}

describe('an allowance', () => {
  it.each([
    [10, 3, 7, 0],
    [10, 10, 0, 0],
    [10, 12, 0, 2],
    [0, 0, 0, 0],
    [0, 5, 0, 5],
    [null, 5, null, 0],
    [MAX_AMOUNT, 1, MAX_AMOUNT - 1, 0],
  ])('of %j with %j in use has %j free and is over by %j', (ceiling, used, free, over) => {
    expect(freeOf(allowance(ceiling, used))).toBe(free);
    expect(overBy(allowance(ceiling, used))).toBe(over);
  });

  it('is never free and over at once, and what is free and used is the limit', () => {
    fc.assert(
      fc.property(amount, amount, (ceiling, used) => {
        const free = freeOf(allowance(ceiling, used)) ?? 0;
        const over = overBy(allowance(ceiling, used));
        expect(free === 0 || over === 0).toBe(true);
        expect(BigInt(free) - BigInt(over)).toBe(BigInt(ceiling) - BigInt(used));
      }),
    );
  });
});

describe('a limit', () => {
  it('becomes what it is set to, whatever it was', () => {
    fc.assert(
      fc.property(limit, limit, (before, after) => {
        expect(changeLimit(before, { kind: 'set', limit: after }, gpu)).toBe(after);
      }),
    );
  });

  it('is changed exactly, or refused where the result is below 0 or above 2^53-1', () => {
    const delta = fc.oneof(
      fc.integer({ min: -30, max: 30 }),
      fc.maxSafeInteger(),
      fc.constantFrom(2 ** 53, -(2 ** 53), 9_999_999_999_999_999),
    );
    fc.assert(
      fc.property(amount, delta, (before, by) => {
        const exact = BigInt(before) + BigInt(by);
        const change = () => changeLimit(before, { kind: 'add', delta: by }, gpu);
        if (exact >= 0n && exact <= BigInt(MAX_AMOUNT)) expect(change()).toBe(Number(exact));
        else expect(change).toThrow(HodeiError);
      }),
    );
  });

  it.each([
    [4000, -4001, 'cpu is 4 cores and cannot become 4.001 cores less.'],
    [0, -1, 'cpu is 0 cores and cannot become 0.001 cores less.'],
    [MAX_AMOUNT, 1, `cpu would exceed the largest limit there is, ${MAX_AMOUNT} millicores.`],
    [null, 1, 'cpu is unlimited, and unlimited cannot be changed by an amount.'],
  ])('of %j cannot change by %j, in words that people use', (before, delta, message) => {
    expect(() => changeLimit(before, { kind: 'add', delta }, cpu)).toThrow(message);
  });
});

describe('of the ancestors', () => {
  it('that one binds which leaves least, if it leaves less than the own limit does', () => {
    expect(bindingAncestor(allowance(10, 2), above([20, 5], [9, 2], [30, 24]))?.tenant).toBe('t-2');
    expect(bindingAncestor(allowance(10, 2), above([10, 2]))).toBeUndefined();
    expect(bindingAncestor(allowance(10, 2), above([8, 0]))).toBeUndefined();
    expect(bindingAncestor(allowance(10, 2), above([8, 1]))?.tenant).toBe('t-0');
    expect(bindingAncestor(allowance(null), above([null, 0], [5, 0]))?.tenant).toBe('t-1');
    expect(bindingAncestor(allowance(null), above([null, 9]))).toBeUndefined();
    expect(bindingAncestor(allowance(5, 5), above([1, 9]))).toBeUndefined();
    expect(bindingAncestor(allowance(5), [])).toBeUndefined();
  });

  it('nobody else leaves less than the one that binds, and it is the nearest that leaves as little', () => {
    const asNumber = (free: Limit) => free ?? Number.POSITIVE_INFINITY;
    const one = fc.tuple(limit, amount);
    fc.assert(
      fc.property(one, fc.array(one, { maxLength: 5 }), ([ceiling, used], line) => {
        const own = allowance(ceiling, used);
        const ancestors = above(...line);
        const least = Math.min(...[own, ...ancestors].map((each) => asNumber(freeOf(each))));
        const expected =
          asNumber(freeOf(own)) === least
            ? undefined
            : ancestors.find((ancestor) => asNumber(freeOf(ancestor)) === least);
        expect(bindingAncestor(own, ancestors)).toBe(expected);
      }),
    );
  });

  it('the nearest with a lower limit is named, whatever is used', () => {
    expect(lowerAncestor(allowance(10), above([20, 0], [9, 0], [1, 0]))?.tenant).toBe('t-1');
    expect(lowerAncestor(allowance(10), above([10, 10], [null, 0]))).toBeUndefined();
    expect(lowerAncestor(allowance(null), above([null, 0], [3, 0]))?.tenant).toBe('t-1');
    expect(lowerAncestor(allowance(0), above([0, 0]))).toBeUndefined();
  });
});
