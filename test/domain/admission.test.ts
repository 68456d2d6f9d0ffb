import { describe, expect, it } from 'vitest';
import { decide, reasonCodes, reasonMeanings, type Situation } from '../../src/domain/admission.ts';
import { examine, smallestRaises, type Ceiling } from '../../src/domain/ceiling.ts';
import type { Limit } from '../../src/domain/quota.ts';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';

const acme = { tenant: 'acme', pool: null };
const acmeInGpu = { tenant: 'acme', pool: 'gpu' };
const eng = { tenant: 'eng', pool: null };
const gpuPool = { tenant: null, pool: 'gpu' };

function ceiling(limit: Limit, used = 0, more: Partial<Ceiling> = {}): Ceiling {
  return { scope: acme, resource: 'cpu_m', limit, base: null, most: limit, used, kept: 0, ...more };
}

function situation(
  asked: Record<string, number>,
  ceilings: readonly Ceiling[],
  more: Partial<Situation> = {},
): Situation {
  const none = {
    ...{ pool: undefined, suspended: undefined, held: undefined, preceded: undefined },
    ...{ overruns: [], isQueueFull: false, verdict: undefined, onViolation: () => undefined },
    ...{ secondChoice: 'reject' as const, offers: [] },
  };
  const amounts = new Map(Object.entries(asked));
  return { amounts, ceilings, ...none, onFull: 'reject', ...more };
}

describe('a request beside one limit', () => {
  it.each<[asked: number, limit: Limit, used: number, answer: string]>([
    // At the edge of the limit.
    [9, 10, 0, 'admitted'],
    [10, 10, 0, 'admitted'],
    [11, 10, 0, 'impossible by 1'],
    [4, 10, 5, 'admitted'],
    [5, 10, 5, 'admitted'],
    [6, 10, 5, 'over_quota by 1'],
    [1, 10, 9, 'admitted'],
    [1, 10, 10, 'over_quota by 1'],
    [10, 10, 10, 'over_quota by 10'],
    // A limit below what is used.
    [1, 10, 11, 'over_quota by 2'],
    [1, 1, 1000, 'over_quota by 1000'],
    [1, 0, 5, 'impossible by 1'],
    // Nothing, and everything.
    [1, 0, 0, 'impossible by 1'],
    [1, null, 0, 'admitted'],
    [MAX_AMOUNT, null, 0, 'admitted'],
    [MAX_AMOUNT, MAX_AMOUNT, 0, 'admitted'],
    [MAX_AMOUNT, MAX_AMOUNT - 1, 0, 'impossible by 1'],
    // Unlimited ends where amounts do.
    [1, null, MAX_AMOUNT - 1, 'admitted'],
    [1, null, MAX_AMOUNT, 'over_quota by 1'],
    [2, null, MAX_AMOUNT - 1, 'over_quota by 1'],
    [MAX_AMOUNT, null, 1, 'over_quota by 1'],
    [MAX_AMOUNT, null, MAX_AMOUNT, `over_quota by ${MAX_AMOUNT}`],
    // Numbers that a float would round.
    [MAX_AMOUNT, MAX_AMOUNT, 1, 'over_quota by 1'],
    [MAX_AMOUNT - 1, MAX_AMOUNT, 2, 'over_quota by 1'],
    [MAX_AMOUNT - 1, MAX_AMOUNT, 1, 'admitted'],
    [MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT, `over_quota by ${MAX_AMOUNT}`],
    // More than can be said is said as the most.
    [2, 1, MAX_AMOUNT, 'impossible by 1'],
    [2, 2, MAX_AMOUNT, `over_quota by ${MAX_AMOUNT}`],
  ])('for %j of %j with %j in use is %s', (asked, limit, used, answer) => {
    const decision = decide(situation({ cpu_m: asked }, [ceiling(limit, used)]));
    const [violation] = decision.outcome === 'admitted' ? [] : decision.violations;
    const said = violation ? `${violation.code} by ${violation.overBy}` : decision.outcome;
    expect(said).toBe(answer);
  });

  it('says all the numbers of what it did not fit', () => {
    expect(decide(situation({ cpu_m: 6 }, [ceiling(10, 5)]))).toEqual({
      outcome: 'rejected',
      code: 'over_quota',
      isRetryable: true,
      verdict: undefined,
      violations: [
        {
          scope: acme,
          resource: 'cpu_m',
          ...{ limit: 10, base: null, used: 5, requested: 6, overBy: 1, code: 'over_quota' },
        },
      ],
    });
  });

  it('is queued where that is wanted, for the same reasons', () => {
    const asked = situation({ cpu_m: 6 }, [ceiling(10, 5)]);
    expect(decide({ ...asked, onFull: 'queue' })).toEqual({ ...decide(asked), outcome: 'queued' });
  });

  it('does not mind a limit on what it does not ask for', () => {
    const full = ceiling(0, 7, { resource: 'gpu' });
    expect(decide(situation({ cpu_m: 1 }, [full, ceiling(1)]))).toMatchObject({
      outcome: 'admitted',
    });
  });
});

