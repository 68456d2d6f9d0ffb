import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newCliHome, type CliHome } from '../helpers/cli.ts';

let home: CliHome;

beforeEach(() => {
  home = newCliHome();
});
afterEach(() => home.remove());

const license = `
resources:
  - name: license
    unit: seats
    default_limit: 2
`;

const pools = `
resource_pools:
  pools:
    - id: gpu
      max_size: 4
      resources: {gpu: 8}
jobs:
  default_ttl_seconds: 3600
multi_tenancy:
  default_tenant_quota: {gpu: unlimited}
  quota_enforcement: {violation_policy: queue}
`;

function writeConfig(text: string, path = home.config): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

describe('a resource that leaves the catalogue', () => {
  it('is said, with how many limits are kept for its return', async () => {
    writeConfig(license);
    await home.run('tenant create acme --email ops@acme.example --set license=7');
    writeConfig('{}');
    const note =
      'Note: license leaves the catalogue;' +
      ' the limit of 1 tenant on it will hold again if it comes back.';
    for (const words of ['config apply --dry-run', 'config apply']) {
      expect((await home.run(words)).err).toBe(note);
    }
    writeConfig(license);
    await home.run('config apply');
    expect((await home.run('quota get acme')).out).toContain('license\t7 seats');
  });
});

describe('a kind of a resource', () => {
  it('is limited by its dotted name', async () => {
    writeConfig('resources:\n  - name: gpu.h100\n    default_limit: 1\n');
    const create = 'tenant create acme --email ops@acme.example';
    expect((await home.run(`${create} --set gpu.h100=2`)).out).toContain('2 gpu.h100');
    const rows = (await home.run('quota get acme')).out.split('\n');
    expect(rows.at(-1)).toMatch(/^gpu\.h100\t2\t0\t2\t/);
    expect((await home.run('quota set acme --set gpu.h100=+3')).out).toContain('gpu.h100 2 → 5');
    const quota = JSON.parse((await home.run('quota get acme --json')).out) as object;
    expect(quota).toMatchObject({ 'gpu.h100': 5, current_usage: { 'gpu.h100': 0 } });
    expect((await home.run('quota unset acme gpu.h100')).out).toContain('gpu.h100 5 → 1');
    expect((await home.run('quota history acme')).out).toContain('gpu.h100 5 → unset');
    const { err, code } = await home.run('quota set acme --set gpu.a100=1');
    expect(err).toContain('There is no resource "gpu.a100".\n       Did you mean gpu.h100?');
    expect(code).toBe(2);
  });
});

describe('config init', () => {
  it('writes the commented example where it will be found, for nobody else to read', async () => {
    expect(await home.run('config init')).toEqual({
      out: 'Wrote ~/config/hodei/config.yaml. Edit it, then put it in force: hodei config apply',
      err: '',
      code: 0,
    });
    expect(readFileSync(home.config, 'utf8')).toBe(readFileSync('config.example.yaml', 'utf8'));
    expect(statSync(home.config).mode & 0o777).toBe(0o600);
    expect((await home.run('config validate')).out).toBe('~/config/hodei/config.yaml is valid.');
  });

  it('does not overwrite', async () => {
    writeConfig('# mine\n');
    expect(await home.run('config init')).toEqual({
      out: '',
      err: 'hodei: ~/config/hodei/config.yaml exists already.\n       Name another file with --file.',
      code: 5,
    });
    expect(readFileSync(home.config, 'utf8')).toBe('# mine\n');
  });

  it('writes to another file, or to the output', async () => {
    const file = join(home.folder, 'new', 'mine.yaml');
    expect((await home.run(['config', 'init', '--file', file, '-o', 'name'])).out).toBe(
      '~/new/mine.yaml',
    );
    const { out } = await home.run('config init --file -');
    expect(`${out}\n`).toBe(readFileSync(file, 'utf8'));
  });

  it('says why it cannot write', async () => {
    writeConfig('', join(home.folder, 'file'));
    const { err, code } = await home.run(`config init --file ${home.folder}/file/config.yaml`);
    expect(err).toMatch(/^hodei: ~\/file\/config.yaml cannot be written: .+\.$/);
    expect(code).toBe(7);
  });
});

