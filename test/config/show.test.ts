import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaultConfig } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { knownKeys } from '../../src/config/schema.ts';
import { describeConfig, exampleConfig } from '../../src/config/show.ts';
import { defaultSettings } from '../../src/domain/settings.ts';
import { defaultKinds } from '../../src/domain/webhook.ts';
import { anySettings } from '../helpers/settings.ts';

const example = exampleConfig(fileURLToPath(new URL('../..', import.meta.url)));
const path = '/etc/hodei/config.yaml';

function keysOf(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value))
    return [...new Set(value.flatMap((item) => keysOf(item, `${prefix}[]`)))];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    return [key, ...keysOf(inner, key)];
  });
}

/** The example with its illustrations taken in: lines that are YAML behind `# `. */
const illustrated = example
  .replace(
    /^( *)# ((- )?(name|license|database|path|file): ?.*|  (unit|default_limit|path): .*)$/gm,
    '$1$2',
  )
  .replaceAll(/^ {2}# (pools|tls|webhooks):\n(?: {2}#.*\n)+/gm, (block) =>
    block.replaceAll(/^ {2}# /gm, '  '),
  );

describe('config.example.yaml', () => {
  it('loads as it stands and says the defaults', () => {
    expect(loadConfig({ path, text: example, env: {} })).toEqual({ ...defaultConfig(), path });
  });

  it('has every key, where its illustrations are taken in, and they load', () => {
    const config = loadConfig({ path, text: illustrated, env: {} });
    expect(keysOf(parse(illustrated)).toSorted()).toEqual(
      [
        ...knownKeys(),
        ...['cpu_m', 'memory_mb', 'gpu'].map((name) => `resource_pools.pools[].resources.${name}`),
        'multi_tenancy.default_tenant_quota.license',
      ].toSorted(),
    );
    expect(config.databasePath).toBe('/etc/hodei/hodei.db');
    expect(config.logFile).toBe('/etc/hodei/hodei.log');
    expect(config.webhooks).toEqual([
      {
        ...{ name: 'pager', url: 'https://pager.example/hodei', kinds: defaultKinds },
        secretIn: expect.any(Function) as () => string,
      },
    ]);
    expect(config.tls).toEqual({
      certificate: '/etc/hodei/server.crt',
      key: '/etc/hodei/server.key',
    });
    expect(config.settings.resources.slice(4)).toEqual([
      { name: 'license', unit: 'seats', defaultLimit: null },
      { name: 'gpu.h100', unit: 'count', defaultLimit: 0 },
    ]);
    expect(config.settings.resourcePools.pools).toEqual([
      {
        name: 'gpu',
        title: 'GPU farm',
        type: 'dynamic',
        minSize: 2,
        maxSize: 10,
        provider: 'on-premises',
        resources: { cpu_m: 16_000, memory_mb: 65_536, gpu: 4 },
        maxConcurrentJobs: 40,
        maxJobsPerTenant: null,
      },
    ]);
  });

  it('has a comment above every key that has a value', () => {
    const lines = example.split('\n');
    const first = lines.findIndex((line) => line.startsWith('resources:'));
    const last = lines.findIndex((line) => line.startsWith('resource_pools:'));
    const bare = lines.filter(
      (line, index) =>
        (index < first || index > last) &&
        /^ *\w+: \S/.test(line) &&
        !/^ *#/.test(lines[index - 1] ?? ''),
    );
    expect(bare).toEqual([]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

describe('describeConfig', () => {
  it('says every key in the words of the file', () => {
    expect(describeConfig(defaultConfig())).toEqual({
      server: {
        ...{ host: '127.0.0.1', port: 8080, allowed_hosts: [], cors: { origins: [] } },
        behind_proxy: { trusted_addresses: [] },
        limits: { connections: 2_000, in_flight: 1_000 },
      },
      database: { path: null },
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
      jobs: { default_ttl_seconds: 'none', claim_seconds: 300, queue_ttl_seconds: 86_400 },
      scheduling: {
        fair_queuing: {
          enabled: true,
          fairness_window_minutes: 0,
          starvation_prevention: true,
          starvation_threshold_minutes: 30,
        },
        queue_prioritization: { default_strategy: 'weighted_fair' },
        max_queue_size: 'unlimited',
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
      metrics: { prometheus: { enabled: true, path: '/metrics', max_tenant_labels: 100 } },
      observability: { logging: { level: 'info', slow_ms: 500 }, webhooks: [] },
      security: {
        require_reason: [],
        allow_unauthenticated: false,
        rate_limiting: { enabled: true, requests_per_second: 1000, failures_per_minute: 30 },
      },
    });
    const keys = knownKeys().filter(
      (key) =>
        !/^(resource_pools\.pools\[\]\.|observability\.(webhooks\[\]\.|logging\.file)|security\.tls)/.test(
          key,
        ),
    );
    expect(keysOf(describeConfig(defaultConfig())).toSorted()).toEqual(keys.toSorted());
  });

  it('says what a file can say again, with the same meaning', () => {
    const text = illustrated.replace('8080', '9090').replace('seconds: none', 'seconds: 60');
    const config = loadConfig({ path, text, env: {} });
    // All but the secrets, which nothing says.
    const said = JSON.stringify(describeConfig(config)).replaceAll('***', '${HODEI_PAGER_SECRET}');
    const again = loadConfig({ path, text: said, env: {} });
    const webhooks = config.webhooks.map((each) => ({ ...each, secretIn: expect.any(Function) }));
    expect(again).toEqual({ ...config, webhooks });
  });

  it('says any settings as a file can, also what is unlimited, none or not there', () => {
    fc.assert(
      fc.property(anySettings, ({ defaultTenantQuota, ...others }) => {
        // A file that does not name one of the usual limits means the default.
        const quota = { ...defaultSettings.defaultTenantQuota, ...defaultTenantQuota };
        const settings = { ...others, defaultTenantQuota: quota };
        const config = { ...defaultConfig(), path, databasePath: '/hodei.db', settings };
        const text = JSON.stringify(describeConfig(config));
        expect(loadConfig({ path, text, env: {} })).toEqual(config);
      }),
      { numRuns: 30 },
    );
  });
});
