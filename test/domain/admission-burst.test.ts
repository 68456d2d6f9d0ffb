import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type BurstOffer, type Situation } from '../../src/domain/admission.ts';
import { liftedFor, type Ceiling, type ScopeName } from '../../src/domain/ceiling.ts';
import type { Verdict } from '../../src/domain/policy.ts';
import type { Limit } from '../../src/domain/quota.ts';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';

const acme = { tenant: 'acme', pool: null };
const acmeInGpu = { tenant: 'acme', pool: 'gpu' };
const eng = { tenant: 'eng', pool: null };
const gpuPool = { tenant: null, pool: 'gpu' };

/** A limit that may become twice as high without a person; that of the pool stays. */
function ceiling(limit: Limit, used: number, more: Partial<Ceiling> = {}): Ceiling {
  const { scope = acme } = more;
  const most = scope.tenant === null || limit === null ? limit : limit * 2;
  return { resource: 'cpu_m', limit, base: null, most, used, kept: 0, ...more, scope };
}

const toTwice: BurstOffer = { scope: acme, percentage: 200 };

function situation(ceilings: readonly Ceiling[], more: Partial<Situation> = {}): Situation {
  return {
    amounts: new Map([['cpu_m', 5]]),
    ...{ ceilings, pool: gpuPool, suspended: undefined, held: undefined, preceded: undefined },
    ...{ overruns: [], isQueueFull: false, verdict: undefined, onViolation: () => undefined },
    ...{ onFull: 'burst', secondChoice: 'reject', offers: [toTwice], ...more },
  };
}

const rule = (action: Verdict['action']): Verdict => ({ name: 'lend', action, message: null });

describe('a request that shall burst', () => {
  it('opens the session that is offered where it fits under that', () => {
    expect(decide(situation([ceiling(10, 10)]))).toMatchObject({
      ...{ outcome: 'admitted', isOverride: false, opens: toTwice },
    });
  });

  it('opens none where it fits without', () => {
    expect(decide(situation([ceiling(10, 5)]))).toMatchObject({
      ...{ outcome: 'admitted', opens: undefined },
    });
  });

  it.each([
    [15, 'admitted'],
    [16, 'rejected'],
  ])('fits up to what the session makes of the limit: with %j in use it is %s', (used, outcome) => {
    expect(decide(situation([ceiling(10, used)]))).toMatchObject({ outcome });
  });

  it.each<[string, Ceiling[], Partial<Situation>, string]>([
    ['an ancestor has no room', [ceiling(10, 10, { scope: eng })], {}, 'over_quota'],
    [
      'an ancestor has none either',
      [ceiling(10, 10), ceiling(10, 10, { scope: eng })],
      {},
      'over_quota',
    ],
    ['the pool has none', [ceiling(10, 10, { scope: gpuPool })], {}, 'over_capacity'],
    ['room is kept for another', [ceiling(10, 0, { kept: 6 })], {}, 'reserved'],
    ['what is kept for another would be taken', [ceiling(10, 15, { kept: 1 })], {}, 'over_quota'],
    ['the pool is held', [ceiling(10, 10)], { held: gpuPool }, 'over_quota'],
    ['others are before it', [ceiling(10, 10)], { preceded: gpuPool }, 'over_quota'],
    [
      'it would need two',
      [ceiling(10, 10), ceiling(10, 10, { scope: acmeInGpu })],
      {},
      'over_quota',
    ],
    ['nothing is offered', [ceiling(10, 10)], { offers: [] }, 'over_quota'],
    [
      'what is offered is too little',
      [ceiling(10, 10)],
      { offers: [{ scope: acme, percentage: 149 }] },
      'over_quota',
    ],
  ])('opens none where %s, and the second choice follows', (_, ceilings, more, code) => {
    const offers = [toTwice, { scope: acmeInGpu, percentage: 200 }];
    const asked = situation(ceilings, { offers, ...more });
    expect(decide(asked)).toMatchObject({ outcome: 'rejected', code, isRetryable: true });
    expect(decide({ ...asked, secondChoice: 'queue' })).toMatchObject({ outcome: 'queued', code });
    expect(decide({ ...asked, secondChoice: 'queue', isQueueFull: true })).toMatchObject({
      ...{ outcome: 'rejected', code: 'queue_full' },
    });
  });

  it.each([
    [acmeInGpu, acmeInGpu],
    [acme, acme],
  ])('opens the one of the place that is full: %j', (scope, opened) => {
    const offers = [toTwice, { scope: acmeInGpu, percentage: 150 }];
    const given = [ceiling(10, 8, { scope })];
    expect(decide(situation(given, { offers }))).toMatchObject({ opens: { scope: opened } });
  });

  it('opens none for who is suspended, or what is impossible with it too', () => {
    const full = [ceiling(10, 10)];
    expect(decide(situation(full, { suspended: eng }))).toMatchObject({ code: 'suspended' });
    const beyond = situation([ceiling(10, 0, { most: 20 })], { amounts: new Map([['cpu_m', 21]]) });
    expect(decide(beyond)).toMatchObject({
      ...{ outcome: 'rejected', code: 'impossible', isRetryable: false },
      violations: [{ limit: 20, overBy: 1 }],
    });
  });

  it('is not impossible where it fits under the highest that may be lent, and is not lent now', () => {
    const asked = { offers: [], secondChoice: 'queue' as const, amounts: new Map([['cpu_m', 20]]) };
    expect(decide(situation([ceiling(10, 0)], asked))).toMatchObject({
      ...{ outcome: 'queued', code: 'over_quota', violations: [{ limit: 10, overBy: 10 }] },
    });
  });
});

