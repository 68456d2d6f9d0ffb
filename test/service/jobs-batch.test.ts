import { describe, expect, it } from 'vitest';
import { adoptJobs, batchJobs } from '../../src/service/job-batch.ts';
import { getJob, listJobs, releaseJob, renew } from '../../src/service/jobs.ts';
import { holdPool } from '../../src/service/pools.ts';
import { getQuota, setQuota } from '../../src/service/quotas.ts';
import { suspendTenant } from '../../src/service/tenants.ts';
import { listViolations } from '../../src/service/violations.ts';
import { usedAnywhere, useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const MAX = Number.MAX_SAFE_INTEGER;

describe.each(doors)('a batch of requests ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;

  it('has an answer for each in their order, whatever becomes of the others', async () => {
    await makeTenant(call, 'acme');
    const { items } = await call(batchJobs, {
      jobs: [
        { tenant: 'acme', cpu_m: 3000, job_id: 'a' },
        { tenant: 'acme', cpu_m: 2000, job_id: 'b' },
        { tenant: 'acme', cpu_m: 2000, job_id: 'c', on_full: 'queue' },
        { tenant: 'amce', cpu_m: 1 },
        { tenant: 'acme', cpu_m: -1 },
        { tenant: 'acme', licenses: 1 },
        { tenant: 'acme' },
        { cpu_m: 1 },
        5,
        null,
        { tenant: 'acme', cpu_m: 4001 },
        { tenant: 'acme', cpu_m: 1000, job_id: 'd' },
      ],
    });
    expect(items).toMatchObject([
      { job_id: 'a', state: 'admitted' },
      { job_id: 'b', state: 'rejected', id: null, violations: [{ over_by: 1000 }] },
      { job_id: 'c', state: 'queued', position: 1 },
      { code: 'not_found', error: 'Tenant not found: amce', hint: 'Did you mean acme?' },
      { code: 'invalid', error: expect.stringContaining('cpu_m: must be a whole number') },
      { code: 'invalid', error: 'There is no resource "licenses".' },
      { code: 'invalid', error: 'A job that asks for nothing needs no quota.' },
      { code: 'invalid', error: 'tenant is missing' },
      { code: 'invalid', error: 'an object with fields is expected' },
      { code: 'invalid', error: 'an object with fields is expected' },
      { state: 'rejected', code: 'impossible' },
      { job_id: 'd', state: 'admitted' },
    ]);
    for (const item of items) expect('trace_id' in item).toBe('error' in item);
    expect((await call(listJobs, {})).items.map(({ job_id: name }) => name)).toEqual([
      ...['d', 'c', 'a'],
    ]);
    expect((await call(getQuota, { tenant: 'acme' })).current_usage.cpu_m).toBe(4000);
  });

  it('leaves nothing of an entry that is refused, not even a number of an event', async () => {
    await makeTenant(call, 'acme');
    const before = dump(hodei.path);
    const bad = [{ tenant: 'acme', pool: 'nowhere', cpu_m: 1 }, { tenant: 'acme', nope: 1 }, {}];
    const { items } = await call(batchJobs, { jobs: bad });
    expect(items.map(({ code }) => code)).toEqual(['not_found', 'invalid', 'invalid']);
    expect(dump(hodei.path)).toEqual(before);
  });

  it('leaves nothing of an entry that is refused when half of it was written', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    const waits = { tenant: 'acme', cpu_m: 1, on_full: 'queue' };
    // The record of why it waits is written before the job, whose id clashes.
    const id = 'job-bbbbbbbbbbbb';
    hodei.ids.say('dec-bbbbbbbbbbbb', id, 'dec-cccccccccccc', id);
    const { items } = await call(batchJobs, { jobs: [waits, waits, waits] });
    expect(items).toMatchObject([
      { id, state: 'queued' },
      { code: 'conflict', error: expect.stringContaining('This id is taken') },
      { state: 'queued', position: 2 },
    ]);
    expect((await call(listViolations, {})).items).toHaveLength(2);
  });

  it('counts what came before in it, also under the same name', async () => {
    await makeTenant(call, 'acme');
    const job = { tenant: 'acme', cpu_m: 1000, job_id: 'a' };
    const { items } = await call(batchJobs, { jobs: [job, job, { ...job, cpu_m: 1 }] });
    expect(items[1]).toEqual({ ...items[0], replayed: true });
    expect(items[2]).toMatchObject({ code: 'conflict' });
  });

  it('as a whole in a dry run is answered the same, and leaves nothing', async () => {
    await makeTenant(call, 'acme');
    const before = dump(hodei.path);
    const jobs = [1, 2, 3, 4, 5].map(() => ({ tenant: 'acme', cpu_m: 1000 }));
    const { items } = await call(batchJobs, { jobs }, { dryRun: true });
    expect(items.map((item) => 'state' in item && item.state)).toEqual([
      ...['admitted', 'admitted', 'admitted', 'admitted', 'rejected'],
    ]);
    expect(dump(hodei.path)).toEqual(before);
  });

  it('may have a thousand entries, and no more nor none', async () => {
    await makeTenant(call, 'acme', { quota: { max_concurrent_jobs: 600 } });
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ tenant: 'acme', cpu_m: 1, job_id: `j-${i}` }));
    const { items } = await call(batchJobs, { jobs: many(1000) });
    const states = items.map((item) => ('state' in item ? item.state : 'refused'));
    expect(states.filter((state) => state === 'admitted')).toHaveLength(600);
    expect(states.filter((state) => state === 'rejected')).toHaveLength(400);
    expect((await call(listViolations, {})).items).toMatchObject([{ times: 400 }]);
    expect((await refusal(call(batchJobs, { jobs: many(1001) }))).message).toBe(
      'jobs: must have at most 1000 entries',
    );
    expect((await refusal(call(batchJobs, { jobs: [] }))).message).toBe('jobs: must not be empty');
  });
});

