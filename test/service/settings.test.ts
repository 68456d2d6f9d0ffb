import { describe, expect, it } from 'vitest';
import { fullAuthority } from '../../src/service/authority.ts';
import { defaultSettings, settingsDocument } from '../../src/domain/settings.ts';
import {
  getQuota,
  listQuotas,
  quotaHistory,
  setQuota,
  unsetQuota,
} from '../../src/service/quotas.ts';
import { applySettings, beginSettings, getSettings } from '../../src/service/settings.ts';
import { callLocal } from '../../src/service/call.ts';
import { createTenant } from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { refusal } from '../helpers/refusal.ts';
import { callAs, testService, TRACE_ID } from '../helpers/service.ts';
import { openTestStore } from '../helpers/store.ts';
import { countingIds } from '../helpers/ids.ts';
import { makeTenant } from '../helpers/tenant.ts';

const builtIn = [
  { name: 'cpu_m', unit: 'millicores', default_limit: 0 },
  { name: 'memory_mb', unit: 'MiB', default_limit: 0 },
  { name: 'gpu', unit: 'count', default_limit: 0 },
  { name: 'jobs', unit: 'count', default_limit: 0 },
];
const license = { name: 'license', unit: 'seats', default_limit: 2 };
const defaultQuota = { cpu_m: 4000, memory_mb: 8192, gpu: 0, max_concurrent_jobs: 10 };
const notices = { enabled: true, warning_threshold: 0.8, critical_threshold: 0.95 };
const otherSections = {
  resource_pools: { enabled: true, default_pool_type: 'static', pools: [] },
  multi_tenancy: {
    default_tenant_quota: defaultQuota,
    quota_enforcement: { violation_policy: 'reject', second_choice: 'reject', notices },
  },
  jobs: { default_ttl_seconds: null, claim_seconds: 300, queue_ttl_seconds: 86_400 },
  scheduling: settingsDocument(defaultSettings).scheduling,
  burst_capacity: settingsDocument(defaultSettings).burst_capacity,
  cost_tracking: settingsDocument(defaultSettings).cost_tracking,
  security: { require_reason: [] },
};
const pool = {
  id: 'gpu',
  name: 'GPU farm',
  type: 'dynamic' as const,
  min_size: 2,
  max_size: 10,
  provider: 'on-premises',
  resources: { cpu_m: 16_000, gpu: 4 },
  quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: 20 },
};

