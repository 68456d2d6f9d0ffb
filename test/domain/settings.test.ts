import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultSettings,
  settingsDocument,
  settingsFromDocument,
  type PoolInput,
  type SettingsInput,
} from '../../src/domain/settings.ts';
import { anySettings } from '../helpers/settings.ts';

function documentWith(
  resources: SettingsInput['resources'],
  quota: Record<string, number | null> = {},
): SettingsInput {
  return { resources, multi_tenancy: { default_tenant_quota: quota } };
}

describe('a settings document', () => {
  it('has every key, defaults included', () => {
    expect(settingsDocument(defaultSettings)).toEqual({
      resources: [
        { name: 'cpu_m', unit: 'millicores', default_limit: 0 },
        { name: 'memory_mb', unit: 'MiB', default_limit: 0 },
        { name: 'gpu', unit: 'count', default_limit: 0 },
        { name: 'jobs', unit: 'count', default_limit: 0 },
      ],
      resource_pools: { enabled: true, default_pool_type: 'static', pools: [] },
      multi_tenancy: {
        default_tenant_quota: { cpu_m: 4000, memory_mb: 8192, gpu: 0, max_concurrent_jobs: 10 },
        quota_enforcement: {
          ...{ violation_policy: 'reject', second_choice: 'reject' },
          notices: { enabled: true, warning_threshold: 0.8, critical_threshold: 0.95 },
        },
      },
      jobs: { default_ttl_seconds: null, claim_seconds: 300, queue_ttl_seconds: 86_400 },
      scheduling: {
        fair_queuing: {
          enabled: true,
          fairness_window_minutes: 0,
          starvation_prevention: true,
          starvation_threshold_minutes: 30,
        },
        queue_prioritization: { default_strategy: 'weighted_fair' },
        max_queue_size: null,
      },
      burst_capacity: {
        enabled: true,
        default_policy: { max_overage_percentage: 150, burst_duration_minutes: 60 },
        max_concurrent_burst_sessions: 10,
        max_per_tenant_per_day: 5,
        burst_cooldown_minutes: 15,
        notice_minutes: 10,
        cost_multiplier: 1,
        approval: {
          auto_approve_threshold: 100,
          approvals_required: 1,
          approvers: [],
          timeout_minutes: 1440,
        },
      },
      cost_tracking: {
        enabled: true,
        currency: 'USD',
        hourly_rate_cpu: 0.05,
        hourly_rate_memory_gb: 0.01,
        hourly_rate_gpu: 2.5,
        retention_days: 90,
        budget_alerts: { warning_threshold: 0.8, critical_threshold: 0.95 },
      },
      security: { require_reason: [] },
    });
  });

  it('spells jobs as max_concurrent_jobs and leaves unlimited null', () => {
    const settings = { ...defaultSettings, defaultTenantQuota: { cpu_m: null, jobs: 3 } };
    expect(settingsDocument(settings).multi_tenancy.default_tenant_quota).toEqual({
      cpu_m: null,
      max_concurrent_jobs: 3,
    });
  });

  it('carries all of the settings, there and back, even as text', () => {
    fc.assert(
      fc.property(anySettings, (settings) => {
        const document = settingsDocument(settings);
        const read = JSON.parse(JSON.stringify(document)) as typeof document;
        expect(settingsFromDocument(read)).toEqual(settings);
        expect(settingsDocument(settingsFromDocument(document))).toEqual(document);
      }),
    );
  });

  it('puts the built-in resources first, and the others in their own order', () => {
    const { resources } = settingsFromDocument(
      documentWith([
        { name: 'zinc', default_limit: 1 },
        { name: 'gpu', default_limit: 8 },
        { name: 'alloy', unit: 'kg', default_limit: null },
      ]),
    );
    expect(resources).toEqual([
      { name: 'cpu_m', unit: 'millicores', defaultLimit: 0 },
      { name: 'memory_mb', unit: 'MiB', defaultLimit: 0 },
      { name: 'gpu', unit: 'count', defaultLimit: 8 },
      { name: 'jobs', unit: 'count', defaultLimit: 0 },
      { name: 'zinc', unit: 'count', defaultLimit: 1 },
      { name: 'alloy', unit: 'kg', defaultLimit: null },
    ]);
  });

  it('gives a kind without a unit that of what it is a kind of, listed after it or built in', () => {
    const { resources } = settingsFromDocument(
      documentWith([
        { name: 'license.matlab', default_limit: 0 },
        { name: 'license', unit: 'seats', default_limit: 0 },
        { name: 'memory_mb.fast', default_limit: 0 },
        { name: 'gpu.h100', default_limit: 0 },
      ]),
    );
    expect(resources.slice(4).map(({ name, unit }) => `${name} in ${unit}`)).toEqual([
      'license.matlab in seats',
      'license in seats',
      'memory_mb.fast in MiB',
      'gpu.h100 in count',
    ]);
  });

  it('keeps the default quota in the order of the catalogue', () => {
    const quota = { license: 2, gpu: 1, max_concurrent_jobs: 3 };
    const document = documentWith([{ name: 'license', default_limit: 0 }], quota);
    const settings = settingsFromDocument(document);
    expect(Object.keys(settings.defaultTenantQuota)).toEqual(['gpu', 'jobs', 'license']);
  });
});

