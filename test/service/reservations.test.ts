import { beforeEach, describe, expect, it } from 'vitest';
import { explainJob } from '../../src/service/explain.ts';
import { admitJob, cancelJob, checkJob, getJob, releaseJob } from '../../src/service/jobs.ts';
import { holdPool, resumePool } from '../../src/service/pools.ts';
import { setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { resumeTenant, suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { getUsage } from '../../src/service/usage.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { ask, makeFreeTenant, makePool } from '../helpers/pool.ts';
import { onFile } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const [local] = doors;
if (local === undefined) throw new Error('there is no door');
const hodei = useLedger(local);
const { call } = hodei;

const MINUTE = 60_000;
const THRESHOLD = 30 * MINUTE;

/** Asks for so much of a pool of ten; it waits where there is no room, and is named after all that. */
const want = (tenant: string, job: string, cpu_m: number, pool = 'p') =>
  ask(call, pool, job, { tenant, cpu_m });
const stateOf = async (job: string) => (await call(getJob, { job })).state;
const release = (job: string) => call(releaseJob, { job });
/** Any change, with which what time has brought about is done. */
const change = () =>
  call(updateTenant, { tenant: 'idle', labels: { at: String(hodei.clock.now()) } });

/** What is kept, such as `big: -/p cpu_m 6`. */
const kept = () =>
  onFile(hodei.path, (file) =>
    file
      .prepare(
        `select j.job_id || ': ' || coalesce(t.name, '-') || '/' || coalesce(p.name, '-') || ' '
           || r.name || ' ' || k.amount
         from reservation k join job j on j.id = k.job join scope s on s.id = k.scope
         join resource r on r.id = k.resource
         left join tenant t on t.id = s.tenant left join pool p on p.id = s.pool
         order by k.job, k.scope, r.name`,
      )
      .pluck()
      .all(),
  );

beforeEach(async () => {
  await makeTenant(call, 'idle');
  for (const name of ['acme', 'web', 'shop']) await makeFreeTenant(call, name);
  await makePool(call, 'p', { max_size: 1, resources: { cpu_m: 10 } });
});

/** Nine of ten are held in parts, and `big` of web has waited for six for so long. */
async function starve(since = THRESHOLD) {
  await want('acme', 'a', 4);
  await want('acme', 'b', 4);
  await want('acme', 'c', 1);
  await want('web', 'big', 6);
  hodei.clock.advance(since);
  await change();
}

describe('for a job that has waited too long for room that others hold', () => {
  it('what it asks for is kept, from the threshold on and not before', async () => {
    await starve(THRESHOLD - 1);
    expect(kept()).toEqual([]);
    expect(await want('acme', 'd', 1)).toMatchObject({ state: 'admitted' });
    await release('acme:d');
    hodei.clock.advance(1);
    await change();
    expect(kept()).toEqual(['big: -/p cpu_m 6', 'big: -/p jobs 1']);
    expect(await want('acme', 'e', 1)).toMatchObject({
      ...{ state: 'queued', code: 'reserved' },
      violations: [{ resource: 'cpu_m', limit: 10, used: 9, requested: 1 }],
    });
  });

  it('nothing counts as used before it has started', async () => {
    await starve();
    expect((await call(getUsage, { tenant: 'web' })).total).toMatchObject({ cpu_m: 0 });
    const balance = `select sum(used) from balance b join scope s on s.id = b.scope
      join resource r on r.id = b.resource where s.tenant is null and r.name = 'cpu_m'`;
    expect(onFile(hodei.path, (file) => file.prepare(balance).pluck().get())).toBe(9);
  });

  it('small jobs of others do not pass it, and it starts as soon as enough is free', async () => {
    await starve();
    await want('shop', 'small', 1);
    await release('acme:a');
    expect(await stateOf('web:big')).toBe('queued');
    expect(await stateOf('shop:small')).toBe('queued');
    await release('acme:b');
    expect(await stateOf('web:big')).toBe('admitted');
    expect(await stateOf('shop:small')).toBe('admitted');
    expect(kept()).toEqual([]);
  });

  it('room beside what is kept is for others, who do not take its turn by taking it', async () => {
    await want('acme', 'a', 9);
    await want('web', 'w', 1);
    await want('web', 'big', 6);
    hodei.clock.advance(THRESHOLD);
    // It comes first: shop has less than web.
    await want('shop', 'small', 2);
    await release('acme:a');
    expect(await stateOf('shop:small')).toBe('admitted');
    expect(await stateOf('web:big')).toBe('admitted');
  });

  it('check and explain say the same as the decision', async () => {
    await starve();
    const request = { tenant: 'shop', pool: 'p', cpu_m: 1 };
    const checked = await call(checkJob, request);
    const rejected = await call(admitJob, request);
    expect(checked).toMatchObject({ state: 'rejected', code: 'reserved', retryable: true });
    expect(rejected.violations).toEqual(checked.violations);
    const { id } = await want('shop', 'small', 1);
    const { now } = await call(explainJob, { job: String(id) });
    expect(now).toMatchObject({ outcome: 'queued', code: 'reserved' });
    expect(now?.violations).toEqual(checked.violations);
    const own = await call(explainJob, { job: 'web:big' });
    expect(own.now).toMatchObject({ code: 'over_capacity', violations: [{ used: 9, over_by: 5 }] });
  });

  it('in a pool it is kept for the oldest alone', async () => {
    await starve();
    await want('shop', 'other', 7);
    hodei.clock.advance(THRESHOLD);
    await change();
    expect(kept()).toEqual(['big: -/p cpu_m 6', 'big: -/p jobs 1']);
    await call(cancelJob, { job: 'web:big' });
    await change();
    expect(kept()).toEqual(['other: -/p cpu_m 7', 'other: -/p jobs 1']);
  });

  it('it is kept under an ancestor that lacks it, and not in a pool that does not', async () => {
    await makeTenant(call, 'eng', { quota: { cpu_m: 4, max_concurrent_jobs: null } });
    for (const tenant of ['acme', 'web']) await call(updateTenant, { tenant, parent: 'eng' });
    await want('acme', 'a', 2);
    await want('acme', 'b', 2);
    await want('web', 'big', 3);
    hodei.clock.advance(THRESHOLD);
    await change();
    expect(kept()).toEqual(['big: eng/- cpu_m 3', 'big: eng/- jobs 1']);
    expect(await want('shop', 'x', 6)).toMatchObject({ state: 'admitted' });
    await release('acme:a');
    expect(await want('acme', 'c', 1)).toMatchObject({ state: 'queued', code: 'reserved' });
    await release('acme:b');
    expect(await stateOf('web:big')).toBe('admitted');
    expect(await stateOf('acme:c')).toBe('admitted');
  });

  it('nothing is kept where its own limits lack room', async () => {
    await want('acme', 'a', 9);
    await call(setQuota, { tenant: 'web', cpu_m: 6 });
    await want('web', 'own', 1);
    await want('web', 'big', 6);
    hodei.clock.advance(THRESHOLD);
    await change();
    expect(kept()).toEqual([]);
  });

  it('nothing is kept where that is switched off', async () => {
    const fair = { starvation_prevention: false };
    await call(applySettings, { scheduling: { fair_queuing: fair } });
    await starve();
    expect(kept()).toEqual([]);
    expect(await want('shop', 'small', 1)).toMatchObject({ state: 'admitted' });
  });
});

describe('what is kept is given up, and others get it,', () => {
  beforeEach(async () => {
    await starve();
    await want('shop', 'small', 1);
    expect(await stateOf('shop:small')).toBe('queued');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['when the job is cancelled', () => call(cancelJob, { job: 'web:big' })],
    [
      'when it has waited as long as it may',
      async () => hodei.clock.advance(24 * 60 * MINUTE - THRESHOLD),
    ],
    ['when its tenant is suspended', () => call(suspendTenant, { tenant: 'web' })],
    ['when its own limit is lowered', () => call(setQuota, { tenant: 'web', cpu_m: 5 })],
    [
      'when that is switched off',
      () => call(applySettings, { scheduling: { fair_queuing: { starvation_prevention: false } } }),
    ],
  ])('%s', async (_, giveUp) => {
    await giveUp();
    await change();
    expect(kept()).not.toContain('big: -/p cpu_m 6');
    expect(await stateOf('shop:small')).toBe('admitted');
  });

  it('and it is kept again when the tenant is resumed', async () => {
    await call(suspendTenant, { tenant: 'web' });
    await change();
    await call(resumeTenant, { tenant: 'web' });
    await change();
    expect(kept()).toContain('big: -/p cpu_m 6');
  });
});

describe('what is kept', () => {
  it('is given up under an ancestor that the tenant moves away from', async () => {
    await makeTenant(call, 'eng', { quota: { cpu_m: 4, max_concurrent_jobs: null } });
    await makeTenant(call, 'new', { quota: { cpu_m: 3, max_concurrent_jobs: null } });
    for (const tenant of ['acme', 'web']) await call(updateTenant, { tenant, parent: 'eng' });
    await call(updateTenant, { tenant: 'shop', parent: 'new' });
    await want('acme', 'a', 3);
    await want('shop', 'held', 1);
    await want('web', 'big', 3);
    hodei.clock.advance(THRESHOLD);
    await change();
    expect(await want('acme', 'small', 1)).toMatchObject({ state: 'queued', code: 'reserved' });
    await call(updateTenant, { tenant: 'web', parent: 'new' });
    await change();
    expect(await stateOf('acme:small')).toBe('admitted');
    expect(kept()).toEqual(['big: new/- cpu_m 3', 'big: new/- jobs 1']);
    await release('shop:held');
    expect(await stateOf('web:big')).toBe('admitted');
  });

  it('under such an ancestor is for those who stay, also when the job starts by the move', async () => {
    await makeTenant(call, 'eng', { quota: { cpu_m: 4, max_concurrent_jobs: null } });
    for (const tenant of ['acme', 'web']) await call(updateTenant, { tenant, parent: 'eng' });
    await want('acme', 'a', 3);
    await want('web', 'w', 1);
    await want('web', 'big', 1);
    hodei.clock.advance(THRESHOLD);
    await want('acme', 'stays', 1);
    await call(updateTenant, { tenant: 'web', parent: null });
    expect(await stateOf('web:big')).toBe('admitted');
    expect(await stateOf('acme:stays')).toBe('admitted');
  });

  it('goes to the next who has waited too long while the tenant of the oldest is suspended', async () => {
    await starve();
    await want('shop', 'other', 7);
    await call(suspendTenant, { tenant: 'web' });
    hodei.clock.advance(THRESHOLD);
    await change();
    expect(kept()).toEqual(['other: -/p cpu_m 7', 'other: -/p jobs 1']);
  });

  it('goes to the next while the oldest lacks room at its own limit', async () => {
    await call(setQuota, { tenant: 'web', cpu_m: 6 });
    await starve();
    await want('shop', 'other', 7);
    await call(setQuota, { tenant: 'web', cpu_m: 5 });
    hodei.clock.advance(THRESHOLD);
    await change();
    expect(kept()).toEqual(['other: -/p cpu_m 7', 'other: -/p jobs 1']);
  });

  it('for jobs of two pools under one ancestor does not stop both of them for ever', async () => {
    await makePool(call, 'q', { max_size: 1, resources: { cpu_m: 10 } });
    await makeTenant(call, 'eng', { quota: { cpu_m: 4, max_concurrent_jobs: null } });
    for (const tenant of ['acme', 'web', 'shop'])
      await call(updateTenant, { tenant, parent: 'eng' });
    await want('acme', 'a', 4);
    await want('web', 'one', 3, 'p');
    await want('shop', 'two', 3, 'q');
    hodei.clock.advance(THRESHOLD);
    await change();
    expect(kept()).toHaveLength(4);
    await release('acme:a');
    expect(await stateOf('web:one')).toBe('admitted');
    expect(await stateOf('shop:two')).toBe('queued');
    await release('web:one');
    expect(await stateOf('shop:two')).toBe('admitted');
  });

  it('is nothing where the request is more than there is now, whoever leaves', async () => {
    await makePool(call, 'grows', {
      ...{ type: 'dynamic', min_size: 1, max_size: 2, resources: { cpu_m: 4, gpu: 2 } },
    });
    await ask(call, 'grows', 'big', { tenant: 'web', cpu_m: 6, gpu: 2 });
    hodei.clock.advance(THRESHOLD);
    await change();
    expect(kept()).toEqual([]);
    const other = { tenant: 'shop', cpu_m: 1, gpu: 2 };
    expect(await ask(call, 'grows', 'other', other)).toMatchObject({ state: 'admitted' });
  });

  it('under an ancestor is for others while the pool of the job is held', async () => {
    await makePool(call, 'q', { max_size: 1, resources: { cpu_m: 10 } });
    await makeTenant(call, 'eng', { quota: { cpu_m: 4, max_concurrent_jobs: null } });
    for (const tenant of ['acme', 'web']) await call(updateTenant, { tenant, parent: 'eng' });
    await want('acme', 'a', 2);
    await want('web', 'big', 3);
    hodei.clock.advance(THRESHOLD);
    await change();
    expect(await want('acme', 'small', 1, 'q')).toMatchObject({ code: 'reserved' });
    await call(holdPool, { pool: 'p' });
    await change();
    expect(kept()).toEqual([]);
    expect(await stateOf('acme:small')).toBe('admitted');
    await call(resumePool, { pool: 'p' });
    await change();
    expect(kept()).toEqual(['big: eng/- cpu_m 3', 'big: eng/- jobs 1']);
  });
});

describe('who waits below a tenant because of what it may run in a pool', () => {
  it('goes on when that limit is taken away, though the tenant itself may run no more', async () => {
    await makePool(call, 'each', { quotas: { max_jobs_per_tenant: 1 } });
    await call(updateTenant, { tenant: 'web', parent: 'acme' });
    await call(setQuota, { tenant: 'acme', pool: 'each', max_concurrent_jobs: 1 });
    await want('acme', 'a', 1, 'each');
    await want('web', 'b', 1, 'each');
    expect(await stateOf('web:b')).toBe('queued');
    await call(unsetQuota, { tenant: 'acme', pool: 'each', resource: 'max_concurrent_jobs' });
    expect(await stateOf('web:b')).toBe('admitted');
  });
});