describe.each(doors)('the settings in force ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('are those with which the database began, as revision 1', async () => {
    expect(await call(getSettings, {})).toEqual({
      resources: builtIn,
      ...otherSections,
      revision: 1,
      applied_at: '2026-11-23T09:00:00.000Z',
    });
  });

  it('are replaced as a whole, with an answer that says what changed', async () => {
    hodei.clock.advance(1_000);
    const answer = await call(applySettings, {
      resources: [license, { name: 'gpu', default_limit: null }],
      multi_tenancy: { default_tenant_quota: { cpu_m: 8000, license: 1 } },
    });
    const after = await call(getSettings, {});
    expect(answer).toEqual({
      ...after,
      changes: [
        { key: 'resources.gpu.default_limit', before: 0, after: null },
        { key: 'multi_tenancy.default_tenant_quota.cpu_m', before: 4000, after: 8000 },
        { key: 'resources.license.unit', before: undefined, after: 'seats' },
        { key: 'resources.license.default_limit', before: undefined, after: 2 },
        { key: 'multi_tenancy.default_tenant_quota.license', before: undefined, after: 1 },
      ],
      retired: [],
    });
    expect(after).toEqual({
      resources: [
        ...builtIn.map((resource) =>
          resource.name === 'gpu' ? { ...resource, default_limit: null } : resource,
        ),
        license,
      ],
      ...otherSections,
      multi_tenancy: {
        ...otherSections.multi_tenancy,
        default_tenant_quota: { ...defaultQuota, cpu_m: 8000, license: 1 },
      },
      revision: 2,
      applied_at: '2026-11-23T09:00:01.000Z',
    });
  });

  it('have pools, what holds for jobs and a policy, each default where nothing is said', async () => {
    const answer = await call(applySettings, {
      resource_pools: { default_pool_type: 'dynamic', pools: [pool, { id: 'build' }] },
      multi_tenancy: { quota_enforcement: { violation_policy: 'queue' } },
      jobs: { default_ttl_seconds: 3600 },
    });
    const build = {
      id: 'build',
      name: 'build',
      type: 'dynamic',
      min_size: 1,
      max_size: 1,
      provider: null,
      resources: {},
      quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: null },
    };
    expect(await call(getSettings, {})).toMatchObject({
      resource_pools: { enabled: true, default_pool_type: 'dynamic', pools: [pool, build] },
      multi_tenancy: {
        default_tenant_quota: defaultQuota,
        quota_enforcement: { violation_policy: 'queue', second_choice: 'reject', notices },
      },
      jobs: { default_ttl_seconds: 3600, claim_seconds: 300, queue_ttl_seconds: 86_400 },
      scheduling: otherSections.scheduling,
      revision: 2,
    });
    const changed = Object.fromEntries(answer.changes.map(({ key, after }) => [key, after]));
    expect(changed).toMatchObject({
      'resource_pools.default_pool_type': 'dynamic',
      'resource_pools.pools.gpu.max_size': 10,
      'resource_pools.pools.gpu.resources.cpu_m': 16_000,
      'resource_pools.pools.gpu.quotas.max_concurrent_jobs': null,
      'multi_tenancy.quota_enforcement.violation_policy': 'queue',
      'jobs.default_ttl_seconds': 3600,
    });
    expect(
      Object.keys(changed).filter((key) => !/^resource_pools\.pools\./.test(key)),
    ).toHaveLength(3);
  });

  it('can be sent back as they were read, and edited', async () => {
    await call(applySettings, {
      resources: [license, { name: 'gpu.h100', default_limit: 1 }],
      resource_pools: { pools: [pool, { id: 'build', resources: { 'gpu.h100': 2 } }] },
      jobs: { default_ttl_seconds: 60 },
    });
    const seen = await call(getSettings, {});
    expect(await call(applySettings, seen)).toEqual({ ...seen, changes: [], retired: [] });
    const edited = { ...seen, jobs: { ...seen.jobs, default_ttl_seconds: null } };
    const { changes, revision } = await call(applySettings, edited);
    expect(changes).toEqual([{ key: 'jobs.default_ttl_seconds', before: 60, after: undefined }]);
    expect(revision).toBe(3);
  });

  it('leave one event with the keys that changed', async () => {
    const change = hodei.as({ reason: 'new licences' });
    await change(applySettings, { resources: [license] });
    const events = (await hodei.events()).slice(1);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      operation: 'config.apply',
      tenant: null,
      object: 'config',
      reason: 'new licences',
      before: '{}',
    });
    expect(JSON.parse(events[0]?.after ?? '')).toEqual({
      'resources.license.unit': 'seats',
      'resources.license.default_limit': 2,
    });
  });

  it('stay at their revision where nothing changes, and leave no event', async () => {
    const seen = await call(getSettings, {});
    const events = await hodei.events();
    hodei.clock.advance(1_000);
    for (const input of [{}, { resources: builtIn }, seen]) {
      expect(await call(applySettings, input)).toEqual({ ...seen, changes: [], retired: [] });
    }
    expect(await hodei.events()).toEqual(events);
  });

  it('are not replaced by who saw an older revision', async () => {
    await call(applySettings, { resources: [license] }, { ifVersion: 1 });
    expect(await refusal(call(applySettings, {}, { ifVersion: 1 }))).toEqual({
      code: 'stale_version',
      message: 'The configuration is at version 2, not 1.',
      hint: 'Somebody changed it meanwhile: read it again and repeat the change.',
    });
    expect((await call(getSettings, {})).resources).toHaveLength(5);
    expect(await call(applySettings, {}, { ifVersion: 2 })).toMatchObject({ revision: 3 });
  });

  it.each([
    [{ resources: [{ name: 'cpu' }] }, 'cpu has a meaning already'],
    [{ resources: [license, license] }, '"license" is in the list already'],
    [{ resources: [{ name: 'Gpu' }] }, 'resources.0.name'],
    [{ resources: [{ name: 'cpu_m', unit: 'cores' }] }, 'always counted in millicores'],
    [{ resources: [{ ...license, default_limit: -1 }] }, 'resources.0.default_limit'],
    [{ resources: [{ ...license, limit: 3 }] }, 'unknown field "limit" in resources.0'],
    [
      { multi_tenancy: { default_tenant_quota: { gpus: 1 } } },
      'no resource has the name "gpus"; did you mean gpu?',
    ],
    [
      { multi_tenancy: { default_tenant_quota: { jobs: 1 } } },
      'jobs are limited by max_concurrent_jobs',
    ],
    [{ multi_tenacy: {} }, 'did you mean multi_tenancy?'],
    [{ resources: [{ name: 'effects' }] }, 'effects has a meaning already'],
    [
      { resources: [{ name: 'fpga.small' }] },
      'resources.0.name: no resource has the name "fpga", of which fpga.small would be a kind',
    ],
    [
      { resources: [{ name: 'gpu.h100', unit: 'cards' }] },
      'resources.0.unit: "gpu.h100" is a kind of gpu and counted in count too, not in cards',
    ],
    [
      { resource_pools: { pools: [{ id: 'GPU' }] } },
      "resource_pools.pools.0.id: a pool's id has 1 to 63 of a-z, 0-9 and -",
    ],
    [
      { resource_pools: { pools: [pool, pool] } },
      'resource_pools.pools.1.id: "gpu" is in the list already, as resource_pools.pools[0]',
    ],
    [
      { resource_pools: { pools: [{ ...pool, min_size: 11 }] } },
      'resource_pools.pools.0.min_size: 11 is above max_size, which is 10',
    ],
    [
      { resource_pools: { pools: [{ ...pool, max_size: 1_000_001 }] } },
      'resource_pools.pools.0.max_size: expected a whole number from 0 to 1000000',
    ],
    [
      { resource_pools: { pools: [{ id: 'a', resources: { licence: 1 } }] } },
      'resource_pools.pools.0.resources.licence: no resource has the name "licence"',
    ],
    [
      { resource_pools: { pools: [{ id: 'a', resources: { jobs: 1 } }] } },
      'resource_pools.pools.0.resources.jobs: jobs are limited by quotas.max_concurrent_jobs',
    ],
    [
      { resource_pools: { pools: [{ id: 'a', size: 1 }] } },
      'unknown field "size" in resource_pools.pools.0',
    ],
    [
      { multi_tenancy: { quota_enforcement: { violation_policy: 'lend' } } },
      'multi_tenancy.quota_enforcement.violation_policy: expected reject, queue or burst',
    ],
    [
      { multi_tenancy: { quota_enforcement: { second_choice: 'burst' } } },
      'multi_tenancy.quota_enforcement.second_choice: expected reject or queue',
    ],
    [
      { multi_tenancy: { quota_enforcement: { notices: { warning_threshold: 0.95 } } } },
      'multi_tenancy.quota_enforcement.notices.warning_threshold:' +
        ' 0.95 is not below critical_threshold, which is 0.95',
    ],
    [
      { multi_tenancy: { quota_enforcement: { notices: { critical_threshold: 1.01 } } } },
      'multi_tenancy.quota_enforcement.notices.critical_threshold:' +
        ' expected a part of the limit above 0 and up to 1, such as 0.8',
    ],
    [
      { burst_capacity: { approval: { approvals_required: 0 } } },
      'burst_capacity.approval.approvals_required: expected a whole number from 1 to 10',
    ],
    [
      { burst_capacity: { approval: { approvals_required: 2, approvers: ['ana'] } } },
      'burst_capacity.approval.approvers: 2 approvals are required, and only 1 may approve',
    ],
    [
      { burst_capacity: { approval: { auto_approve_threshold: 160 } } },
      'burst_capacity.approval.auto_approve_threshold: nobody would have to agree up to 160 %',
    ],
    [
      { jobs: { claim_seconds: 0 } },
      'jobs.claim_seconds: expected a whole number of seconds from 1 to 86400',
    ],
  ])('are not replaced by %j', async (input, message) => {
    const refused = await refusal(call(applySettings, input as never));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
    expect(await call(getSettings, {})).toMatchObject({ revision: 1 });
  });

  it('are not replaced by a limit beyond what can be counted, whoever notices it first', async () => {
    const input = { resources: [{ ...license, default_limit: 2 ** 53 }] };
    const { code, message } = await refusal(call(applySettings, input));
    expect(code).toBe('invalid');
    // A server does not even read such a number.
    const isRemote = door.name === 'remote';
    expect(message).toContain(
      isRemote ? 'default_limit: must be a whole number up to 2^53-1' : 'resources.0.default_limit',
    );
    expect(await call(getSettings, {})).toMatchObject({ revision: 1 });
  });

  it('reserve every field of the quota document, so that no resource can take its place', async () => {
    await makeTenant(call, 'acme');
    const answer = await call(setQuota, { tenant: 'acme', gpu: 1 });
    const limits = new Set(['cpu_m', 'memory_mb', 'gpu']);
    const fields = Object.keys(answer).filter((field) => !limits.has(field));
    expect(fields.length).toBeGreaterThan(8);
    for (const name of [...fields, 'tenant', 'active_jobs']) {
      const refused = await refusal(call(applySettings, { resources: [{ name }] }));
      expect(refused.message).toContain('has a meaning already');
    }
  });
});

