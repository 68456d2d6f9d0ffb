import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { defaultConfig, logLevels } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';

function load(text: string): Config {
  return loadConfig({ path: 'config.yaml', text, env: {} });
}

describe('what a file says', () => {
  it.each([
    '',
    '\n',
    '# nothing\n',
    '---\n',
    '--- # nothing\n',
    '{}',
    'server: {}\nsecurity: {}\n',
  ])('is the default where it says nothing: %j', (text) => {
    expect(load(text)).toEqual({ ...defaultConfig(), path: 'config.yaml' });
  });

  it('is in the config, every key of it', () => {
    const text = `
server:
  host: 0.0.0.0
  port: 9090
  allowed_hosts: [hodei.example]
  cors:
    origins:
      - https://ops.example
      - http://localhost:3000
  behind_proxy: {trusted_addresses: [10.0.0.7, 10.1.0.0/16, 'fd00::/8']}
  limits: {connections: 500, in_flight: 100}
database:
  path: /var/lib/hodei/hodei.db
resources:
  - name: license
    unit: seats
    default_limit: unlimited
  - {name: gpu, default_limit: 2}
  - name: disk
  - name: gpu.h100
resource_pools:
  enabled: false
  default_pool_type: dynamic
  pools:
    - id: gpu
      name: GPU farm
      type: static
      min_size: 0
      max_size: 4
      provider: on-premises
      resources: {gpu.h100: 8, cpu_m: 64000}
      quotas: {max_concurrent_jobs: unlimited, max_jobs_per_tenant: 2}
    - id: build
multi_tenancy:
  default_tenant_quota:
    cpu_m: unlimited
    license: 3
    gpu.h100: 1
  quota_enforcement:
    violation_policy: burst
    second_choice: queue
    notices: {enabled: false, warning_threshold: 0.5, critical_threshold: 1}
jobs:
  default_ttl_seconds: 3600
  claim_seconds: 60
  queue_ttl_seconds: 600
scheduling:
  fair_queuing:
    enabled: false
    fairness_window_minutes: 60
    starvation_prevention: false
    starvation_threshold_minutes: 5
  queue_prioritization:
    default_strategy: priority
  max_queue_size: 1000
burst_capacity:
  enabled: false
  default_policy: {max_overage_percentage: 200, burst_duration_minutes: 30}
  max_concurrent_burst_sessions: unlimited
  max_per_tenant_per_day: 2
  burst_cooldown_minutes: 0
  notice_minutes: 5
  cost_multiplier: 1.5
  approval:
    auto_approve_threshold: 120
    approvals_required: 2
    approvers: [ana, ben]
    timeout_minutes: 60
cost_tracking:
  enabled: false
  currency: EUR
  hourly_rate_cpu: 0.000001
  hourly_rate_memory_gb: 0
  hourly_rate_gpu: 1000000
  retention_days: none
  budget_alerts: {warning_threshold: 0.5, critical_threshold: 1}
metrics:
  prometheus: {enabled: false, path: /internal/metrics, max_tenant_labels: 0}
observability:
  logging:
    level: warn
    file: log/hodei.log
    slow_ms: 0
security:
  require_reason: [tenant.delete, quota.set]
  allow_unauthenticated: true
  rate_limiting:
    enabled: false
    requests_per_second: 50
    failures_per_minute: 5
  tls: {certificate: tls/server.crt, key: /etc/hodei/server.key}
`;
    expect(load(text)).toEqual({
      path: 'config.yaml',
      server: {
        host: '0.0.0.0',
        port: 9090,
        allowedHosts: ['hodei.example'],
        corsOrigins: ['https://ops.example', 'http://localhost:3000'],
        trustedProxies: ['10.0.0.7', '10.1.0.0/16', 'fd00::/8'],
        limits: { connections: 500, inFlight: 100 },
      },
      databasePath: '/var/lib/hodei/hodei.db',
      metrics: { enabled: false, path: '/internal/metrics', maxTenantLabels: 0 },
      settings: {
        resources: [
          { name: 'cpu_m', unit: 'millicores', defaultLimit: 0 },
          { name: 'memory_mb', unit: 'MiB', defaultLimit: 0 },
          { name: 'gpu', unit: 'count', defaultLimit: 2 },
          { name: 'jobs', unit: 'count', defaultLimit: 0 },
          { name: 'license', unit: 'seats', defaultLimit: null },
          { name: 'disk', unit: 'count', defaultLimit: 0 },
          { name: 'gpu.h100', unit: 'count', defaultLimit: 0 },
        ],
        resourcePools: {
          enabled: false,
          defaultPoolType: 'dynamic',
          pools: [
            {
              name: 'gpu',
              title: 'GPU farm',
              type: 'static',
              minSize: 0,
              maxSize: 4,
              provider: 'on-premises',
              resources: { cpu_m: 64_000, 'gpu.h100': 8 },
              maxConcurrentJobs: null,
              maxJobsPerTenant: 2,
            },
            {
              name: 'build',
              title: 'build',
              type: 'dynamic',
              minSize: 1,
              maxSize: 1,
              provider: null,
              resources: {},
              maxConcurrentJobs: null,
              maxJobsPerTenant: null,
            },
          ],
        },
        defaultTenantQuota: {
          cpu_m: null,
          memory_mb: 8192,
          gpu: 0,
          jobs: 10,
          license: 3,
          'gpu.h100': 1,
        },
        violationPolicy: 'burst',
        secondChoice: 'queue',
        quotaNotices: { enabled: false, warningThreshold: 0.5, criticalThreshold: 1 },
        scheduling: {
          fairQueuing: {
            enabled: false,
            windowMinutes: 60,
            starvationPrevention: false,
            starvationThresholdMinutes: 5,
          },
          strategy: 'priority',
          maxQueueSize: 1000,
        },
        burstCapacity: {
          enabled: false,
          defaultPolicy: { maxOveragePercentage: 200, durationMinutes: 30 },
          mostAtOnce: null,
          mostPerTenantAndDay: 2,
          cooldownMinutes: 0,
          noticeMinutes: 5,
          costMultiplier: 1_500_000,
          approval: {
            autoApproveThreshold: 120,
            required: 2,
            approvers: ['ana', 'ben'],
            timeoutMinutes: 60,
          },
        },
        costTracking: {
          enabled: false,
          currency: 'EUR',
          hourlyRates: { cpu_m: 1, memory_mb: 0, gpu: 1_000_000_000_000 },
          retentionDays: null,
          budgetAlerts: { warning: 0.5, critical: 1 },
        },
        requireReason: ['quota.set', 'tenant.delete'],
        jobs: { defaultTtlSeconds: 3600, claimSeconds: 60, queueTtlSeconds: 600 },
      },
      logLevel: 'warn',
      logFile: 'log/hodei.log',
      slowMs: 0,
      webhooks: [],
      allowUnauthenticated: true,
      rateLimiting: { enabled: false, requestsPerSecond: 50, failuresPerMinute: 5 },
      tls: { certificate: 'tls/server.crt', key: '/etc/hodei/server.key' },
    });
  });

  it('holds for paths from the folder of the file', () => {
    const text = 'database: {path: data/hodei.db}\nobservability: {logging: {file: ../hodei.log}}';
    const at = (path: string) => {
      const { databasePath, logFile } = loadConfig({ path, text, env: {} });
      return [databasePath, logFile];
    };
    expect(at('/etc/hodei/config.yaml')).toEqual(['/etc/hodei/data/hodei.db', '/etc/hodei.log']);
    expect(at('config.yaml')).toEqual(['data/hodei.db', '../hodei.log']);
  });

  it('may be JSON, begin with a byte order mark, and end its lines as Windows does', () => {
    expect(load('{"server": {"port": 1}}').server.port).toBe(1);
    expect(load('\uFEFFserver:\r\n  port: 1\r\n').server.port).toBe(1);
  });

  it('takes limits up to 2^53-1', () => {
    const { settings } = load('resources: [{name: gpu, default_limit: 9007199254740991}]');
    expect(settings.resources[2]?.defaultLimit).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('takes none for a lease, and what is left out of a section as the default', () => {
    const { jobs } = load('jobs: {default_ttl_seconds: none, claim_seconds: 60}').settings;
    expect(jobs).toEqual({ defaultTtlSeconds: null, claimSeconds: 60, queueTtlSeconds: 86_400 });
    const { resourcePools } = load('resource_pools: {enabled: false}').settings;
    expect(resourcePools).toEqual({ enabled: false, defaultPoolType: 'static', pools: [] });
  });

  it.each(logLevels)('takes the log level %s', (level) => {
    expect(load(`observability: {logging: {level: ${level}}}`).logLevel).toBe(level);
  });
});
