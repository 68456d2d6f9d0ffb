import { describe, expect, it } from 'vitest';
import { admitJob, cancelJob, getJob, listJobs, releaseJob } from '../../src/service/jobs.ts';
import type { JobView } from '../../src/service/job-view.ts';
import { createPool, getPool, holdPool, resumePool, updatePool } from '../../src/service/pools.ts';
import { setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { resumeTenant, suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue } from '../helpers/job.ts';
import { useLedger } from '../helpers/balances.ts';
import { testService } from '../helpers/service.ts';
import { dump, onFile } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('a queue ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const fill = (tenant = 'acme', cpu_m = 4000) => admit(call, tenant, { cpu_m, job_id: 'full' });
  const wait = (job_id: string, cpu_m: number, tenant = 'acme') =>
    enqueue(call, tenant, { cpu_m, job_id });
  /** The caller's names of the jobs that run, in the order of their requests. */
  const running = async () =>
    (await call(listJobs, { state: 'admitted' })).items.map(({ job_id: name }) => name).reverse();

  it('starts who fits in the order of age, and skips who does not', async () => {
    await makeTenant(call, 'acme');
    await fill();
    await wait('a', 1000);
    await wait('b', 3500);
    await wait('c', 2000);
    await wait('d', 1500);
    await wait('e', 1000);
    await call(releaseJob, { job: 'acme:full' });
    expect(await running()).toEqual(['a', 'c', 'e']);
    await call(releaseJob, { job: 'acme:a' });
    expect(await running()).toEqual(['c', 'e']);
    await call(releaseJob, { job: 'acme:c' });
    expect(await running()).toEqual(['d', 'e']);
    await call(releaseJob, { job: 'acme:d' });
    await call(releaseJob, { job: 'acme:e' });
    expect(await running()).toEqual(['b']);
  });

  it('starts a job with a mark, an event of its own, and a claim that is due', async () => {
    const { id: tenant } = await makeTenant(call, 'acme');
    await fill();
    const waiting = await wait('a', 1);
    hodei.clock.advance(5000);
    await call(releaseJob, { job: 'acme:full' });
    const started = await call(getJob, { job: 'acme:a' });
    const {
      decision_id: _,
      code: __,
      retryable: ___,
      violations: ____,
      position: _____,
      ...rest
    } = waiting;
    expect(started).toEqual({
      ...rest,
      ...{ state: 'admitted', mark: 'promoted', claim_due: true, version: 2 },
      admitted_at: '2026-11-23T09:00:05.000Z',
      decided_at: '2026-11-23T09:00:05.000Z',
      expires_at: '2026-11-23T09:05:05.000Z',
    });
    const all = await hodei.events();
    const [released, promoted, ...more] = all.slice(5);
    expect(all[3]).toMatchObject({ operation: 'quota.notice' });
    expect(more).toEqual([]);
    expect(released).toMatchObject({ operation: 'job.release' });
    expect(promoted).toMatchObject({ operation: 'job.promote', tenant, object: waiting.id });
  });

  it('is not passed by what a new request could take, but by what it cannot', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 3000 });
    await wait('big', 2000);
    expect(await admit(call, 'acme', { cpu_m: 1000 })).toMatchObject({ state: 'admitted' });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['what ran was released', () => call(releaseJob, { job: 'acme:full' })],
    ['a limit was raised', () => call(setQuota, { tenant: 'acme', cpu_m: 5000 })],
    ['a limit was lifted', () => call(setQuota, { tenant: 'acme', cpu_m: null })],
  ])('goes on when %s', async (_, change) => {
    await makeTenant(call, 'acme');
    await fill();
    await wait('a', 1000);
    await change();
    expect(await running()).toContain('a');
  });

  it('goes on when a lease runs out, and something is written', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000, ttl_seconds: 60 });
    await wait('a', 4000);
    hodei.clock.advance(60_000);
    await makeTenant(call, 'beta');
    expect(await running()).toEqual(['a']);
  });

  it('goes on when a limit is taken away and the default is higher', async () => {
    await makeTenant(call, 'acme', { quota: { gpu: 1 } });
    await admit(call, 'acme', { gpu: 1 });
    await enqueue(call, 'acme', { gpu: 1, job_id: 'a' });
    await call(applySettings, { resources: [{ name: 'gpu', default_limit: 2 }] });
    expect(await running()).not.toContain('a');
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    expect(await running()).toContain('a');
  });

  it('goes on when the default limit that holds for the tenant is raised', async () => {
    await makeTenant(call, 'acme');
    const gpus = (default_limit: number) =>
      call(applySettings, { resources: [{ name: 'gpu', default_limit }] });
    await gpus(1);
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    await admit(call, 'acme', { gpu: 1 });
    await enqueue(call, 'acme', { gpu: 1, job_id: 'a' });
    await gpus(2);
    expect(await running()).toContain('a');
  });

  it('goes on when somebody above is given more, or gives back what others hold', async () => {
    await makeLine(call, 'eng', 'web');
    await makeTenant(call, 'app', { parent: 'eng' });
    await fill('app', 3000);
    await wait('a', 2000, 'web');
    await wait('b', 2000, 'web');
    await call(setQuota, { tenant: 'eng', cpu_m: 5000 });
    expect(await running()).toEqual(['full', 'a']);
    await call(releaseJob, { job: 'app:full' });
    expect(await running()).toEqual(['a', 'b']);
  });

  it('stands still where a tenant is suspended, and goes on when it is resumed', async () => {
    await makeLine(call, 'eng', 'web');
    await fill('web');
    await wait('a', 1000, 'web');
    await wait('b', 2000, 'web');
    await call(suspendTenant, { tenant: 'eng' });
    await call(suspendTenant, { tenant: 'web' });
    await call(releaseJob, { job: 'web:full' });
    expect(await running()).toEqual([]);
    await call(resumeTenant, { tenant: 'web' });
    expect(await running()).toEqual([]);
    await call(resumeTenant, { tenant: 'eng' });
    expect(await running()).toEqual(['a', 'b']);
  });

  it('stands still where a pool is held, and goes on when it is resumed', async () => {
    await makeTenant(call, 'acme');
    await call(holdPool, { pool: 'default' });
    await wait('a', 1000);
    await wait('b', 5);
    const { effects } = await call(resumePool, { pool: 'default' });
    expect(effects.started.map(({ job_id: name }) => name)).toEqual(['a', 'b']);
  });

  it('goes on when a pool gets more workers, more in each, or more jobs', async () => {
    await makeTenant(call, 'acme', { quota: { cpu_m: null } });
    const limits = { resources: { cpu_m: 2000 }, quotas: { max_concurrent_jobs: 2 } };
    await call(createPool, { id: 'ci', type: 'dynamic', max_size: 9, ...limits });
    const ask = (job_id: string) => enqueue(call, 'acme', { cpu_m: 2000, pool: 'ci', job_id });
    for (const name of ['a', 'b', 'c', 'd']) await ask(name);
    expect(await running()).toEqual(['a']);
    const started = async (change: object) => {
      const { effects } = await call(updatePool, { pool: 'ci', ...change });
      return effects.started.map(({ job_id: name }) => name);
    };
    expect(await started({ size: 2 })).toEqual(['b']);
    expect(await started({ size: 4 })).toEqual([]);
    expect(await started({ quotas: { max_concurrent_jobs: 3 } })).toEqual(['c']);
    expect(await started({ size: 3, quotas: { max_concurrent_jobs: null } })).toEqual([]);
    expect(await started({ resources: { cpu_m: 9000 } })).toEqual(['d']);
  });

  it('goes on in a tenant that moves away from where there was no room', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await makeTenant(call, 'app', { parent: 'eng' });
    await makeTenant(call, 'sales');
    await fill('app', 4000);
    await wait('a', 3000, 'shop');
    await wait('b', 1000, 'app');
    await call(updateTenant, { tenant: 'web', parent: 'sales' });
    expect(await running()).toEqual(['full', 'a']);
    await call(releaseJob, { job: 'app:full' });
    expect(await running()).toEqual(['a', 'b']);
  });

  it('goes on for those who stay when somebody moves away with what they used', async () => {
    await makeLine(call, 'eng', 'web');
    await makeTenant(call, 'app', { parent: 'eng' });
    await fill('web', 4000);
    await wait('a', 1000, 'app');
    await call(updateTenant, { tenant: 'web', parent: null });
    expect(await running()).toEqual(['full', 'a']);
  });

  it('goes on when a cancelled job no longer stands in it', async () => {
    await makeTenant(call, 'acme');
    await fill();
    await wait('a', 4000);
    await wait('b', 4000);
    expect(await call(cancelJob, { job: 'acme:a' })).toMatchObject({ state: 'cancelled' });
    expect((await call(getJob, { job: 'acme:b' })).position).toBe(1);
    await call(releaseJob, { job: 'acme:full' });
    expect(await running()).toEqual(['b']);
  });

  it('says in a dry run of a higher limit who would start, and leaves nothing', async () => {
    await makeTenant(call, 'acme');
    await fill();
    for (const name of ['a', 'b', 'c']) await wait(name, 1000);
    const before = dump(hodei.path);
    const raise = { tenant: 'acme', cpu_m: 6000 };
    const { effects } = await call(setQuota, raise, { dryRun: true });
    expect(effects.started).toMatchObject([
      { job_id: 'a', tenant: 'acme', pool: 'default' },
      { job_id: 'b', tenant: 'acme', pool: 'default' },
    ]);
    expect(dump(hodei.path)).toEqual(before);
    const done = await call(setQuota, raise);
    expect(done.effects).toEqual(effects);
    expect(done.current_usage.cpu_m).toBe(6000);
  });

  it('asks for what a retired resource has left, and no more', async () => {
    await call(applySettings, { resources: [{ name: 'license' }] });
    await makeTenant(call, 'acme', { quota: { license: 1 } });
    await admit(call, 'acme', { license: 1, job_id: 'full' });
    await enqueue(call, 'acme', { license: 1, job_id: 'a' });
    await call(applySettings, { resources: [] });
    expect((await call(getPool, { pool: 'default' })).used).not.toHaveProperty('license');
    await call(releaseJob, { job: 'acme:full' });
    expect(await call(getJob, { job: 'acme:a' })).toMatchObject({
      ...{ state: 'admitted', resources: { license: 1, jobs: 1 } },
    });
    await call(releaseJob, { job: 'acme:a' });
  });
});

