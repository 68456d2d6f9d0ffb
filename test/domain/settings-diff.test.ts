import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PoolDefinition } from '../../src/domain/pool.ts';
import { builtInResources, limitField } from '../../src/domain/resource.ts';
import { defaultSettings, settingsDocument, type Settings } from '../../src/domain/settings.ts';
import { diffSettings } from '../../src/domain/settings-diff.ts';
import { anySettings } from '../helpers/settings.ts';

const pool: PoolDefinition = {
  name: 'gpu',
  title: 'GPU farm',
  type: 'static',
  minSize: 1,
  maxSize: 2,
  provider: null,
  resources: { cpu_m: 4000 },
  maxConcurrentJobs: null,
  maxJobsPerTenant: 3,
};

function withPools(...pools: PoolDefinition[]): Settings {
  return { ...defaultSettings, resourcePools: { ...defaultSettings.resourcePools, pools } };
}

describe('diffSettings', () => {
  it('finds nothing between equal settings', () => {
    fc.assert(
      fc.property(anySettings, (settings) => {
        expect(diffSettings(settings, structuredClone(settings))).toEqual([]);
      }),
    );
  });

  it('finds something between settings that differ, and the reverse the other way round', () => {
    fc.assert(
      fc.property(anySettings, anySettings, (before, after) => {
        const isSame =
          JSON.stringify(settingsDocument(before)) === JSON.stringify(settingsDocument(after));
        const changes = diffSettings(before, after);
        expect(changes.length === 0).toBe(isSame);
        const reverse = diffSettings(after, before).map((change) => ({
          key: change.key,
          before: change.after,
          after: change.before,
        }));
        expect(new Set(reverse)).toEqual(new Set(changes));
      }),
    );
  });

  it('finds it wherever one leaf of the document differs', () => {
    fc.assert(
      fc.property(anySettings, anySettings, (settings, other) => {
        for (const part of ['resourcePools', 'violationPolicy', 'jobs'] as const) {
          const changed = { ...settings, [part]: other[part] };
          const isSame =
            JSON.stringify(settingsDocument(settings)) ===
            JSON.stringify(settingsDocument(changed));
          expect(diffSettings(settings, changed).length === 0).toBe(isSame);
        }
      }),
    );
  });

  it('finds every key where there was nothing before, each with its value', () => {
    const changes = diffSettings(undefined, withPools(pool));
    expect(changes.every(({ before }) => before === undefined)).toBe(true);
    expect(changes.map(({ key, after }) => `${key} ${String(after)}`)).toEqual([
      'resources.cpu_m.unit millicores',
      'resources.cpu_m.default_limit 0',
      'resources.memory_mb.unit MiB',
      'resources.memory_mb.default_limit 0',
      'resources.gpu.unit count',
      'resources.gpu.default_limit 0',
      'resources.jobs.unit count',
      'resources.jobs.default_limit 0',
      'resource_pools.enabled true',
      'resource_pools.default_pool_type static',
      'resource_pools.pools.gpu.name GPU farm',
      'resource_pools.pools.gpu.type static',
      'resource_pools.pools.gpu.min_size 1',
      'resource_pools.pools.gpu.max_size 2',
      'resource_pools.pools.gpu.resources.cpu_m 4000',
      'resource_pools.pools.gpu.quotas.max_concurrent_jobs null',
      'resource_pools.pools.gpu.quotas.max_jobs_per_tenant 3',
      'multi_tenancy.default_tenant_quota.cpu_m 4000',
      'multi_tenancy.default_tenant_quota.memory_mb 8192',
      'multi_tenancy.default_tenant_quota.gpu 0',
      'multi_tenancy.default_tenant_quota.max_concurrent_jobs 10',
      'multi_tenancy.quota_enforcement.violation_policy reject',
      'multi_tenancy.quota_enforcement.second_choice reject',
      'multi_tenancy.quota_enforcement.notices.enabled true',
      'multi_tenancy.quota_enforcement.notices.warning_threshold 0.8',
      'multi_tenancy.quota_enforcement.notices.critical_threshold 0.95',
      'jobs.claim_seconds 300',
      'jobs.queue_ttl_seconds 86400',
      'scheduling.fair_queuing.enabled true',
      'scheduling.fair_queuing.fairness_window_minutes 0',
      'scheduling.fair_queuing.starvation_prevention true',
      'scheduling.fair_queuing.starvation_threshold_minutes 30',
      'scheduling.queue_prioritization.default_strategy weighted_fair',
      'scheduling.max_queue_size null',
      'burst_capacity.enabled true',
      'burst_capacity.default_policy.max_overage_percentage 150',
      'burst_capacity.default_policy.burst_duration_minutes 60',
      'burst_capacity.max_concurrent_burst_sessions 10',
      'burst_capacity.max_per_tenant_per_day 5',
      'burst_capacity.burst_cooldown_minutes 15',
      'burst_capacity.notice_minutes 10',
      'burst_capacity.cost_multiplier 1',
      'burst_capacity.approval.auto_approve_threshold 100',
      'burst_capacity.approval.approvals_required 1',
      'burst_capacity.approval.timeout_minutes 1440',
      'cost_tracking.enabled true',
      'cost_tracking.currency USD',
      'cost_tracking.hourly_rate_cpu 0.05',
      'cost_tracking.hourly_rate_memory_gb 0.01',
      'cost_tracking.hourly_rate_gpu 2.5',
      'cost_tracking.retention_days 90',
      'cost_tracking.budget_alerts.warning_threshold 0.8',
      'cost_tracking.budget_alerts.critical_threshold 0.95',
    ]);
  });

  it('names the keys as the document does; a key that is not there is undefined', () => {
    const license = { name: 'license', unit: 'seats', defaultLimit: 5 };
    const kind = { name: 'gpu.h100', unit: 'count', defaultLimit: 0 };
    const before: Settings = {
      ...defaultSettings,
      resources: [...builtInResources, license, kind],
      defaultTenantQuota: { gpu: 0, jobs: 10 },
    };
    const after: Settings = {
      ...defaultSettings,
      resources: [
        ...builtInResources,
        { ...license, defaultLimit: null },
        { ...kind, defaultLimit: 1 },
      ],
      defaultTenantQuota: { gpu: null, jobs: 11, license: 1, 'gpu.h100': 2 },
    };
    const quota = 'multi_tenancy.default_tenant_quota';
    expect(diffSettings(before, after)).toEqual([
      { key: 'resources.license.default_limit', before: 5, after: null },
      { key: 'resources.gpu.h100.default_limit', before: 0, after: 1 },
      { key: `${quota}.gpu`, before: 0, after: null },
      { key: `${quota}.${limitField('jobs')}`, before: 10, after: 11 },
      { key: `${quota}.license`, before: undefined, after: 1 },
      { key: `${quota}.gpu.h100`, before: undefined, after: 2 },
    ]);
    expect(
      diffSettings(defaultSettings, {
        ...defaultSettings,
        resources: [...builtInResources, license],
      }),
    ).toEqual([
      { key: 'resources.license.unit', before: undefined, after: 'seats' },
      { key: 'resources.license.default_limit', before: undefined, after: 5 },
    ]);
  });

  it('names a pool by its id', () => {
    const after = withPools({
      ...pool,
      title: 'GPUs',
      maxSize: 3,
      resources: { gpu: 4 },
      maxJobsPerTenant: null,
    });
    const gpu = 'resource_pools.pools.gpu';
    expect(diffSettings(withPools(pool), after)).toEqual([
      { key: `${gpu}.name`, before: 'GPU farm', after: 'GPUs' },
      { key: `${gpu}.max_size`, before: 2, after: 3 },
      { key: `${gpu}.resources.cpu_m`, before: 4000, after: undefined },
      { key: `${gpu}.quotas.max_jobs_per_tenant`, before: 3, after: null },
      { key: `${gpu}.resources.gpu`, before: undefined, after: 4 },
    ]);
    expect(diffSettings(withPools(pool), withPools()).map(({ key }) => key)).toEqual([
      ...['name', 'type', 'min_size', 'max_size', 'resources.cpu_m'].map((key) => `${gpu}.${key}`),
      `${gpu}.quotas.max_concurrent_jobs`,
      `${gpu}.quotas.max_jobs_per_tenant`,
    ]);
  });

  it('has no key for what is neither there nor unlimited', () => {
    const leased: Settings = {
      ...withPools({ ...pool, provider: 'aws' }),
      jobs: { ...defaultSettings.jobs, defaultTtlSeconds: 3600 },
    };
    expect(diffSettings(withPools(pool), leased)).toEqual([
      { key: 'resource_pools.pools.gpu.provider', before: undefined, after: 'aws' },
      { key: 'jobs.default_ttl_seconds', before: undefined, after: 3600 },
    ]);
  });

  const { resourcePools, jobs } = defaultSettings;
  const single: [string, Partial<Settings>, unknown, unknown][] = [
    [
      'resource_pools.enabled',
      { resourcePools: { ...resourcePools, enabled: false } },
      true,
      false,
    ],
    [
      'resource_pools.default_pool_type',
      { resourcePools: { ...resourcePools, defaultPoolType: 'dynamic' } },
      'static',
      'dynamic',
    ],
    [
      'multi_tenancy.quota_enforcement.violation_policy',
      { violationPolicy: 'queue' },
      'reject',
      'queue',
    ],
    ['jobs.claim_seconds', { jobs: { ...jobs, claimSeconds: 60 } }, 300, 60],
    ['jobs.queue_ttl_seconds', { jobs: { ...jobs, queueTtlSeconds: 60 } }, 86_400, 60],
  ];
  it.each(single)('names %s', (key, change, before, after) => {
    const changed = { ...defaultSettings, ...change };
    expect(diffSettings(defaultSettings, changed)).toEqual([{ key, before, after }]);
  });

  it('sees another order of the same resources', () => {
    const [a, b] = ['a', 'b'].map((name) => ({ name, unit: 'count', defaultLimit: 0 }));
    const ordered = (...added: (typeof a)[]): Settings => ({
      ...defaultSettings,
      resources: [...builtInResources, ...added.filter((resource) => resource !== undefined)],
    });
    expect(diffSettings(ordered(a, b), ordered(b, a))).toEqual([
      {
        key: 'resources',
        before: ['cpu_m', 'memory_mb', 'gpu', 'jobs', 'a', 'b'],
        after: ['cpu_m', 'memory_mb', 'gpu', 'jobs', 'b', 'a'],
      },
    ]);
  });

  it('sees another order of the same pools', () => {
    const other = { ...pool, name: 'build' };
    expect(diffSettings(withPools(pool, other), withPools(other, pool))).toEqual([
      { key: 'resource_pools.pools', before: ['gpu', 'build'], after: ['build', 'gpu'] },
    ]);
  });
});