describe('a session that is offered', () => {
  it.each(['reject', 'queue'] as const)('is not opened for who wants to %s', (onFull) => {
    expect(decide(situation([ceiling(10, 10)], { onFull }))).not.toMatchObject({
      outcome: 'admitted',
    });
  });

  it('is opened for anybody where a rule says burst, and the rule is named', () => {
    const verdict = rule('burst');
    const asked = { onFull: 'reject', onViolation: () => verdict } as const;
    expect(decide(situation([ceiling(10, 10)], asked))).toMatchObject({ opens: toTwice, verdict });
    const none = { ...asked, offers: [], secondChoice: 'queue' } as const;
    expect(decide(situation([ceiling(10, 10)], none))).toMatchObject({
      outcome: 'queued',
      verdict,
    });
  });

  it.each(['reject', 'queue'] as const)('is not where a rule says %s', (action) => {
    const asked = situation([ceiling(10, 10)], { onViolation: () => rule(action) });
    expect(decide(asked).outcome).not.toBe('admitted');
  });

  it('is not needed where a rule lets it in above limits', () => {
    const asked = situation([ceiling(10, 10)], { onViolation: () => rule('allow') });
    expect(decide(asked)).toMatchObject({ isOverride: true, opens: undefined });
  });

  it('does not let past a rule that has the request wait', () => {
    const asked = situation([ceiling(10, 10)], { verdict: rule('queue') });
    expect(decide(asked)).toMatchObject({ outcome: 'queued' });
  });
});

describe('a job fits only because of a session', () => {
  it.each([
    [5, 8, 4, true],
    [5, 8, 3, true],
    [5, 8, 2, false],
    [5, 8, 0, false],
    // It was over before.
    [20, 8, 1, true],
  ])('with %j in use of %j, where it asks for %j: %j', (used, base, asked, needs) => {
    const given = ceiling(16, used, { base: base - 1 });
    const found = liftedFor([given], new Map([['cpu_m', asked]]));
    expect(found).toEqual(needs ? [given] : []);
  });

  it('only of what it asks for, and where one lifts it', () => {
    const given = [ceiling(16, 9), ceiling(16, 9, { base: 8, resource: 'gpu' })];
    expect(liftedFor(given, new Map([['cpu_m', 5]]))).toEqual([]);
    expect(liftedFor(given, new Map([['gpu', 0]]))).toEqual([]);
  });
});

