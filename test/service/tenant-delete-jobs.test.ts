import { describe, expect, it } from 'vitest';
import { adoptJobs, batchJobs } from '../../src/service/job-batch.ts';
import { cancelJob, getJob, listJobs, releaseJob } from '../../src/service/jobs.ts';
import type { Call } from '../../src/service/operation.ts';
import { getPool } from '../../src/service/pools.ts';
import { getQuota } from '../../src/service/quotas.ts';
import { deleteTenant, getTenant, listTenants, updateTenant } from '../../src/service/tenants.ts';
import { usedAnywhere, useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump, onFile } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const cascade = true;

describe.each(doors)('a tenant whose jobs live ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;

  it('is not deleted while one runs or waits, and is after', async () => {
    await makeTenant(call, 'acme');
    const job = await admit(call, 'acme', { cpu_m: 4000, job_id: 'build' });
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'next' });
    expect(await refusal(call(deleteTenant, { tenant: 'acme' }))).toEqual({
      code: 'conflict',
      message: 'acme has jobs that run or wait, such as build.',
      hint: 'See them: hodei job list --tenant acme; --cascade evicts and cancels them.',
    });
    await call(cancelJob, { job: 'acme:next' });
    await call(releaseJob, { job: idOf(job) });
    await call(deleteTenant, { tenant: 'acme' });
    expect(await call(getJob, { job: idOf(job) })).toMatchObject({ state: 'released' });
  });

  it('is not deleted for those of one below it, which is refused before', async () => {
    await makeLine(call, 'eng', 'acme');
    await admit(call, 'acme');
    expect((await refusal(call(deleteTenant, { tenant: 'eng' }))).message).toContain(
      'eng has tenants below it',
    );
  });

  it('may be deleted with all of them: what runs is evicted, what waits cancelled', async () => {
    await makeLine(call, 'eng', 'acme');
    await makeTenant(call, 'other');
    const running = await admit(call, 'acme', { cpu_m: 3000 });
    const waiting = await enqueue(call, 'acme', { cpu_m: 2000 });
    const ofEng = await admit(call, 'eng', { cpu_m: 10 });
    const ofOther = await admit(call, 'other', { cpu_m: 20 });
    await call(deleteTenant, { tenant: 'eng', cascade });
    expect(await call(getJob, { job: idOf(running) })).toMatchObject({
      ...{ state: 'evicted', tenant: 'acme', ended_at: '2026-11-23T09:00:00.000Z' },
    });
    expect(await call(getJob, { job: idOf(waiting) })).toMatchObject({ state: 'cancelled' });
    expect(await call(getJob, { job: idOf(ofEng) })).toMatchObject({ state: 'evicted' });
    expect((await call(listJobs, {})).items).toEqual([ofOther]);
    expect(await call(getPool, { pool: 'default' })).toMatchObject({
      used: { cpu_m: 20, jobs: 1 },
    });
    await call(releaseJob, { job: idOf(ofOther) });
    expect(usedAnywhere(hodei.path)).toEqual({});
  });

  it('leaves one event for each job and tenant, leaf first, and starts none of its own', async () => {
    await makeLine(call, 'eng', 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    await enqueue(call, 'acme', { cpu_m: 3000 });
    await enqueue(call, 'eng', { cpu_m: 2000 });
    const before = (await hodei.events()).length;
    await call(deleteTenant, { tenant: 'eng', cascade });
    expect((await hodei.events()).slice(before).map(({ operation }) => operation)).toEqual([
      ...['job.evict', 'job.cancel', 'tenant.delete', 'job.cancel', 'tenant.delete'],
    ]);
  });

  it('leaves its room to those who waited for it beside it', async () => {
    await makeLine(call, 'org', 'eng', 'acme');
    await makeTenant(call, 'web', { parent: 'org' });
    await admit(call, 'acme', { cpu_m: 4000 });
    await enqueue(call, 'acme', { cpu_m: 3000 });
    const waiting = await enqueue(call, 'web', { cpu_m: 4000 });
    await call(deleteTenant, { tenant: 'eng', cascade });
    expect(await call(getJob, { job: idOf(waiting) })).toMatchObject({ state: 'admitted' });
    expect((await call(getQuota, { tenant: 'org' })).current_usage.cpu_m).toBe(4000);
  });

  it('leaves its name to a new one that owes nothing', async () => {
    await makeTenant(call, 'acme');
    const old = await admit(call, 'acme', { cpu_m: 4000, job_id: 'build' });
    await call(deleteTenant, { tenant: 'acme', cascade });
    await makeTenant(call, 'acme');
    const fresh = await admit(call, 'acme', { cpu_m: 4000, job_id: 'build' });
    expect(fresh).toMatchObject({ state: 'admitted' });
    expect(fresh.id).not.toBe(old.id);
    const released = await call(releaseJob, { job: idOf(old) });
    expect(released).toMatchObject({ state: 'evicted', replayed: true });
    expect(await call(getJob, { job: 'acme:build' })).toEqual(fresh);
  });

  it('in a dry run is answered the same, and nothing of it is done', async () => {
    await makeLine(call, 'eng', 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    await enqueue(call, 'acme', { cpu_m: 1 });
    const before = dump(hodei.path);
    await call(deleteTenant, { tenant: 'eng', cascade }, { dryRun: true });
    expect(dump(hodei.path)).toEqual(before);
    const refused = call(deleteTenant, { tenant: 'acme' }, { dryRun: true });
    expect((await refusal(refused)).code).toBe('conflict');
  });
});