describe.each(doors)('jobs that run already ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const adopt = async (...jobs: object[]) => (await call(adoptJobs, { jobs })).items;

  it('are registered as running since they began, above limits, suspended or held', async () => {
    await makeLine(call, 'eng', 'acme');
    await call(suspendTenant, { tenant: 'eng' });
    await call(holdPool, { pool: 'default' });
    const since = '2026-11-23T08:00:00.000Z';
    const [job] = await adopt({
      ...{ tenant: 'acme', cpu_m: 9000, gpu: 1, job_id: 'a', started_at: since },
    });
    expect(job).toMatchObject({
      ...{ state: 'admitted', mark: 'adopted', job_id: 'a', claim_due: false, version: 1 },
      ...{ requested_at: since, admitted_at: since, decided_at: since, expires_at: null },
      resources: { cpu_m: 9000, gpu: 1, jobs: 1 },
    });
    expect(await call(getJob, { job: 'acme:a' })).toEqual(job);
    for (const tenant of ['acme', 'eng']) {
      expect(await call(getQuota, { tenant })).toMatchObject({
        current_usage: { cpu_m: 9000, gpu: 1, active_jobs: 1 },
      });
    }
    const operations = (await hodei.events()).map(({ operation }) => operation);
    expect(operations.slice(-3)).toEqual(['job.adopt', 'quota.notice', 'quota.notice']);
    await call(releaseJob, { job: 'acme:a' });
    expect(usedAnywhere(hodei.path)).toEqual({});
  });

  it('keep others from starting as long as they are above a limit', async () => {
    await makeTenant(call, 'acme');
    await adopt({ tenant: 'acme', cpu_m: 9000, job_id: 'a' });
    expect(await admit(call, 'acme', { cpu_m: 1 })).toMatchObject({
      ...{ state: 'rejected', code: 'over_quota' },
      violations: [{ limit: 4000, used: 9000, over_by: 5001 }],
    });
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'w' });
    await call(releaseJob, { job: 'acme:a' });
    expect(await call(getJob, { job: 'acme:w' })).toMatchObject({ state: 'admitted' });
  });

  it('are shown as over what a limit is set to', async () => {
    await makeTenant(call, 'acme');
    await adopt({ tenant: 'acme', cpu_m: 9000 });
    const { effects } = await call(setQuota, { tenant: 'acme', cpu_m: 5000 });
    expect(effects.over).toEqual([
      {
        ...{ tenant: 'acme', pool: null, resource: 'cpu_m' },
        ...{ limit: 5000, used: 9000, over_by: 4000 },
      },
    ]);
  });

  it('have a lease from now on, where they are given one', async () => {
    await makeTenant(call, 'acme');
    const started = { started_at: '2026-11-20T00:00:00+02:00' };
    const [job] = await adopt({
      tenant: 'acme',
      cpu_m: 1,
      job_id: 'a',
      ttl_seconds: 60,
      ...started,
    });
    expect(job).toMatchObject({
      admitted_at: '2026-11-19T22:00:00.000Z',
      expires_at: '2026-11-23T09:01:00.000Z',
    });
    hodei.clock.advance(59_999);
    expect(await call(renew, { job: 'acme:a' })).toMatchObject({ state: 'admitted' });
  });

  it('are the same when they are registered again, or asked for', async () => {
    await makeTenant(call, 'acme');
    const asked = { tenant: 'acme', cpu_m: 1000, job_id: 'a' };
    const [job] = await adopt({ ...asked, started_at: '2026-11-23T08:00:00Z' });
    expect(await adopt(asked, { ...asked, started_at: '2026-11-23T07:00:00Z' })).toEqual([
      { ...job, replayed: true },
      { ...job, replayed: true },
    ]);
    expect(await admit(call, 'acme', asked)).toEqual({ ...job, replayed: true });
    const [other] = await adopt({ ...asked, cpu_m: 2 });
    expect(other).toMatchObject({ code: 'conflict' });
    await call(releaseJob, { job: 'acme:a' });
    const [ended] = await adopt(asked);
    expect(ended).toMatchObject({ code: 'conflict', error: expect.stringContaining('has ended') });
  });

  it('may be listed by how long ago they began', async () => {
    await makeTenant(call, 'acme');
    await adopt({ tenant: 'acme', cpu_m: 1, started_at: '2026-11-22T09:00:00Z' });
    await adopt({ tenant: 'acme', cpu_m: 1 });
    expect((await call(listJobs, { older_than_seconds: 3600 })).items).toHaveLength(1);
  });

  it('are refused one by one where they say nonsense', async () => {
    await makeTenant(call, 'acme');
    const later = { started_at: '2026-11-23T09:00:00.001Z' };
    const items = await adopt(
      { tenant: 'acme', cpu_m: 1, ...later },
      { tenant: 'acme', cpu_m: 1, started_at: 'yesterday' },
      { tenant: 'acme', cpu_m: 1, started_at: '2026-11-23' },
      { tenant: 'acme', cpu: 1 },
      { tenant: 'nobody', cpu_m: 1 },
      { tenant: 'acme', cpu_m: 2, started_at: '2026-11-23T09:00:00.000Z' },
    );
    expect(items.map(({ code }) => code)).toEqual([
      ...['invalid', 'invalid', 'invalid', 'invalid', 'not_found', undefined],
    ]);
    expect(items[0]).toMatchObject({
      error: 'started_at is in the future: what runs began before now.',
    });
    expect((await call(getQuota, { tenant: 'acme' })).current_usage.cpu_m).toBe(2);
  });

  it('are refused where they began more than two years ago', async () => {
    await makeTenant(call, 'acme');
    const [mistyped, long] = await adopt(
      { tenant: 'acme', cpu_m: 1, started_at: '1970-01-01T00:00:00Z' },
      { tenant: 'acme', cpu_m: 2, started_at: '2024-11-23T09:00:00.000Z' },
    );
    expect(mistyped).toMatchObject({
      code: 'invalid',
      error: 'started_at is more than two years ago.',
      hint: expect.stringContaining('2024-11-21T09:00:00.000Z is the earliest'),
    });
    expect(long).toMatchObject({ state: 'admitted', resources: { cpu_m: 2 } });
  });

  it('are refused where together they are more than can be counted, and stop no other', async () => {
    await makeLine(call, 'eng', 'acme');
    await makeTenant(call, 'app', { parent: 'eng' });
    const items = await adopt(
      { tenant: 'acme', cpu_m: MAX },
      { tenant: 'app', cpu_m: 1 },
      { tenant: 'app', memory_mb: 1 },
    );
    expect(items).toMatchObject([
      { state: 'admitted' },
      {
        code: 'conflict',
        error: `eng would use more than ${MAX} of cpu_m, which is the most that can be counted.`,
      },
      { state: 'admitted' },
    ]);
  });
});