describe('what takes nothing more', () => {
  it.each([
    [-1, 10, 20],
    [0, 10, 20],
    [-5, 0, 5],
    [-1, 0, MAX_AMOUNT],
    [0, 0, 0],
  ])('as a change by %j is admitted under a limit of %j with %j in use', (by, limit, used) => {
    const asked = situation({ cpu_m: by }, [ceiling(limit, used)]);
    expect(decide(asked)).toMatchObject({ outcome: 'admitted' });
    expect(examine(asked.ceilings, asked.amounts)).toMatchObject([{ requested: by, overBy: 0 }]);
  });

  it('is no leave for what takes more beside it', () => {
    const ceilings = [ceiling(10, 20), ceiling(3, 3, { resource: 'gpu' })];
    expect(decide(situation({ cpu_m: -9, gpu: 1 }, ceilings))).toMatchObject({
      code: 'over_quota',
      violations: [{ resource: 'gpu', overBy: 1 }],
    });
  });
});

describe('what could not even run alone', () => {
  it('is rejected for good, also where it would have been queued', () => {
    const asked = situation({ cpu_m: 11 }, [ceiling(10, 5)], { onFull: 'queue' });
    expect(decide(asked)).toEqual({
      outcome: 'rejected',
      code: 'impossible',
      isRetryable: false,
      verdict: undefined,
      violations: [
        {
          ...{ scope: acme, resource: 'cpu_m', code: 'impossible' },
          ...{ limit: 10, base: null, used: 5, requested: 11, overBy: 1 },
        },
      ],
    });
  });

  it('is measured by what a pool can grow to, and what only waits by what it has', () => {
    const pool = { scope: gpuPool, most: 20 };
    const ask = (cpu_m: number) => decide(situation({ cpu_m }, [ceiling(10, 0, pool)]));
    expect(ask(10)).toMatchObject({ outcome: 'admitted' });
    expect(ask(11)).toMatchObject({ code: 'over_capacity', isRetryable: true });
    expect(ask(20)).toMatchObject({ violations: [{ limit: 10, overBy: 10 }] });
    expect(ask(21)).toMatchObject({
      code: 'impossible',
      isRetryable: false,
      violations: [{ limit: 20, overBy: 1 }],
    });
  });

  it('says only what makes it so, of all scopes', () => {
    const ceilings = [
      ceiling(5, 5),
      ceiling(3, 0, { scope: eng }),
      ceiling(2, 2, { scope: gpuPool, most: 2 }),
    ];
    expect(decide(situation({ cpu_m: 4 }, ceilings))).toMatchObject({
      code: 'impossible',
      violations: [{ scope: eng }, { scope: gpuPool }],
    });
  });
});