describe.each(doors)('a tenant with more jobs than one transaction takes ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const count = (sql: string) => onFile(hodei.path, (file) => file.prepare(sql).pluck().get());
  const living = () => count(`select count(*) from job where state in ('queued', 'admitted')`);

  /** eng above acme, which has 900 jobs that run and 300 that wait. */
  async function crowd(by: Call = hodei.local({})) {
    await makeLine(by, 'eng', 'acme');
    const running = Array.from({ length: 900 }, () => ({ tenant: 'acme', cpu_m: 1 }));
    const waiting = Array.from({ length: 300 }, () => ({
      ...{ tenant: 'acme', cpu_m: 5, on_full: 'queue' },
    }));
    await by(adoptJobs, { jobs: running });
    await by(adoptJobs, { jobs: [{ tenant: 'acme', cpu_m: 4000 }] });
    await by(batchJobs, { jobs: waiting });
    expect(living()).toBe(1201);
  }

  it('is deleted in several, suspended meanwhile, and none of its own is started', async () => {
    await crowd();
    const before = (await hodei.events()).length;
    await call(deleteTenant, { tenant: 'eng', cascade });
    expect(living()).toBe(0);
    expect(usedAnywhere(hodei.path)).toEqual({});
    expect((await call(listTenants, {})).items).toEqual([]);
    const events = (await hodei.events()).slice(before);
    const counts: Record<string, number> = {};
    for (const { operation } of events) counts[operation] = (counts[operation] ?? 0) + 1;
    expect(counts).toEqual({
      ...{ 'job.evict': 901, 'job.cancel': 300, 'tenant.suspend': 1, 'tenant.delete': 2 },
    });
    expect(events[500]?.operation).toBe('tenant.suspend');
  });

  it('lets others write in between, who find it suspended', async () => {
    await crowd();
    const deleted = call(deleteTenant, { tenant: 'eng', cascade });
    const local = hodei.local({});
    await local(updateTenant, { tenant: 'eng', weight: 3 });
    const [asked] = await Promise.all([admit(local, 'acme', { memory_mb: 1 }), deleted]);
    expect(asked).toMatchObject({ state: 'rejected', code: 'suspended' });
    expect(living()).toBe(0);
  });

  it('is deleted where its version was the one that was seen, and kept where not', async () => {
    await crowd();
    const stale = call(deleteTenant, { tenant: 'eng', cascade }, { ifVersion: 2 });
    expect((await refusal(stale)).code).toBe('stale_version');
    expect(living()).toBe(1201);
    await call(deleteTenant, { tenant: 'eng', cascade }, { ifVersion: 1 });
    expect((await call(listTenants, {})).items).toEqual([]);
  });

  it('in a dry run is gone through at once, and nothing of it is done', async () => {
    await crowd();
    const before = dump(hodei.path);
    await call(deleteTenant, { tenant: 'eng', cascade }, { dryRun: true });
    expect(dump(hodei.path)).toEqual(before);
  });

  it('is the one that is deleted, also where another took its name meanwhile', async () => {
    await crowd();
    const { id } = await call(getTenant, { tenant: 'eng' });
    const local = hodei.local({});
    // All three share the first transaction; the next one finds another tenant of that name.
    await Promise.all([
      local(deleteTenant, { tenant: 'eng', cascade }),
      local(updateTenant, { tenant: 'eng', name: 'old-eng' }),
      makeTenant(local, 'eng'),
    ]);
    const { items } = await call(listTenants, {});
    expect(items.map(({ name }) => name)).toEqual(['eng']);
    expect(items[0]?.id).not.toBe(id);
    expect(living()).toBe(0);
  });
});