describe.each(doors)('a resource of the catalogue ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const apply = (...resources: { name: string; unit?: string; default_limit?: number | null }[]) =>
    call(applySettings, { resources });

  it('is limited and counted like those that are built in', async () => {
    await apply(license);
    await makeTenant(call, 'acme', { quota: { license: 5 } });
    hodei.setUsed('acme', { license: 4 });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({
      license: 5,
      units: { license: 'seats' },
      current_usage: { license: 4 },
      unset: [],
    });
    const { changes } = await call(setQuota, { tenant: 'acme', license: '-2' });
    expect(changes).toEqual([{ resource: 'license', before: 5, after: 3 }]);
    expect(await call(unsetQuota, { tenant: 'acme', resource: 'license' })).toMatchObject({
      license: 2,
      unset: ['license'],
    });
    expect((await call(quotaHistory, { tenant: 'acme', limit: 1 })).items[0]?.before).toEqual({
      license: 3,
    });
    const refused = await refusal(call(setQuota, { tenant: 'acme', licence: 1 }));
    expect(refused.hint).toContain('Did you mean license?');
  });

  it('may be a kind of another, under its dotted name', async () => {
    await apply({ name: 'gpu.h100' });
    await makeTenant(call, 'acme', { quota: { 'gpu.h100': 2 } });
    expect(await call(setQuota, { tenant: 'acme', 'gpu.h100': '+3' })).toMatchObject({
      'gpu.h100': 5,
      units: { 'gpu.h100': 'count' },
      changes: [{ resource: 'gpu.h100', before: 2, after: 5 }],
    });
    const seen = await call(getQuota, { tenant: 'acme' });
    expect(await call(setQuota, { ...seen, tenant: 'acme' })).toMatchObject({ changes: [] });
    expect(await call(unsetQuota, { tenant: 'acme', resource: 'gpu.h100' })).toMatchObject({
      'gpu.h100': 0,
      unset: ['gpu.h100'],
    });
    const refused = await refusal(call(setQuota, { tenant: 'acme', 'gpu.h200': 1 }));
    expect(refused.hint).toContain('Did you mean gpu.h100?');
  });

  it('that is new is closed to tenants that are there already, unless it has a default', async () => {
    await makeTenant(call, 'acme');
    await apply({ name: 'fpga' }, license, { name: 'tape', default_limit: null });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({
      fpga: 0,
      license: 2,
      tape: null,
      unset: ['fpga', 'license', 'tape'],
      version: 1,
    });
  });

  it('is part of the default quota of tenants to come, not of those there are', async () => {
    await makeTenant(call, 'old');
    const quota = { cpu_m: 1000, license: 7 };
    const input = { resources: [license], multi_tenancy: { default_tenant_quota: quota } };
    await call(applySettings, input);
    await makeTenant(call, 'new');
    expect(await call(getQuota, { tenant: 'new' })).toMatchObject({ license: 7, cpu_m: 1000 });
    expect(await call(getQuota, { tenant: 'old' })).toMatchObject({ license: 2, cpu_m: 4000 });
  });

  it('that is retired is gone from every answer, and refused', async () => {
    await apply(license);
    await makeTenant(call, 'acme', { quota: { license: 9 } });
    const seen = await call(getQuota, { tenant: 'acme' });
    hodei.setUsed('acme', { license: 4 });
    await apply();
    const quota = await call(getQuota, { tenant: 'acme' });
    expect(JSON.stringify(quota)).not.toContain('license');
    expect((await call(listQuotas, {})).items).toEqual([quota]);
    expect(await call(setQuota, { tenant: 'acme', gpu: 1 })).not.toHaveProperty('license');
    for (const attempt of [
      () => call(setQuota, { tenant: 'acme', license: 1 }),
      () => call(setQuota, { ...seen, tenant: 'acme' }),
      () => call(unsetQuota, { tenant: 'acme', resource: 'license' }),
      () => call(createTenant, { name: 'b', email: 'b@b.example', quota: { license: 1 } }),
    ]) {
      expect((await refusal(attempt())).message).toBe('There is no resource "license".');
    }
  });

  it('that is added again has its limits and its use again', async () => {
    await apply(license);
    await makeTenant(call, 'acme', { quota: { license: 9 } });
    hodei.setUsed('acme', { license: 4 });
    await apply();
    await makeTenant(call, 'beta');
    await apply({ ...license, default_limit: 5 });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({
      license: 9,
      current_usage: { license: 4 },
    });
    expect(await call(getQuota, { tenant: 'beta' })).toMatchObject({
      license: 5,
      unset: ['license'],
    });
  });

  it('stands where the catalogue has it, the built-in ones first', async () => {
    const order = async () => {
      const { resources } = await call(getSettings, {});
      await makeTenant(call, `t-${(await hodei.events()).length}`);
      const [quota] = (await call(listQuotas, { limit: 1 })).items;
      expect(Object.keys(quota?.current_usage ?? {}).slice(4)).toEqual(
        resources.slice(4).map(({ name }) => name),
      );
      return resources.map(({ name }) => name).join(' ');
    };
    await apply(license, { name: 'tape' });
    expect(await order()).toBe('cpu_m memory_mb gpu jobs license tape');
    await apply({ name: 'tape' }, license, { name: 'gpu', default_limit: 1 });
    expect(await order()).toBe('cpu_m memory_mb gpu jobs tape license');
    await apply(license);
    await apply({ name: 'tape' }, license);
    expect(await order()).toBe('cpu_m memory_mb gpu jobs tape license');
  });
});