describe('config show', () => {
  it('shows every key with its default, and that there is no file', async () => {
    expect(await home.run('config show')).toMatchInlineSnapshot(`
      {
        "code": 0,
        "err": "There is no config file: these are the defaults.",
        "out": "server:
        host: 127.0.0.1
        port: 8080
        allowed_hosts: []
        cors:
          origins: []
        behind_proxy:
          trusted_addresses: []
        limits:
          connections: 2000
          in_flight: 1000
      database:
        path: ~/data/hodei/hodei.db
      resources:
        - name: cpu_m
          unit: millicores
          default_limit: 0
        - name: memory_mb
          unit: MiB
          default_limit: 0
        - name: gpu
          unit: count
          default_limit: 0
        - name: jobs
          unit: count
          default_limit: 0
      resource_pools:
        enabled: true
        default_pool_type: static
        pools: []
      multi_tenancy:
        default_tenant_quota:
          cpu_m: 4000
          memory_mb: 8192
          gpu: 0
          max_concurrent_jobs: 10
        quota_enforcement:
          violation_policy: reject
          second_choice: reject
          notices:
            enabled: true
            warning_threshold: 0.8
            critical_threshold: 0.95
      scheduling:
        fair_queuing:
          enabled: true
          fairness_window_minutes: 0
          starvation_prevention: true
          starvation_threshold_minutes: 30
        queue_prioritization:
          default_strategy: weighted_fair
        max_queue_size: unlimited
      burst_capacity:
        enabled: true
        default_policy:
          max_overage_percentage: 150
          burst_duration_minutes: 60
        max_concurrent_burst_sessions: 10
        max_per_tenant_per_day: 5
        burst_cooldown_minutes: 15
        notice_minutes: 10
        cost_multiplier: 1
        approval:
          auto_approve_threshold: 100
          approvals_required: 1
          approvers: []
          timeout_minutes: 1440
      cost_tracking:
        enabled: true
        currency: USD
        hourly_rate_cpu: 0.05
        hourly_rate_memory_gb: 0.01
        hourly_rate_gpu: 2.5
        retention_days: 90
        budget_alerts:
          warning_threshold: 0.8
          critical_threshold: 0.95
      security:
        require_reason: []
        allow_unauthenticated: false
        rate_limiting:
          enabled: true
          requests_per_second: 1000
          failures_per_minute: 30
      jobs:
        default_ttl_seconds: none
        claim_seconds: 300
        queue_ttl_seconds: 86400
      metrics:
        prometheus:
          enabled: true
          path: /metrics
          max_tenant_labels: 100
      observability:
        logging:
          level: info
          slow_ms: 500
        webhooks: []",
      }
    `);
  });

  it('shows what a file says, as YAML, JSON or rows', async () => {
    writeConfig(license);
    const yaml = await home.run('config show');
    expect(yaml.err).toBe('From ~/config/hodei/config.yaml:');
    expect(yaml.out).toContain('  - name: license\n    unit: seats\n    default_limit: 2');
    const json = JSON.parse((await home.run('config show --json')).out) as { resources: object[] };
    expect(json.resources.at(-1)).toEqual({ name: 'license', unit: 'seats', default_limit: 2 });
    const { out } = await home.run('config show -o csv');
    expect(out).toContain('resources[4].default_limit,2');
    expect(out).toContain('server.port,8080');
  });
});

describe('what config show shows', () => {
  it('is a config file itself', async () => {
    writeConfig(license + pools);
    const shown = await home.run('config show');
    const copy = join(home.folder, 'copy.yaml');
    writeConfig(shown.out.replaceAll('~', home.folder), copy);
    expect((await home.run(['config', 'validate', copy])).out).toBe('~/copy.yaml is valid.');
    expect((await home.run(['config', 'show', '--config', copy])).out).toBe(shown.out);
  });
});