describe('what is no matter of amount', () => {
  const roomy = [ceiling(10)];

  it('comes first where the tenant is suspended, whatever else there is', () => {
    const more = { suspended: eng, held: gpuPool, preceded: gpuPool, onFull: 'queue' } as const;
    const none = { limit: null, base: null, used: null, requested: null, overBy: null };
    for (const ceilings of [roomy, [ceiling(0)], [ceiling(10, 10)]]) {
      expect(decide(situation({ cpu_m: 5 }, ceilings, more))).toEqual({
        outcome: 'rejected',
        code: 'suspended',
        isRetryable: false,
        verdict: undefined,
        violations: [{ scope: eng, resource: null, ...none, code: 'suspended' }],
      });
    }
  });

  it.each([
    ['held', 'pool_held'],
    ['preceded', 'waiting_ahead'],
  ] as const)('keeps what fits waiting where the pool is %s', (reason, code) => {
    const asked = situation({ cpu_m: 5 }, roomy, { [reason]: gpuPool, onFull: 'queue' });
    expect(decide(asked)).toMatchObject({ outcome: 'queued', code, isRetryable: true });
    expect(decide({ ...asked, onFull: 'reject' })).toMatchObject({ outcome: 'rejected', code });
  });

  it('comes after what is, nearest scope first, and the first reason is that of the decision', () => {
    const ceilings = [
      ceiling(10, 10),
      ceiling(10, 10, { resource: 'gpu' }),
      ceiling(10, 10, { scope: acmeInGpu }),
      ceiling(10, 10, { scope: eng }),
      ceiling(10, 10, { scope: gpuPool }),
    ];
    const more = { held: gpuPool, preceded: gpuPool };
    const decision = decide(situation({ gpu: 1, cpu_m: 1 }, ceilings, more));
    const said = decision.outcome === 'admitted' ? [] : decision.violations;
    expect(said.map(({ scope, resource, code }) => [scope, resource, code])).toEqual([
      [acme, 'cpu_m', 'over_quota'],
      [acme, 'gpu', 'over_quota'],
      [acmeInGpu, 'cpu_m', 'over_quota'],
      [eng, 'cpu_m', 'over_quota'],
      [gpuPool, 'cpu_m', 'over_capacity'],
      [gpuPool, null, 'pool_held'],
      [gpuPool, null, 'waiting_ahead'],
    ]);
    expect(decision).toMatchObject({ code: 'over_quota' });
  });

  it('does not make the impossible possible', () => {
    const more = { held: gpuPool, preceded: gpuPool, onFull: 'queue' } as const;
    expect(decide(situation({ cpu_m: 11 }, roomy, more))).toMatchObject({
      outcome: 'rejected',
      code: 'impossible',
      violations: [{ code: 'impossible' }],
    });
  });
});

describe('the smallest raises', () => {
  it('lead each limit that lacks room to what is used and asked for', () => {
    const ceilings = [ceiling(10, 8), ceiling(20, 19, { scope: eng }), ceiling(5, 0, { most: 9 })];
    const checks = examine(ceilings, new Map([['cpu_m', 4]]));
    expect(smallestRaises(checks)).toEqual([
      { scope: acme, resource: 'cpu_m', from: 10, to: 12 },
      { scope: eng, resource: 'cpu_m', from: 20, to: 23 },
    ]);
  });

  it('end where amounts do', () => {
    const raises = (used: number) => smallestRaises(examine([ceiling(1, used)], asked));
    const asked = new Map([['cpu_m', 2]]);
    expect(raises(MAX_AMOUNT - 2)).toMatchObject([{ to: MAX_AMOUNT }]);
    expect(raises(MAX_AMOUNT - 1)).toMatchObject([{ to: null }]);
  });
});

it('every reason has a meaning', () => {
  expect(Object.keys(reasonMeanings)).toEqual([...reasonCodes]);
});
