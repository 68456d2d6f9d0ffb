/** What the examples of several operations have in common. */

export const tenantRequestExample = {
  name: 'acme',
  email: 'ops@acme.example',
  parent: 'eng',
  labels: { cc: '4711' },
  quota: { cpu_m: 4000, memory_mb: 8192 },
};

export const tenantExample = {
  id: 'tenant-7f3k9q2m4xwz',
  name: 'acme',
  email: 'ops@acme.example',
  parent: 'eng',
  weight: 1,
  labels: { cc: '4711' },
  status: 'active' as const,
  created_at: '2026-11-23T09:00:00.000Z',
  updated_at: '2026-11-23T09:00:00.000Z',
  version: 1,
};

export const quotaExample = {
  tenant_id: tenantExample.id,
  tenant_name: 'acme',
  pool: null,
  cpu_m: 6000,
  memory_mb: 12288,
  gpu: 2,
  max_concurrent_jobs: 15,
  unset: [],
  units: {
    cpu_m: 'millicores',
    memory_mb: 'MiB',
    gpu: 'count',
    max_concurrent_jobs: 'count',
  },
  current_usage: { cpu_m: 1500, memory_mb: 2048, gpu: 0, active_jobs: 3 },
  bound_by: { memory_mb: { tenant: 'eng', pool: null, limit: 10240, used: 2048, free: 8192 } },
  effective: {},
  bursts: [],
  version: 2,
  updated_at: '2026-11-23T09:30:00.000Z',
};

export const eventExample = {
  sequence: 18,
  time: '2026-11-23T09:30:00.000Z',
  principal: 'ana',
  acting_as: null,
  operation: 'quota.set',
  tenant: tenantExample.id,
  tenant_name: 'acme',
  object: tenantExample.id,
  reason: 'release week',
  before: { cpu_m: 4000 },
  after: { cpu_m: 6000 },
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  hash: 'c0535e4be2b79ffd93291305436bf889314e4a3faec05ecffcbb7df31ad9e51a',
};

export const settingsExample = {
  resources: [
    { name: 'cpu_m', unit: 'millicores', default_limit: 0 },
    { name: 'memory_mb', unit: 'MiB', default_limit: 0 },
    { name: 'gpu', unit: 'count', default_limit: 0 },
    { name: 'jobs', unit: 'count', default_limit: 0 },
    { name: 'license', unit: 'seats', default_limit: 2 },
  ],
  resource_pools: {
    enabled: true,
    default_pool_type: 'static' as const,
    pools: [
      {
        id: 'gpu',
        name: 'GPU farm',
        type: 'dynamic' as const,
        min_size: 2,
        max_size: 10,
        provider: 'on-premises',
        resources: { cpu_m: 16_000, memory_mb: 65_536, gpu: 4 },
        quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: 20 },
      },
    ],
  },
  multi_tenancy: {
    default_tenant_quota: { cpu_m: 4000, memory_mb: 8192, gpu: 0, max_concurrent_jobs: 10 },
    quota_enforcement: {
      violation_policy: 'reject' as const,
      second_choice: 'reject' as const,
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
    queue_prioritization: { default_strategy: 'weighted_fair' as const },
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
      approvers: ['ana', 'ben'],
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
  security: { require_reason: ['tenant.delete'] },
  revision: 2,
  applied_at: '2026-11-23T08:00:00.000Z',
};