describe('settings from a time when there were fewer keys', () => {
  const document =
    '{"resources":[{"name":"cpu_m","unit":"millicores","default_limit":0},' +
    '{"name":"memory_mb","unit":"MiB","default_limit":0},' +
    '{"name":"gpu","unit":"count","default_limit":0},' +
    '{"name":"jobs","unit":"count","default_limit":0},' +
    '{"name":"license","unit":"seats","default_limit":2}],' +
    '"multi_tenancy":{"default_tenant_quota":' +
    '{"cpu_m":4000,"memory_mb":8192,"gpu":0,"max_concurrent_jobs":10}}}';

  it('are answered with the defaults of what came later, and are the same when sent back', async () => {
    const { store, call, close } = await testService();
    const row = { revision: 2, appliedAt: 0, document };
    await store.transaction(({ tables }) => tables.settings.insert(row));
    const seen = await call(getSettings, {});
    expect(seen).toEqual({
      resources: [...builtIn, license],
      ...otherSections,
      revision: 2,
      applied_at: '1970-01-01T00:00:00.000Z',
    });
    expect(await call(applySettings, seen)).toEqual({ ...seen, changes: [], retired: [] });
    const { changes, revision } = await call(applySettings, {
      ...seen,
      jobs: { claim_seconds: 9 },
    });
    expect(changes).toEqual([{ key: 'jobs.claim_seconds', before: 300, after: 9 }]);
    expect(revision).toBe(3);
    await close();
  });
});

describe('a database without settings', () => {
  it('says so, and takes them once, whoever begins', async () => {
    const { store, close } = openTestStore();
    const environment = { now: () => 0, newId: countingIds().newId, checkOutput: true };
    const call = callAs(callLocal(store, environment), {
      ...fullAuthority,
      principal: 'ana',
      traceId: TRACE_ID,
    });
    const nothing = {
      code: 'unavailable',
      message: 'No settings are in force yet.',
      hint: 'Put them in force: hodei config apply',
    };
    expect(await refusal(call(getSettings, {}))).toEqual(nothing);
    expect(await refusal(makeTenant(call, 'acme'))).toEqual(nothing);
    expect(await call(applySettings, {}, { ifVersion: 0 })).toMatchObject({ revision: 1 });
    const caller = { ...fullAuthority, principal: 'ben', traceId: TRACE_ID };
    await beginSettings(store, environment, caller, { ...defaultSettings, defaultTenantQuota: {} });
    expect(await call(getSettings, {})).toMatchObject({
      revision: 1,
      multi_tenancy: { default_tenant_quota: defaultQuota },
    });
    await close();
  });
});