const scopes: readonly ScopeName[] = [acme, acmeInGpu, eng, gpuPool];
const amount = fc.oneof(
  { arbitrary: fc.nat(12), weight: 6 },
  fc.constantFrom(MAX_AMOUNT, MAX_AMOUNT - 1),
);
const anyCeiling = fc
  .record({
    scope: fc.constantFrom(...scopes),
    resource: fc.constantFrom('cpu_m', 'gpu'),
    limit: fc.option(amount, { nil: null }),
    ...{ used: amount, kept: fc.constantFrom(0, 0, 1) },
  })
  .map(({ limit, ...rest }) => ceiling(limit, rest.used, { ...rest, most: limit && MAX_AMOUNT }));
const ceilings = fc.uniqueArray(anyCeiling, {
  selector: ({ scope, resource }) => `${scopes.indexOf(scope)} ${resource}`,
  maxLength: 8,
});
const offer = fc.record({
  scope: fc.constantFrom(acme, acmeInGpu, eng, gpuPool),
  percentage: fc.constantFrom(101, 120, 150, 200, 1_000),
});
const somewhere = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 6 },
  { arbitrary: fc.constantFrom(...scopes), weight: 1 },
);
const any: fc.Arbitrary<Situation> = fc
  .record({
    ceilings,
    amounts: fc
      .tuple(fc.integer({ min: 1, max: 12 }), fc.nat(3))
      .map(([cpu, gpu]) => new Map([['cpu_m', cpu], ...(gpu > 0 ? [['gpu', gpu] as const] : [])])),
    offers: fc.array(offer, { maxLength: 3 }),
    ...{ held: somewhere, preceded: somewhere, suspended: somewhere },
    onFull: fc.constantFrom('burst', 'burst', 'queue'),
  })
  .map(({ ceilings: given, ...rest }) => situation(given, rest));

describe('whatever is offered', () => {
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);

  it('who is admitted fits under what the opened session makes of one scope, and never above a pool', () => {
    fc.assert(
      fc.property(any, (asked) => {
        const decision = decide(asked);
        if (decision.outcome !== 'admitted') {
          count(decision.outcome);
          return;
        }
        const { opens } = decision;
        count(opens === undefined ? 'admitted' : 'opened');
        if (opens !== undefined) {
          expect(asked.offers).toContain(opens);
          expect(asked.onFull).toBe('burst');
          expect([asked.held, asked.preceded, asked.suspended]).toEqual([
            undefined,
            undefined,
            undefined,
          ]);
        }
        for (const { scope, resource, limit, used, kept } of asked.ceilings) {
          const requested = asked.amounts.get(resource) ?? 0;
          if (requested === 0 || limit === null) continue;
          const isLifted = scope === opens?.scope && scope !== gpuPool;
          const per = isLifted ? BigInt(opens.percentage) : 100n;
          const ends = BigInt(used) + BigInt(kept) + BigInt(requested);
          expect(ends * 100n <= BigInt(limit) * per).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
    // Else nothing would have been proved.
    expect([...outcomes.keys()].sort()).toEqual(['admitted', 'opened', 'queued', 'rejected']);
  });

  it('nobody is admitted who is not where a person agrees to all of it', () => {
    fc.assert(
      fc.property(any, (asked) => {
        const decision = decide(asked);
        if (decision.outcome !== 'admitted' || decision.opens === undefined) return;
        // Without the session it is refused, and for nothing but limits of that one scope.
        const alone = decide({ ...asked, offers: [] });
        if (alone.outcome === 'admitted') throw new Error('it fits without');
        const opened = decision.opens.scope;
        expect(
          alone.violations.every(({ scope, code }) => scope === opened && code === 'over_quota'),
        ).toBe(true);
      }),
    );
  });
});
