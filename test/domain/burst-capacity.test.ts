import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_BURST_MINUTES, MAX_PERCENTAGE } from '../../src/domain/burst.ts';
import {
  burstCapacityDocument,
  burstCapacityOf,
  burstCapacityProblems,
  burstRanges,
  defaultBurstCapacity,
  freePercentage,
} from '../../src/domain/burst-capacity.ts';
import { anySettings } from '../helpers/settings.ts';

const any = anySettings.map(({ burstCapacity }) => burstCapacity);
/** Whole settings are made for each. */
const runs = { numRuns: 40 };

describe('what may be lent', () => {
  it('is read as it was written, whatever it is', () => {
    fc.assert(
      fc.property(any, (capacity) => {
        expect(burstCapacityOf(burstCapacityDocument(capacity))).toEqual(capacity);
      }),
      runs,
    );
  });

  it('is as usual in all that is not said', () => {
    expect(burstCapacityOf({})).toEqual(defaultBurstCapacity);
    expect(burstCapacityOf({ default_policy: {}, approval: {} })).toEqual(defaultBurstCapacity);
    expect(burstCapacityOf({ approval: { approvals_required: 2 } })).toEqual({
      ...defaultBurstCapacity,
      approval: { ...defaultBurstCapacity.approval, required: 2 },
    });
  });

  it('has no bound where that is said, and the usual one where nothing is', () => {
    const none = { max_concurrent_burst_sessions: null, max_per_tenant_per_day: null };
    expect(burstCapacityOf(none)).toMatchObject({ mostAtOnce: null, mostPerTenantAndDay: null });
    expect(burstCapacityOf({})).toMatchObject({ mostAtOnce: 10, mostPerTenantAndDay: 5 });
    const zero = { max_concurrent_burst_sessions: 0, max_per_tenant_per_day: 0 };
    expect(burstCapacityOf(zero)).toMatchObject({ mostAtOnce: 0, mostPerTenantAndDay: 0 });
  });

  it('names who may approve once', () => {
    const approvers = ['ben', 'ana', 'ben'];
    expect(burstCapacityOf({ approval: { approvers } }).approval.approvers).toEqual(['ben', 'ana']);
  });

  it('is usual within its ranges, which end where sessions do', () => {
    const {
      default_policy: policy,
      approval,
      ...rest
    } = burstCapacityDocument(defaultBurstCapacity);
    const numbers: Record<string, unknown> = { ...policy, ...approval, ...rest };
    for (const [name, [least, most]] of Object.entries(burstRanges)) {
      expect(Number(numbers[name]), name).toBeGreaterThanOrEqual(least);
      expect(Number(numbers[name]), name).toBeLessThanOrEqual(most);
    }
    expect(burstRanges.burst_duration_minutes).toEqual([1, MAX_BURST_MINUTES]);
    expect(burstRanges.max_overage_percentage).toEqual([100, MAX_PERCENTAGE]);
  });
});

describe('what nobody has to agree to', () => {
  const with_ = (threshold: number, most: number, enabled = true) =>
    freePercentage({
      ...{ ...defaultBurstCapacity, enabled },
      approval: { ...defaultBurstCapacity.approval, autoApproveThreshold: threshold },
      defaultPolicy: { ...defaultBurstCapacity.defaultPolicy, maxOveragePercentage: most },
    });

  it.each([
    [100, 150, undefined],
    [101, 150, 101],
    [120, 150, 120],
    [150, 150, 150],
    // Written before the other was lowered.
    [150, 120, 120],
    [150, 100, undefined],
  ])('up to %j %% where %j %% are the most is %j', (threshold, most, free) => {
    expect(with_(threshold, most)).toBe(free);
  });

  it('is nothing where it is switched off', () => {
    expect(with_(120, 150, false)).toBeUndefined();
  });
});

describe('a document of the right shape', () => {
  const pathsOf = (input: Parameters<typeof burstCapacityProblems>[0]) =>
    burstCapacityProblems(input).map(({ path }) => path.join('.'));

  it('is right where it is usual, and where it was in force', () => {
    expect(burstCapacityProblems({})).toEqual([]);
    fc.assert(
      fc.property(any, (capacity) => {
        expect(burstCapacityProblems(burstCapacityDocument(capacity))).toEqual([]);
      }),
      runs,
    );
  });

  it.each([
    [151, undefined, ['approval.auto_approve_threshold']],
    [150, undefined, []],
    [121, 120, ['approval.auto_approve_threshold']],
    [120, 120, []],
  ])('lets nobody agree to %j %% where %j %% are the most: %j', (threshold, most, problems) => {
    const approval = { auto_approve_threshold: threshold };
    const input = { approval, default_policy: { max_overage_percentage: most } };
    expect(pathsOf(input)).toEqual(problems);
  });

  it.each([
    [2, ['ben'], ['approval.approvers']],
    // One person, named twice.
    [2, ['ben', 'ben'], ['approval.approvers']],
    [2, ['ben', 'Ben'], ['approval.approvers']],
    [2, ['ben', 'eva'], []],
    [2, [], []],
    [1, ['ben'], []],
  ])('that requires %j of %j: %j', (required, approvers, problems) => {
    expect(pathsOf({ approval: { approvals_required: required, approvers } })).toEqual(problems);
  });

  it('says it with the numbers', () => {
    const approval = { auto_approve_threshold: 200, approvals_required: 3, approvers: ['ben'] };
    expect(burstCapacityProblems({ approval }).map(({ message }) => message)).toEqual([
      'nobody would have to agree up to 200 %, and 150 % is the most there may be (max_overage_percentage)',
      '3 approvals are required, and only 1 may approve',
    ]);
  });
});
