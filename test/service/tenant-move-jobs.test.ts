import { describe, expect, it } from 'vitest';
import { adoptJobs } from '../../src/service/job-batch.ts';
import { getJob, listJobs, releaseJob, renew, resizeJob } from '../../src/service/jobs.ts';
import { createPool } from '../../src/service/pools.ts';
import { getQuota, setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { resumeTenant, suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { usedAnywhere, useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const MAX = Number.MAX_SAFE_INTEGER;

describe.each(doors)('a tenant that moves while jobs run ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const move = (tenant: string, parent: string | null, force = false) =>
    call(updateTenant, { tenant, parent, force });
  const usedBy = async (tenant: string, pool?: string) =>
    (await call(getQuota, { tenant, pool })).current_usage.cpu_m;

  /** org: eng: web: shop, and org: sales; a job in each but sales, in two pools. */
  async function tree() {
    await makeLine(call, 'org', 'eng', 'web', 'shop');
    await makeTenant(call, 'sales', { parent: 'org' });
    await call(createPool, { id: 'gpu' });
    await admit(call, 'org', { cpu_m: 1, job_id: 'j' });
    await admit(call, 'eng', { cpu_m: 20, pool: 'gpu', job_id: 'j' });
    await admit(call, 'web', { cpu_m: 300, job_id: 'j' });
    await admit(call, 'shop', { cpu_m: 1000, pool: 'gpu', job_id: 'j' });
  }

  it('carries what all below it use from those above before to those above now', async () => {
    await tree();
    await move('web', 'sales');
    const tenants = ['org', 'eng', 'web', 'shop', 'sales'];
    expect(await Promise.all(tenants.map((tenant) => usedBy(tenant)))).toEqual([
      ...[1321, 20, 1300, 1000, 1300],
    ]);
    expect(await Promise.all(tenants.map((tenant) => usedBy(tenant, 'gpu')))).toEqual([
      ...[1020, 20, 1000, 1000, 1000],
    ]);
  });

  it.each([
    ['out of the tree', 'eng', null],
    ['to where it is', 'web', 'eng'],
    ['up', 'shop', 'org'],
    ['down, under one beside it', 'web', 'sales'],
    ['to a tenant of another tree', 'eng', 'other'],
  ])('moves %s and gives everything back in the end', async (_, tenant, parent) => {
    await tree();
    await makeTenant(call, 'other');
    await move(tenant, parent);
    await call(resizeJob, { job: 'shop:j', cpu_m: 700, memory_mb: 5 });
    await admit(call, 'shop', { cpu_m: 1 });
    const { items } = await call(listJobs, {});
    for (const job of items) await call(releaseJob, { job: idOf(job) });
    expect(usedAnywhere(hodei.path)).toEqual({});
  });

  it('may come back, with what began meanwhile', async () => {
    await tree();
    await move('web', null);
    await admit(call, 'shop', { cpu_m: 5 });
    await move('web', 'eng');
    expect(await usedBy('org')).toBe(1326);
  });

  it('is refused where it would bring somebody over a limit, and nothing is done', async () => {
    await tree();
    await call(setQuota, { tenant: 'sales', cpu_m: 1299 });
    const before = dump(hodei.path);
    expect(await refusal(move('web', 'sales'))).toEqual({
      code: 'conflict',
      message: 'web uses 1.3 cores of cpu, and sales has 1.299 cores left.',
      hint: 'Raise the limit there first, or move it all the same: --force',
    });
    expect(dump(hodei.path)).toEqual(before);
    await call(setQuota, { tenant: 'sales', cpu_m: 1300 });
    await move('web', 'sales');
  });

  it('is refused where it would bring somebody over a limit in one pool, which is named', async () => {
    await tree();
    await call(setQuota, { tenant: 'sales', pool: 'gpu', cpu_m: 999 });
    expect((await refusal(move('web', 'sales'))).message).toBe(
      'web uses 1 core of cpu in pool gpu, and sales has 0.999 cores left there.',
    );
  });

  it('is moved over a limit all the same where that is wanted, and nothing starts there', async () => {
    await tree();
    await call(setQuota, { tenant: 'sales', cpu_m: 1000 });
    await move('web', 'sales', true);
    const { effects } = await call(setQuota, { tenant: 'sales', cpu_m: 900 });
    expect(effects.over).toMatchObject([{ tenant: 'sales', used: 1300, over_by: 400 }]);
    expect(await admit(call, 'shop', { cpu_m: 1 })).toMatchObject({
      violations: [{ scope: { tenant: 'sales', pool: null }, over_by: 401 }],
    });
    expect(await call(renew, { job: 'shop:j' })).toMatchObject({ state: 'admitted' });
    expect(await call(resizeJob, { job: 'shop:j', cpu_m: 999 })).toMatchObject({
      state: 'admitted',
    });
  });

  it('is not refused for what it does not use, or what those above have used before', async () => {
    await tree();
    await call(setQuota, { tenant: 'sales', memory_mb: 0 });
    await call(setQuota, { tenant: 'org', cpu_m: 0 });
    await move('web', 'sales');
    expect(await usedBy('sales')).toBe(1300);
  });

  it('is refused where the default limit holds for those above', async () => {
    const quota = { license: 3 };
    await call(applySettings, { resources: [{ name: 'license', default_limit: 1 }] });
    await makeTenant(call, 'eng');
    await makeTenant(call, 'acme', { quota });
    await admit(call, 'acme', { license: 2 });
    expect((await refusal(move('acme', 'eng'))).message).toBe(
      'acme uses 2 of license, and eng has 1 left.',
    );
  });

  it('is refused, forced or not, where those above would use more than can be counted', async () => {
    const quota = { cpu_m: null };
    await makeTenant(call, 'eng', { quota });
    await makeTenant(call, 'acme', { quota });
    const jobs = [{ tenant: 'eng', cpu_m: MAX - 1 }];
    await call(adoptJobs, { jobs });
    await call(createPool, { id: 'gpu' });
    await admit(call, 'acme', { cpu_m: 2, pool: 'gpu' });
    for (const force of [false, true]) {
      expect(await refusal(move('acme', 'eng', force))).toEqual({
        code: 'conflict',
        message: `eng would use more than ${MAX} of cpu_m, which is the most that can be counted.`,
      });
    }
  });

  it('takes those along that wait, and lets them start where there is room', async () => {
    await tree();
    await call(setQuota, { tenant: 'eng', cpu_m: 1320 });
    const blocked = await enqueue(call, 'shop', { cpu_m: 100, job_id: 'w' });
    expect(blocked.violations).toMatchObject([{ scope: { tenant: 'eng', pool: null } }]);
    await move('web', 'sales');
    expect(await call(getJob, { job: 'shop:w' })).toMatchObject({ state: 'admitted' });
    expect(await usedBy('sales')).toBe(1400);
  });

  it('leaves a suspension behind, and comes under another', async () => {
    await tree();
    await call(setQuota, { tenant: 'shop', cpu_m: 1000 });
    await enqueue(call, 'shop', { cpu_m: 100, job_id: 'w' });
    await call(suspendTenant, { tenant: 'eng' });
    await call(releaseJob, { job: 'shop:j' });
    expect(await call(getJob, { job: 'shop:w' })).toMatchObject({ state: 'queued' });
    await call(suspendTenant, { tenant: 'sales' });
    await move('web', 'sales');
    expect(await call(getJob, { job: 'shop:w' })).toMatchObject({ state: 'queued' });
    await call(resumeTenant, { tenant: 'sales' });
    expect(await call(getJob, { job: 'shop:w' })).toMatchObject({ state: 'admitted' });
  });

  it('in a dry run says whether it could, and leaves nothing', async () => {
    await tree();
    await call(setQuota, { tenant: 'sales', cpu_m: 1000 });
    const before = dump(hodei.path);
    const input = { tenant: 'web', parent: 'sales' };
    const refused = call(updateTenant, input, { dryRun: true });
    expect((await refusal(refused)).code).toBe('conflict');
    const forced = { ...input, force: true };
    expect(await call(updateTenant, forced, { dryRun: true })).toMatchObject({ parent: 'sales' });
    expect(dump(hodei.path)).toEqual(before);
  });
});