describe('a long queue', () => {
  const [local] = doors;
  if (local === undefined) throw new Error('there is no door');
  const hodei = useLedger(local);
  const { call } = hodei;
  const write = () => call(updateTenant, { tenant: 'acme', labels: {} });
  const runningNow = () =>
    Number(
      onFile(hodei.path, (file) =>
        file.prepare(`select count(*) from job where state = 'admitted'`).pluck().get(),
      ),
    );
  const wakeups = () =>
    onFile(hodei.path, (file) => file.prepare('select count(*) from wakeup').pluck().get());

  /** So many wait in the pool for room at acme; nothing has run in the pool. */
  async function queueOf(count: number, cpu_m: number, pool = 'default'): Promise<JobView[]> {
    const asked = { cpu_m, pool };
    return Promise.all(Array.from({ length: count }, () => enqueue(call, 'acme', asked)));
  }

  async function full() {
    await makeTenant(call, 'acme', { quota: { cpu_m: 1000, max_concurrent_jobs: null } });
    await admit(call, 'acme', { cpu_m: 1000, job_id: 'full' });
  }

  it('is gone on with in bounded steps, by whichever changes come', async () => {
    await full();
    await queueOf(450, 1);
    await call(releaseJob, { job: 'acme:full' });
    expect(runningNow()).toBe(100);
    for (const count of [200, 300, 400, 450]) {
      await write();
      expect(runningNow()).toBe(count);
    }
    expect(wakeups()).toBe(0);
  });

  it('is said whole in a dry run', async () => {
    await full();
    await queueOf(250, 2);
    const raise = { tenant: 'acme', cpu_m: 1400 };
    const { effects } = await call(setQuota, raise, { dryRun: true });
    expect(effects.started).toHaveLength(200);
    expect(wakeups()).toBe(0);
  });

  it('of jobs that do not fit is not gone through in vain', async () => {
    await full();
    await queueOf(150, 1000);
    await call(setQuota, { tenant: 'acme', gpu: 3 });
    expect(wakeups()).toBe(0);
    await call(releaseJob, { job: 'acme:full' });
    expect(runningNow()).toBe(1);
    expect(wakeups()).toBe(0);
  });

  it('comes before a new request, as long as not all of it was looked at', async () => {
    await full();
    await queueOf(450, 1);
    await enqueue(call, 'acme', { cpu_m: 3, job_id: 'small' });
    await call(releaseJob, { job: 'acme:full' });
    expect(await admit(call, 'acme', { cpu_m: 1 })).toMatchObject({
      ...{ state: 'rejected', code: 'waiting_ahead', retryable: true },
      violations: [{ scope: { tenant: null, pool: 'default' }, resource: null, limit: null }],
    });
    for (let i = 0; i < 5; i++) await write();
    expect(await call(getJob, { job: 'acme:small' })).toMatchObject({ state: 'admitted' });
    expect(await admit(call, 'acme', { cpu_m: 6 })).toMatchObject({ state: 'admitted' });
  });

  it('takes the new request in, and starts it in its turn though nothing else happens', async () => {
    await full();
    await queueOf(850, 1);
    await call(releaseJob, { job: 'acme:full' });
    for (const job_id of ['new-1', 'new-2', 'new-3']) {
      const asked = { cpu_m: 3, job_id };
      expect(await enqueue(call, 'acme', asked)).toMatchObject({ code: 'waiting_ahead' });
    }
    for (let i = 0; i < 6; i++) await write();
    for (const job of ['acme:new-1', 'acme:new-2', 'acme:new-3']) {
      expect(await call(getJob, { job })).toMatchObject({ state: 'admitted' });
    }
    expect(wakeups()).toBe(0);
  });

  it('that ends while a new request is decided decides it as things are then', async () => {
    await full();
    await call(createPool, { id: 'gpu' });
    await queueOf(240, 4, 'gpu');
    await call(releaseJob, { job: 'acme:full' });
    // The first 200 are looked at by now; the last of those that wait take 160 of what was free.
    expect(await enqueue(call, 'acme', { cpu_m: 41, pool: 'gpu' })).toMatchObject({
      ...{ state: 'queued', code: 'over_quota', violations: [{ used: 960, over_by: 1 }] },
    });
    expect(await enqueue(call, 'acme', { cpu_m: 40, pool: 'gpu' })).toMatchObject({
      state: 'admitted',
    });
  });
});

describe('a long line', () => {
  it('tells the place of its first thousand, and of those behind that they wait', async () => {
    const { call, close } = await testService();
    await makeTenant(call, 'acme', { quota: { max_concurrent_jobs: 1, cpu_m: null } });
    await call(admitJob, { tenant: 'acme', cpu_m: 1 });
    const jobs = Array.from({ length: 1_001 }, () =>
      call(admitJob, { tenant: 'acme', cpu_m: 1, on_full: 'queue' }),
    );
    const asked = await Promise.all(jobs);
    const told = asked.map(({ position }) => position);
    // In a longer line who joins it is not kept waiting to be told.
    const unknown = Array.from({ length: 901 }, () => undefined);
    expect(told).toEqual([...Array.from({ length: 100 }, (_, i) => i + 1), ...unknown]);
    const placeOf = async (n: number) => {
      return (await call(getJob, { job: String(asked[n - 1]?.id) })).position;
    };
    expect(await Promise.all([1, 101, 1_000, 1_001].map(placeOf))).toEqual([
      ...[1, 101, 1_000, undefined],
    ]);
    await close();
  });
});