describe('config validate', () => {
  it('says of each problem where it stands', async () => {
    const file = join(home.folder, 'config.yaml');
    writeConfig('servers:\n  port: 8080\nresources:\n  - name: License\n', file);
    expect(await home.run(['config', 'validate', file])).toMatchInlineSnapshot(`
      {
        "code": 2,
        "err": "hodei: ~/config.yaml:1:1: servers: unknown key; did you mean server?
             ~/config.yaml:4:11: resources[0].name: expected a-z, 0-9 and _, from a letter, at most 31, or a name and its kind such as gpu.h100, found "License"",
        "out": "",
      }
    `);
  });

  it('is content without a file', async () => {
    expect(await home.run('config validate')).toEqual({
      out: 'There is no config file: the defaults hold.',
      err: '',
      code: 0,
    });
  });

  it('says that a file is missing', async () => {
    expect(await home.run('config validate /nowhere/config.yaml')).toMatchInlineSnapshot(`
      {
        "code": 7,
        "err": "hodei: There is no config file at /nowhere/config.yaml.
             Write one with hodei config init --file /nowhere/config.yaml, or name another with --config.",
        "out": "",
      }
    `);
  });

  it('answers in JSON', async () => {
    writeConfig(license);
    const { out } = await home.run('config validate --json');
    expect(JSON.parse(out)).toEqual({ path: home.config.replace(home.folder, '~'), valid: true });
  });

  it.skipIf(process.getuid?.() === 0)('says that it may not read the file', async () => {
    writeConfig(license);
    chmodSync(home.config, 0);
    const { err, code } = await home.run('config validate');
    expect(err).toBe('hodei: ~/config/hodei/config.yaml cannot be read: permission denied.');
    expect(code).toBe(7);
  });
});

