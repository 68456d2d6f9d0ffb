import fc from 'fast-check';
import { isSamePerson, MAX_BURST_MINUTES, MAX_PERCENTAGE } from '../../src/domain/burst.ts';
import type { BurstCapacity } from '../../src/domain/burst-capacity.ts';
import { MAX_PRICE } from '../../src/domain/money.ts';
import type { CostTracking } from '../../src/domain/cost-tracking.ts';
import { strategies } from '../../src/domain/fair-share.ts';
import { MAX_TTL_SECONDS } from '../../src/domain/job.ts';
import { MAX_POOL_SIZE, poolTypes, type PoolDefinition } from '../../src/domain/pool.ts';
import { builtInResources, MAX_AMOUNT, type Resource } from '../../src/domain/resource.ts';
import { reasonedNames } from '../../src/domain/event-names.ts';
import type { QuotaNotices } from '../../src/domain/quota-notice.ts';
import { MAX_MINUTES } from '../../src/domain/scheduling.ts';
import { secondChoices, violationPolicies, type Settings } from '../../src/domain/settings.ts';
import { MAX_CLAIM_SECONDS } from '../../src/domain/settings-check.ts';

const limit = fc.oneof(fc.nat(), fc.constant(null), fc.constant(MAX_AMOUNT), fc.constant(0));
const label = fc.stringMatching(/^[A-Za-z0-9 äß(_)]{0,98}[A-Za-z0-9]$/);

const custom = fc.record({
  name: fc.stringMatching(/^x[a-z0-9_]{0,30}$/),
  unit: fc.constantFrom('count', 'seats', 'GB/s'),
  defaultLimit: limit,
});
const kind = fc.record({
  parent: fc.nat(),
  own: fc.stringMatching(/^[a-z][a-z0-9_]{0,30}$/),
  defaultLimit: limit,
});

/** Any catalogue that there can be. */
const catalogue: fc.Arbitrary<readonly Resource[]> = fc
  .tuple(
    fc.uniqueArray(custom, { selector: ({ name }) => name, maxLength: 4 }),
    fc.tuple(limit, limit, limit, limit),
    fc.array(kind, { maxLength: 3 }),
  )
  .map(([added, defaults, kinds]) => {
    const builtIn = builtInResources.map((resource, index) => ({
      ...resource,
      defaultLimit: defaults[index] ?? null,
    }));
    const parents = [...builtIn, ...added];
    const dotted = kinds.map(({ parent, own, defaultLimit }) => {
      const { name, unit } = parents[parent % parents.length]!;
      return { name: `${name}.${own}`, unit, defaultLimit };
    });
    const isFirst = ({ name }: Resource, index: number, all: readonly Resource[]) =>
      all.findIndex((other) => other.name === name) === index;
    return [...parents, ...dotted].filter(isFirst);
  });

/** What some resources have, in the order of the catalogue. */
function byResource<T>(resources: readonly Resource[], value: fc.Arbitrary<T>) {
  const { length } = resources;
  const some = fc.array(fc.option(value, { nil: undefined }), {
    minLength: length,
    maxLength: length,
  });
  return some.map((values): Record<string, T> => {
    const entries = resources.map(({ name }, index) => [name, values[index]] as const);
    return Object.fromEntries(
      entries.filter((entry): entry is [string, T] => entry[1] !== undefined),
    );
  });
}

function anyPool(resources: readonly Resource[]): fc.Arbitrary<PoolDefinition> {
  const size = fc.oneof(fc.nat({ max: MAX_POOL_SIZE }), fc.constantFrom(0, 1, MAX_POOL_SIZE));
  const perWorker = fc.oneof(fc.nat(), fc.constantFrom(0, Math.floor(MAX_AMOUNT / MAX_POOL_SIZE)));
  return fc
    .record({
      name: fc.stringMatching(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/),
      title: label,
      type: fc.constantFrom(...poolTypes),
      sizes: fc.tuple(size, size),
      provider: fc.option(label),
      resources: byResource(
        resources.filter(({ name }) => name !== 'jobs'),
        perWorker,
      ),
      maxConcurrentJobs: limit,
      maxJobsPerTenant: limit,
    })
    .map(({ sizes, ...pool }) => ({
      ...pool,
      minSize: Math.min(...sizes),
      maxSize: Math.max(...sizes),
    }));
}

