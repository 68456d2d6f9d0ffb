import { describe, expect, it } from 'vitest';
import { getJob, releaseJob } from '../../src/service/jobs.ts';
import { createPool, deletePool } from '../../src/service/pools.ts';
import { getQuota, quotaHistory, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { deleteTenant, updateTenant } from '../../src/service/tenants.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const START = '2026-11-23T09:00:00.000Z';
const unlimited = { cpu_m: null, memory_mb: null, gpu: null, max_concurrent_jobs: null };

describe.each(doors)('the quota of a tenant in a pool ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const inGpu = { tenant: 'acme', pool: 'gpu' };

  async function gpuPool(more: object = {}) {
    await call(createPool, { id: 'gpu', resources: { cpu_m: 9000 }, ...more });
    return makeTenant(call, 'acme');
  }

  it('is no further ceiling as long as nothing is set', async () => {
    const { id } = await gpuPool();
    expect(await call(getQuota, inGpu)).toEqual({
      ...{ tenant_id: id, tenant_name: 'acme', pool: 'gpu', ...unlimited },
      unset: ['cpu_m', 'memory_mb', 'gpu', 'max_concurrent_jobs'],
      units: { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', max_concurrent_jobs: 'count' },
      current_usage: { cpu_m: 0, memory_mb: 0, gpu: 0, active_jobs: 0 },
      bound_by: {
        cpu_m: { tenant: 'acme', pool: null, limit: 4000, used: 0, free: 4000 },
        memory_mb: { tenant: 'acme', pool: null, limit: 8192, used: 0, free: 8192 },
        gpu: { tenant: 'acme', pool: null, limit: 0, used: 0, free: 0 },
        max_concurrent_jobs: { tenant: 'acme', pool: null, limit: 10, used: 0, free: 10 },
      },
      ...{ effective: {}, bursts: [] },
      version: 0,
      updated_at: START,
    });
  });

  it('is set beside the one everywhere, which stays as it is', async () => {
    await gpuPool();
    const everywhere = await call(getQuota, { tenant: 'acme' });
    hodei.clock.advance(5000);
    const answer = await call(setQuota, { ...inGpu, cpu_m: 3000 }, { ifVersion: 0 });
    expect(answer).toMatchObject({
      ...{ pool: 'gpu', cpu_m: 3000, version: 1, updated_at: '2026-11-23T09:00:05.000Z' },
      unset: ['memory_mb', 'gpu', 'max_concurrent_jobs'],
      changes: [{ resource: 'cpu_m', before: null, after: 3000 }],
      ...{ warnings: [], effects: { over: [], started: [] } },
    });
    expect(answer.bound_by).not.toHaveProperty('cpu_m');
    expect(await call(getQuota, { tenant: 'acme' })).toEqual(everywhere);
    expect(await call(setQuota, { ...inGpu, cpu_m: '+500' })).toMatchObject({ version: 2 });
  });

  it('decides beside the others: whichever leaves least', async () => {
    await gpuPool();
    await call(setQuota, { ...inGpu, cpu_m: 2000 });
    const asked = { cpu_m: 1500, pool: 'gpu' };
    expect(await admit(call, 'acme', asked)).toMatchObject({ state: 'admitted' });
    expect(await admit(call, 'acme', asked)).toMatchObject({
      violations: [{ scope: inGpu, limit: 2000, used: 1500, requested: 1500, over_by: 1000 }],
    });
    expect(await admit(call, 'acme', { cpu_m: 1500 })).toMatchObject({ pool: 'default' });
    expect((await admit(call, 'acme', { ...asked, cpu_m: 1001 })).violations).toMatchObject([
      { scope: { tenant: 'acme', pool: null }, used: 3000 },
      { scope: inGpu, used: 1500 },
    ]);
    expect((await call(getQuota, inGpu)).current_usage).toMatchObject({ cpu_m: 1500 });
  });

  it('of somebody above decides too', async () => {
    await call(createPool, { id: 'gpu' });
    await makeLine(call, 'eng', 'acme');
    await call(setQuota, { tenant: 'eng', pool: 'gpu', cpu_m: 100 });
    expect((await call(getQuota, inGpu)).bound_by['cpu_m']).toEqual({
      ...{ tenant: 'eng', pool: 'gpu', limit: 100, used: 0, free: 100 },
    });
    expect(await admit(call, 'acme', { cpu_m: 101, pool: 'gpu' })).toMatchObject({
      violations: [{ scope: { tenant: 'eng', pool: 'gpu' }, code: 'impossible' }],
    });
    const { warnings } = await call(setQuota, { ...inGpu, cpu_m: 200 });
    expect(warnings).toEqual([{ resource: 'cpu_m', tenant: 'eng', pool: 'gpu', limit: 100 }]);
  });

  it('above what the pool has is set with a warning that names the pool', async () => {
    await gpuPool();
    await call(setQuota, { tenant: 'acme', cpu_m: null });
    const { warnings } = await call(setQuota, { ...inGpu, cpu_m: 9001 });
    expect(warnings).toEqual([{ resource: 'cpu_m', tenant: null, pool: 'gpu', limit: 9000 }]);
    expect((await call(getQuota, inGpu)).bound_by['cpu_m']).toMatchObject({
      ...{ tenant: null, pool: 'gpu', limit: 9000 },
    });
  });

  it('has for jobs what the pool gives to each tenant, until it has its own', async () => {
    await gpuPool({ quotas: { max_jobs_per_tenant: 2 } });
    expect(await call(getQuota, inGpu)).toMatchObject({
      ...{ max_concurrent_jobs: 2, unset: expect.arrayContaining(['max_concurrent_jobs']) },
    });
    const asked = { jobs: 2, pool: 'gpu' };
    await admit(call, 'acme', asked);
    expect(await admit(call, 'acme', { cpu_m: 1, pool: 'gpu' })).toMatchObject({
      violations: [{ scope: inGpu, resource: 'jobs', limit: 2, used: 2 }],
    });
    const waiting = await enqueue(call, 'acme', { cpu_m: 1, pool: 'gpu' });
    const raised = await call(setQuota, { ...inGpu, max_concurrent_jobs: '+1' });
    expect(raised.changes).toEqual([{ resource: 'jobs', before: 2, after: 3 }]);
    expect(raised.effects.started).toMatchObject([{ id: waiting.id, pool: 'gpu' }]);
    expect(raised.current_usage.active_jobs).toBe(3);
    const lowered = await call(unsetQuota, { ...inGpu, resource: 'max_concurrent_jobs' });
    expect(lowered).toMatchObject({
      changes: [{ resource: 'jobs', before: 3, after: 2 }],
      effects: { over: [{ ...inGpu, resource: 'jobs', limit: 2, used: 3, over_by: 1 }] },
    });
  });

  it('is taken away where somebody waits for it', async () => {
    await gpuPool();
    await call(setQuota, { ...inGpu, cpu_m: 1000 });
    await admit(call, 'acme', { cpu_m: 1000, pool: 'gpu' });
    await enqueue(call, 'acme', { cpu_m: 1000, pool: 'gpu', job_id: 'w' });
    const { cpu_m, effects } = await call(unsetQuota, { ...inGpu, resource: 'cpu_m' });
    expect(cpu_m).toBeNull();
    expect(effects.started).toMatchObject([{ job_id: 'w' }]);
    expect(await call(getJob, { job: 'acme:w' })).toMatchObject({ state: 'admitted' });
  });

  it('that is sent back as it was answered changes nothing', async () => {
    await gpuPool({ quotas: { max_jobs_per_tenant: 2 } });
    await call(setQuota, { ...inGpu, memory_mb: 5 });
    const seen = await call(getQuota, inGpu);
    const before = dump(hodei.path);
    const answer = await call(setQuota, { ...seen, tenant: 'acme' }, { ifVersion: 1 });
    expect(answer).toMatchObject({ ...seen, changes: [] });
    expect(dump(hodei.path)).toEqual(before);
  });

  it('has a version of its own, which counts limits and not jobs', async () => {
    await gpuPool();
    await admit(call, 'acme', { cpu_m: 1, pool: 'gpu' });
    const seen = await call(getQuota, inGpu);
    expect(seen).toMatchObject({ version: 0, updated_at: START });
    await call(setQuota, { ...inGpu, cpu_m: 5 }, { ifVersion: 0 });
    const stale = call(setQuota, { ...inGpu, cpu_m: 6 }, { ifVersion: 0 });
    expect(await refusal(stale)).toMatchObject({
      ...{
        code: 'stale_version',
        message: 'The quota of acme in pool gpu is at version 1, not 0.',
      },
    });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ version: 1 });
  });

  it('is told apart in the history', async () => {
    await gpuPool();
    await call(setQuota, { ...inGpu, cpu_m: 5 });
    await call(unsetQuota, { ...inGpu, resource: 'cpu_m' });
    const { items } = await call(quotaHistory, { tenant: 'acme', limit: 2 });
    expect(items.map(({ operation, before, after }) => [operation, before, after])).toEqual([
      ['quota.unset', { pool: 'gpu', cpu_m: 5 }, { pool: 'gpu', cpu_m: 'unset' }],
      ['quota.set', { pool: 'gpu', cpu_m: 'unset' }, { pool: 'gpu', cpu_m: 5 }],
    ]);
  });

  it('in a dry run leaves nothing, not even the place where it would stand', async () => {
    await gpuPool();
    const before = dump(hodei.path);
    expect(await call(setQuota, { ...inGpu, cpu_m: 5 }, { dryRun: true })).toMatchObject({
      ...{ cpu_m: 5, version: 1 },
    });
    expect(dump(hodei.path)).toEqual(before);
  });

  it('goes with the pool, and with the tenant', async () => {
    await gpuPool();
    await call(setQuota, { ...inGpu, cpu_m: 5 });
    await call(deletePool, { pool: 'gpu' });
    expect((await refusal(call(getQuota, inGpu))).message).toBe('Pool not found: gpu');
    await call(createPool, { id: 'gpu' });
    expect(await call(getQuota, inGpu)).toMatchObject({ ...unlimited, version: 0 });
    await call(setQuota, { ...inGpu, cpu_m: 5 });
    await call(deleteTenant, { tenant: 'acme' });
    await makeTenant(call, 'acme');
    expect(await call(getQuota, inGpu)).toMatchObject({ ...unlimited, version: 0 });
  });

  it('of an unknown pool is refused with the nearest', async () => {
    await gpuPool();
    const unknown = { tenant: 'acme', pool: 'gpus' };
    for (const attempt of [
      () => call(getQuota, unknown),
      () => call(setQuota, { ...unknown, cpu_m: 1 }),
      () => call(unsetQuota, { ...unknown, resource: 'cpu_m' }),
    ]) {
      expect(await refusal(attempt())).toEqual({
        ...{ code: 'not_found', message: 'Pool not found: gpus', hint: 'Did you mean gpu?' },
      });
    }
  });

  it('limits nothing while pools are switched off, and holds again after', async () => {
    await gpuPool();
    const inDefault = { tenant: 'acme', pool: 'default' };
    await call(setQuota, { ...inDefault, cpu_m: 10 });
    await makeTenant(call, 'eng');
    await call(setQuota, { tenant: 'eng', pool: 'default', cpu_m: 0 });
    const pools = (enabled: boolean) => call(applySettings, { resource_pools: { enabled } });
    await pools(false);
    for (const attempt of [
      () => call(getQuota, inDefault),
      () => call(setQuota, { ...inDefault, cpu_m: 1 }),
    ]) {
      expect((await refusal(attempt())).message).toBe('Pools are switched off.');
    }
    const job = await admit(call, 'acme', { cpu_m: 11 });
    expect(job).toMatchObject({ state: 'admitted', pool: 'default' });
    await call(updateTenant, { tenant: 'acme', parent: 'eng' });
    await pools(true);
    expect(await admit(call, 'acme', { cpu_m: 1 })).toMatchObject({ code: 'impossible' });
    await call(updateTenant, { tenant: 'acme', parent: null });
    expect(await admit(call, 'acme', { cpu_m: 1 })).toMatchObject({
      violations: [{ scope: inDefault, limit: 10, used: 11 }],
    });
    await call(releaseJob, { job: idOf(job) });
  });
});
