import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type Situation } from '../../src/domain/admission.ts';
import { examine, smallestRaises, type Ceiling, type ScopeName } from '../../src/domain/ceiling.ts';
import { MAX_AMOUNT } from '../../src/domain/resource.ts';

const resources = ['cpu_m', 'gpu', 'jobs'] as const;
const scopes: readonly ScopeName[] = [
  { tenant: 'acme', pool: null },
  { tenant: 'acme', pool: 'gpu' },
  { tenant: 'eng', pool: null },
  { tenant: null, pool: 'gpu' },
];

const amount = fc.oneof(
  { arbitrary: fc.nat(12), weight: 5 },
  fc.maxSafeNat(),
  fc.constantFrom(MAX_AMOUNT, MAX_AMOUNT - 1),
);
const limit = fc.option(amount, { nil: null });
const asked = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...resources), amount), {
    selector: ([resource]) => resource,
    minLength: 1,
  })
  .map((entries) => new Map<string, number>(entries));

/** A limit, and how much more it can become: only that of a pool can. */
const oneCeiling = fc
  .record({
    scope: fc.constantFrom(...scopes),
    resource: fc.constantFrom(...resources),
    limit,
    more: amount,
    used: amount,
    kept: fc.constant(0),
    base: fc.constant(null),
  })
  .map(({ more, ...ceiling }): Ceiling => {
    const isPool = ceiling.scope.tenant === null && ceiling.limit !== null;
    const most = isPool ? Math.min(MAX_AMOUNT, Number(ceiling.limit) + more) : ceiling.limit;
    return { ...ceiling, most };
  });
const ceilings = fc.uniqueArray(oneCeiling, {
  selector: ({ scope, resource }) => `${scopes.indexOf(scope)} ${resource}`,
  maxLength: 12,
});
const somewhere = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 4 },
  { arbitrary: fc.constantFrom(...scopes), weight: 1 },
);
const situation: fc.Arbitrary<Situation> = fc.record({
  amounts: asked,
  ceilings,
  suspended: somewhere,
  held: somewhere,
  preceded: somewhere,
  onFull: fc.constantFrom('reject', 'queue'),
  ...{ pool: fc.constant(undefined), isQueueFull: fc.constant(false) },
  overruns: fc.constant([]),
  ...{ secondChoice: fc.constant('reject' as const), offers: fc.constant([]) },
  ...{ verdict: fc.constant(undefined), onViolation: fc.constant(() => undefined) },
});

/** Exactly, since a sum of two amounts may be rounded. */
function fits({ limit: most, used, resource }: Ceiling, amounts: Situation['amounts']): boolean {
  const requested = amounts.get(resource) ?? 0;
  if (requested === 0) return true;
  return BigInt(used) + BigInt(requested) <= BigInt(most ?? MAX_AMOUNT);
}

describe('whatever is asked and whatever there is, a decision', () => {
  it('admits exactly what fits everywhere, where nothing is suspended, held or waiting', () => {
    fc.assert(
      fc.property(situation, (each) => {
        const isOpen = [each.suspended, each.held, each.preceded].every((one) => !one);
        const isFitting = each.ceilings.every((ceiling) => fits(ceiling, each.amounts));
        expect(decide(each).outcome === 'admitted').toBe(isOpen && isFitting);
      }),
    );
  });

  it('names what does not fit, all of it and nothing else', () => {
    fc.assert(
      fc.property(situation, (each) => {
        const decision = decide(each);
        if (decision.outcome === 'admitted' || !decision.isRetryable) return;
        const over = each.ceilings.filter((ceiling) => !fits(ceiling, each.amounts));
        const named = decision.violations.filter(({ resource }) => resource !== null);
        expect(named.map(({ scope, resource }) => [scope, resource])).toEqual(
          over.map(({ scope, resource }) => [scope, resource]),
        );
        expect(named.every(({ overBy }) => Number(overBy) > 0)).toBe(true);
      }),
    );
  });

  it('is never to wait for what could not run alone, and only that is for good', () => {
    fc.assert(
      fc.property(situation, (each) => {
        const decision = decide(each);
        const alone = { ...each, held: undefined, preceded: undefined, onFull: 'reject' as const };
        const empty = each.ceilings.map((one) => ({ ...one, limit: one.most, used: 0 }));
        const canRun = decide({ ...alone, ceilings: empty }).outcome === 'admitted';
        if (decision.outcome === 'queued') expect(canRun).toBe(true);
        if (decision.outcome === 'rejected') expect(decision.isRetryable).toBe(canRun);
      }),
    );
  });

  it('does not change by load where the request asks for nothing', () => {
    const load = fc.array(amount, { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(situation, load, (each, loads) => {
        const loaded = each.ceilings.map((ceiling, i) =>
          each.amounts.has(ceiling.resource) ? ceiling : { ...ceiling, used: loads[i] ?? 0 },
        );
        expect(decide({ ...each, ceilings: loaded })).toEqual(decide(each));
      }),
    );
  });

  it('is not made worse by less load or a higher limit', () => {
    fc.assert(
      fc.property(situation, amount, amount, (each, less, more) => {
        if (decide(each).outcome !== 'admitted') return;
        const eased = each.ceilings.map((ceiling) => ({
          ...ceiling,
          used: Math.max(0, ceiling.used - less),
          limit: ceiling.limit === null ? null : Math.min(MAX_AMOUNT, ceiling.limit + more),
        }));
        expect(decide({ ...each, ceilings: eased }).outcome).toBe('admitted');
      }),
    );
  });
});

describe('the smallest raises', () => {
  const open = {
    ...{ secondChoice: 'reject' as const, offers: [] },
    ...{ pool: undefined, suspended: undefined, held: undefined, preceded: undefined },
    ...{ overruns: [], isQueueFull: false, verdict: undefined, onViolation: () => undefined },
  };

  it('admit the request, and one less of any of them does not', () => {
    fc.assert(
      fc.property(asked, ceilings, (amounts, given) => {
        const raises = smallestRaises(examine(given, amounts));
        // Beyond the largest amount there is nothing to raise a limit to.
        if (raises.some(({ to }) => to === null)) return;
        const after = (lowered?: (typeof raises)[number]) =>
          given.map((ceiling) => {
            const raise = raises.find(
              ({ scope, resource }) => scope === ceiling.scope && resource === ceiling.resource,
            );
            if (raise === undefined) return ceiling;
            const to = Number(raise.to) - (raise === lowered ? 1 : 0);
            return { ...ceiling, limit: to, most: Math.max(to, ceiling.most ?? to) };
          });
        const outcome = (raised: readonly Ceiling[]) =>
          decide({ ...open, amounts, ceilings: raised, onFull: 'reject' }).outcome;
        expect(outcome(after())).toBe('admitted');
        for (const raise of raises) expect(outcome(after(raise))).toBe('rejected');
      }),
    );
  });
});