describe('config apply', () => {
  it('refuses to do anything without a file', async () => {
    expect(await home.run('config apply')).toMatchInlineSnapshot(`
      {
        "code": 7,
        "err": "hodei: There is no config file to put in force.
             Write one with hodei config init, or name one with --config.",
        "out": "",
      }
    `);
  });

  it('creates the database with the settings of the file', async () => {
    writeConfig(license);
    const { out, err, code } = await home.run('config apply');
    expect(out.split('\n').slice(-3)).toEqual([
      'cost_tracking.budget_alerts.warning_threshold: (none) → 0.8',
      'cost_tracking.budget_alerts.critical_threshold: (none) → 0.95',
      'In force as revision 1 (48 changes).',
    ]);
    expect([err, code]).toEqual(['', 0]);
  });

  it('says what changes, changes it, and then has nothing more to do', async () => {
    await home.run('db migrate');
    writeConfig(`${license}multi_tenancy:\n  default_tenant_quota:\n    gpu: unlimited\n`);
    const dryRun = await home.run('config apply --dry-run');
    expect(dryRun).toMatchInlineSnapshot(`
      {
        "code": 0,
        "err": "",
        "out": "Would change:
        multi_tenancy.default_tenant_quota.gpu: 0 → unlimited
        resources.license.unit: (none) → seats
        resources.license.default_limit: (none) → 2
      Nothing was changed.",
      }
    `);
    expect(await home.run('config apply --reason licenses')).toMatchInlineSnapshot(`
      {
        "code": 0,
        "err": "",
        "out": "multi_tenancy.default_tenant_quota.gpu: 0 → unlimited
      resources.license.unit: (none) → seats
      resources.license.default_limit: (none) → 2
      In force as revision 2 (3 changes).",
      }
    `);
    expect(await home.run('config apply')).toMatchInlineSnapshot(`
      {
        "code": 0,
        "err": "",
        "out": "Nothing to change: revision 2 is in force.",
      }
    `);
    const { out } = await home.run('audit list --operation config.apply --limit 1 --json');
    const [event] = (JSON.parse(out) as { items: { reason: string }[] }).items;
    expect(event).toMatchObject({ reason: 'licenses' });
  });

  it('says of pools, jobs and policy what changes, and what is not there any more', async () => {
    await home.run('db migrate');
    writeConfig(pools);
    expect((await home.run('config apply')).out).toMatchInlineSnapshot(`
      "multi_tenancy.default_tenant_quota.gpu: 0 → unlimited
      multi_tenancy.quota_enforcement.violation_policy: reject → queue
      jobs.default_ttl_seconds: (none) → 3600
      resource_pools.pools.gpu.name: (none) → gpu
      resource_pools.pools.gpu.type: (none) → static
      resource_pools.pools.gpu.min_size: (none) → 1
      resource_pools.pools.gpu.max_size: (none) → 4
      resource_pools.pools.gpu.resources.gpu: (none) → 8
      resource_pools.pools.gpu.quotas.max_concurrent_jobs: (none) → unlimited
      resource_pools.pools.gpu.quotas.max_jobs_per_tenant: (none) → unlimited
      In force as revision 2 (10 changes)."
    `);
    writeConfig(
      pools.replace('max_size: 4', 'max_size: 5\n      provider: aws').replace('3600', 'none'),
    );
    expect((await home.run('config apply')).out).toMatchInlineSnapshot(`
      "resource_pools.pools.gpu.max_size: 4 → 5
      resource_pools.pools.gpu.provider: (none) → aws
      jobs.default_ttl_seconds: 3600 → (none)
      In force as revision 3 (3 changes)."
    `);
    expect((await home.run('audit list --limit 1')).out).toContain(
      'resource_pools.pools.gpu.max_size 4 → 5, jobs.default_ttl_seconds 3600 → -,' +
        ' resource_pools.pools.gpu.provider - → aws',
    );
    writeConfig('{}');
    expect((await home.run('config apply')).out).toMatchInlineSnapshot(`
      "resource_pools.pools.gpu.name: gpu → (none)
      resource_pools.pools.gpu.type: static → (none)
      resource_pools.pools.gpu.min_size: 1 → (none)
      resource_pools.pools.gpu.max_size: 5 → (none)
      resource_pools.pools.gpu.resources.gpu: 8 → (none)
      resource_pools.pools.gpu.quotas.max_concurrent_jobs: unlimited → (none)
      resource_pools.pools.gpu.quotas.max_jobs_per_tenant: unlimited → (none)
      resource_pools.pools.gpu.provider: aws → (none)
      multi_tenancy.default_tenant_quota.gpu: unlimited → 0
      multi_tenancy.quota_enforcement.violation_policy: queue → reject
      In force as revision 4 (10 changes)."
    `);
  });

  it('rehearses on a database that is not there, and leaves none', async () => {
    writeConfig(license);
    const { out, code } = await home.run('config apply --dry-run');
    expect(out).toMatch(/^Would change:\n {2}resources\.cpu_m\.unit: \(none\) → millicores\n/);
    expect(code).toBe(0);
    expect((await home.run('db status')).code).toBe(7);
  });

  it('is refused when somebody changed the settings meanwhile', async () => {
    await home.run('db migrate');
    writeConfig(license);
    expect(await home.run('config apply --if-version 7')).toMatchInlineSnapshot(`
      {
        "code": 5,
        "err": "hodei: The configuration is at version 1, not 7.
             Somebody changed it meanwhile: read it again and repeat the change.",
        "out": "",
      }
    `);
  });
});

describe('a config file that differs from what is in force', () => {
  it('is noted by every other command, and not by apply', async () => {
    await home.run('tenant create acme --email ops@acme.example');
    writeConfig(license);
    expect((await home.run('tenant list')).err).toBe(
      'Note: ~/config/hodei/config.yaml differs from what is in force (2 keys): hodei config apply --dry-run',
    );
    expect((await home.run('config apply')).err).toBe('');
    expect((await home.run('tenant list')).err).toBe('');
  });
});