describe('a pool of a settings document', () => {
  const poolOf = (pool: PoolInput, type?: 'dynamic') =>
    settingsFromDocument({
      ...documentWith([{ name: 'license', default_limit: 0 }]),
      resource_pools: { default_pool_type: type, pools: [pool] },
    }).resourcePools.pools[0];

  it('has a default for everything but its id', () => {
    const pool = {
      name: 'gpu',
      title: 'gpu',
      type: 'static',
      minSize: 1,
      maxSize: 1,
      provider: null,
      resources: {},
      maxConcurrentJobs: null,
      maxJobsPerTenant: null,
    };
    expect(poolOf({ id: 'gpu' })).toEqual(pool);
    expect(poolOf({ id: 'gpu', provider: null, quotas: {}, resources: {} })).toEqual(pool);
  });

  it('is of the default type where it does not say one', () => {
    expect(poolOf({ id: 'a' }, 'dynamic')?.type).toBe('dynamic');
    expect(poolOf({ id: 'a', type: 'static' }, 'dynamic')?.type).toBe('static');
  });

  it('says what one worker has in the order of the catalogue', () => {
    const pool = poolOf({ id: 'a', resources: { license: 0, gpu: 4, cpu_m: 1000 } });
    expect(Object.entries(pool?.resources ?? {})).toEqual([
      ['cpu_m', 1000],
      ['gpu', 4],
      ['license', 0],
    ]);
  });
});

describe('a document from a time when there were fewer keys', () => {
  const text =
    '{"resources":[{"name":"cpu_m","unit":"millicores","default_limit":0},' +
    '{"name":"memory_mb","unit":"MiB","default_limit":0},' +
    '{"name":"gpu","unit":"count","default_limit":null},' +
    '{"name":"jobs","unit":"count","default_limit":0},' +
    '{"name":"license","unit":"seats","default_limit":2}],' +
    '"multi_tenancy":{"default_tenant_quota":{"cpu_m":4000,"max_concurrent_jobs":10}}}';

  it('says what it said, and the defaults of what came later', () => {
    const { resources, defaultTenantQuota, ...later } = settingsFromDocument(
      JSON.parse(text) as SettingsInput,
    );
    expect(resources.map(({ defaultLimit }) => defaultLimit)).toEqual([0, 0, null, 0, 2]);
    expect(defaultTenantQuota).toEqual({ cpu_m: 4000, jobs: 10 });
    expect(later).toEqual({
      resourcePools: { enabled: true, defaultPoolType: 'static', pools: [] },
      violationPolicy: 'reject',
      secondChoice: 'reject',
      quotaNotices: { enabled: true, warningThreshold: 0.8, criticalThreshold: 0.95 },
      jobs: { defaultTtlSeconds: null, claimSeconds: 300, queueTtlSeconds: 86_400 },
      scheduling: defaultSettings.scheduling,
      burstCapacity: defaultSettings.burstCapacity,
      costTracking: defaultSettings.costTracking,
      requireReason: [],
    });
  });

  it('may lack some keys of a section, too', () => {
    const settings = settingsFromDocument({
      ...(JSON.parse(text) as SettingsInput),
      resource_pools: { enabled: false },
      jobs: { claim_seconds: 60 },
    });
    expect(settings.resourcePools).toEqual({
      enabled: false,
      defaultPoolType: 'static',
      pools: [],
    });
    expect(settings.jobs).toEqual({ ...defaultSettings.jobs, claimSeconds: 60 });
  });
});