const anyBurstCapacity: fc.Arbitrary<BurstCapacity> = fc
  .record({
    enabled: fc.boolean(),
    percentages: fc.tuple(
      fc.integer({ min: 100, max: MAX_PERCENTAGE }),
      fc.integer({ min: 100, max: MAX_PERCENTAGE }),
    ),
    durationMinutes: fc.integer({ min: 1, max: MAX_BURST_MINUTES }),
    mostAtOnce: fc.option(fc.nat({ max: 100_000 })),
    mostPerTenantAndDay: fc.option(fc.nat({ max: 100_000 })),
    cooldownMinutes: fc.nat({ max: MAX_BURST_MINUTES }),
    noticeMinutes: fc.nat({ max: MAX_BURST_MINUTES }),
    costMultiplier: fc.nat({ max: MAX_PRICE }),
    approvers: fc.uniqueArray(label, { comparator: isSamePerson, maxLength: 3 }),
    required: fc.integer({ min: 1, max: 3 }),
    timeoutMinutes: fc.integer({ min: 1, max: MAX_BURST_MINUTES }),
  })
  .map(({ percentages, durationMinutes, approvers, required, timeoutMinutes, ...capacity }) => ({
    ...capacity,
    defaultPolicy: { maxOveragePercentage: Math.max(...percentages), durationMinutes },
    approval: {
      autoApproveThreshold: Math.min(...percentages),
      required: approvers.length === 0 ? required : Math.min(required, approvers.length),
      approvers,
      timeoutMinutes,
    },
  }));

const anyPrice = fc.integer({ min: 0, max: MAX_PRICE });

const anyCostTracking: fc.Arbitrary<CostTracking> = fc
  .record({
    enabled: fc.boolean(),
    currency: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,11}$/),
    hourlyRates: fc.record({ cpu_m: anyPrice, memory_mb: anyPrice, gpu: anyPrice }),
    retentionDays: fc.option(fc.integer({ min: 1, max: 3_660 })),
    thresholds: fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 2 }),
  })
  .map(({ thresholds, ...tracking }) => ({
    ...tracking,
    budgetAlerts: {
      warning: Math.min(...thresholds) / 10_000,
      critical: Math.max(...thresholds) / 10_000,
    },
  }));

const anyQuotaNotices: fc.Arbitrary<QuotaNotices> = fc
  .record({
    enabled: fc.boolean(),
    parts: fc.uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 2, maxLength: 2 }),
  })
  .map(({ enabled, parts }) => ({
    enabled,
    warningThreshold: Math.min(...parts) / 10_000,
    criticalThreshold: Math.max(...parts) / 10_000,
  }));

/** Any settings that can be in force. */
export const anySettings: fc.Arbitrary<Settings> = catalogue.chain((resources) => {
  const pools = fc.uniqueArray(anyPool(resources), { selector: ({ name }) => name, maxLength: 3 });
  const seconds = (most: number) => fc.integer({ min: 1, max: most });
  return fc.record({
    resources: fc.constant(resources),
    resourcePools: fc.record({
      enabled: fc.boolean(),
      defaultPoolType: fc.constantFrom(...poolTypes),
      pools,
    }),
    defaultTenantQuota: byResource(resources, limit),
    violationPolicy: fc.constantFrom(...violationPolicies),
    secondChoice: fc.constantFrom(...secondChoices),
    quotaNotices: anyQuotaNotices,
    jobs: fc.record({
      defaultTtlSeconds: fc.option(seconds(MAX_TTL_SECONDS)),
      claimSeconds: seconds(MAX_CLAIM_SECONDS),
      queueTtlSeconds: seconds(MAX_TTL_SECONDS),
    }),
    scheduling: fc.record({
      fairQueuing: fc.record({
        enabled: fc.boolean(),
        windowMinutes: fc.nat({ max: MAX_MINUTES }),
        starvationPrevention: fc.boolean(),
        starvationThresholdMinutes: fc.integer({ min: 1, max: MAX_MINUTES }),
      }),
      strategy: fc.constantFrom(...strategies),
      maxQueueSize: limit,
    }),
    burstCapacity: anyBurstCapacity,
    costTracking: anyCostTracking,
    requireReason: fc.uniqueArray(fc.constantFrom(...reasonedNames)).map((names) => names.sort()),
  });
});
