import { describe, expect, it } from 'vitest';
import { explainDecision } from '../../src/service/explain.ts';
import { getJob, listJobs, releaseJob, renew, resizeJob } from '../../src/service/jobs.ts';
import { createPool, getPool, holdPool, updatePool } from '../../src/service/pools.ts';
import { getQuota, setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { suspendTenant } from '../../src/service/tenants.ts';
import { listViolations } from '../../src/service/violations.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue } from '../helpers/job.ts';
import { usedAnywhere, useLedger } from '../helpers/balances.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('a job that is resized ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const resize = (amounts: object) => call(resizeJob, { job: 'acme:a', ...amounts });

  it('holds what is named, and of the rest what it held', async () => {
    await makeLine(call, 'eng', 'acme');
    const job = await admit(call, 'acme', { cpu_m: 1000, memory_mb: 512, job_id: 'a' });
    expect(await resize({ cpu_m: 1500, jobs: 2 })).toEqual({
      ...job,
      resources: { cpu_m: 1500, memory_mb: 512, jobs: 2 },
      version: 2,
    });
    for (const tenant of ['acme', 'eng']) {
      expect((await call(getQuota, { tenant })).current_usage).toEqual({
        ...{ cpu_m: 1500, memory_mb: 512, gpu: 0, active_jobs: 2 },
      });
    }
    await call(releaseJob, { job: 'acme:a' });
    expect(usedAnywhere(hodei.path)).toEqual({});
  });

  it('leaves one event with what it held before and after', async () => {
    await makeTenant(call, 'acme');
    const job = await admit(call, 'acme', { cpu_m: 1000, job_id: 'a' });
    await resize({ cpu_m: 500, memory_mb: 5 });
    const event = (await hodei.events()).at(-1);
    expect(event).toMatchObject({ operation: 'job.resize', object: job.id });
    expect(JSON.parse(event?.before ?? '')).toEqual({ cpu_m: 1000, jobs: 1 });
    expect(JSON.parse(event?.after ?? '')).toEqual({ cpu_m: 500, memory_mb: 5, jobs: 1 });
  });

  it('to what it holds already is not changed', async () => {
    await makeTenant(call, 'acme');
    const job = await admit(call, 'acme', { cpu_m: 1000, job_id: 'a' });
    const events = await hodei.events();
    for (const same of [{}, { cpu_m: 1000 }, { jobs: 1 }, { jobs: 0 }, { gpu: 0 }]) {
      expect(await resize(same)).toEqual({ ...job, replayed: true });
    }
    expect(await hodei.events()).toEqual(events);
  });

  it('keeps what is named without an amount', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1000, job_id: 'a' });
    expect(await resize({ cpu_m: undefined, memory_mb: 5 })).toMatchObject({
      resources: { cpu_m: 1000, memory_mb: 5, jobs: 1 },
    });
  });

  it('may give up a resource, but not all of them', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1000, memory_mb: 5, job_id: 'a' });
    expect((await resize({ memory_mb: 0 })).resources).toEqual({ cpu_m: 1000, jobs: 1 });
    expect((await resize({ cpu_m: 0 })).resources).toEqual({ jobs: 1 });
    expect((await refusal(resize({ jobs: 0 }))).code).toBe('invalid');
  });

  it('may grow up to what there is room for', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1000, job_id: 'a' });
    await admit(call, 'acme', { cpu_m: 1000 });
    expect(await resize({ cpu_m: 3000 })).toMatchObject({ state: 'admitted' });
    const refused = await resize({ cpu_m: 3001 });
    expect(refused).toMatchObject({
      ...{ state: 'rejected', code: 'over_quota', retryable: true, version: 2 },
      resources: { cpu_m: 3000, jobs: 1 },
      violations: [{ resource: 'cpu_m', limit: 4000, used: 4000, requested: 1, over_by: 1 }],
    });
    expect(await call(getJob, { job: 'acme:a' })).toMatchObject({
      ...{ state: 'admitted', resources: { cpu_m: 3000, jobs: 1 } },
    });
  });

  it('to more than could ever be is told so', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 3000, job_id: 'a' });
    expect(await resize({ cpu_m: 4001 })).toMatchObject({
      ...{ state: 'rejected', code: 'impossible', retryable: false },
      violations: [{ resource: 'cpu_m', limit: 4000, requested: 4001, over_by: 1 }],
    });
  });

  it('may always shrink: above limits, suspended, and in a held pool', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 3000, memory_mb: 100, job_id: 'a' });
    await call(setQuota, { tenant: 'acme', cpu_m: 10, memory_mb: 10 });
    await call(suspendTenant, { tenant: 'acme' });
    await call(holdPool, { pool: 'default' });
    expect(await resize({ cpu_m: 2000 })).toMatchObject({ state: 'admitted' });
    expect(await resize({ cpu_m: 20, memory_mb: 99 })).toMatchObject({ state: 'admitted' });
    expect(await resize({ cpu_m: 10, memory_mb: 100 })).toMatchObject({
      ...{ state: 'rejected', code: 'suspended' },
    });
  });

  it('cannot grow in what is held or suspended, and is told so', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1, job_id: 'a' });
    await call(holdPool, { pool: 'default' });
    expect(await resize({ cpu_m: 2 })).toMatchObject({ code: 'pool_held', retryable: true });
  });

  it('may grow in one and shrink in another, where what it shrinks in is above its limit', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 3000, memory_mb: 100, job_id: 'a' });
    await call(setQuota, { tenant: 'acme', cpu_m: 1000 });
    expect(await resize({ cpu_m: 2000, memory_mb: 200 })).toMatchObject({ state: 'admitted' });
  });

  it('makes room for those that wait', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000, job_id: 'a' });
    await enqueue(call, 'acme', { cpu_m: 1500, job_id: 'w' });
    await resize({ cpu_m: 2501 });
    expect(await call(getJob, { job: 'acme:w' })).toMatchObject({ state: 'queued' });
    await resize({ cpu_m: 2500 });
    expect(await call(getJob, { job: 'acme:w' })).toMatchObject({ state: 'admitted' });
  });

  it('follows with its kinds what they are kinds of', async () => {
    await call(applySettings, { resources: [{ name: 'gpu.h100', default_limit: null }] });
    await makeTenant(call, 'acme', { quota: { gpu: 8 } });
    await call(createPool, { id: 'gpu', resources: { gpu: 8, 'gpu.h100': 8 } });
    await admit(call, 'acme', { pool: 'gpu', 'gpu.h100': 2, job_id: 'a' });
    expect((await resize({ 'gpu.h100': 5 })).resources).toEqual({
      ...{ gpu: 5, 'gpu.h100': 5, jobs: 1 },
    });
    expect(await call(getPool, { pool: 'gpu' })).toMatchObject({ used: { gpu: 5, 'gpu.h100': 5 } });
    expect((await refusal(resize({ gpu: 3 }))).message).toContain('counts it twice');
    expect((await resize({ 'gpu.h100': 0, cpu_m: 1 })).resources).toEqual({ cpu_m: 1, jobs: 1 });
  });

  it('may shrink also where its pool has got kinds since', async () => {
    await makeTenant(call, 'acme', { quota: { gpu: 8 } });
    await call(createPool, { id: 'gpu', resources: { gpu: 8 } });
    await admit(call, 'acme', { pool: 'gpu', gpu: 4, cpu_m: 2, job_id: 'a' });
    await call(applySettings, { resources: [{ name: 'gpu.h100' }] });
    await call(updatePool, { pool: 'gpu', resources: { gpu: 8, 'gpu.h100': 4 } });
    expect(await resize({ cpu_m: 1 })).toMatchObject({ resources: { gpu: 4, cpu_m: 1 } });
    expect(await resize({ gpu: 3 })).toMatchObject({ resources: { gpu: 3, cpu_m: 1 } });
    expect((await refusal(resize({ gpu: 5 }))).message).toContain('This pool has kinds of gpu');
  });

  it('keeps what it holds of a resource that was retired, and may give it up', async () => {
    await call(applySettings, { resources: [{ name: 'license' }] });
    await makeTenant(call, 'acme', { quota: { license: 5 } });
    await admit(call, 'acme', { license: 3, job_id: 'a' });
    await call(applySettings, { resources: [] });
    expect((await resize({ cpu_m: 7 })).resources).toEqual({ cpu_m: 7, license: 3, jobs: 1 });
    expect((await resize({ license: 0 })).resources).toEqual({ cpu_m: 7, jobs: 1 });
    expect((await refusal(resize({ license: 1 }))).message).toContain('There is no resource');
  });

  it.each([
    [{ cpu: 4 }, 'There is no resource "cpu".'],
    [{ license: 4 }, 'There is no resource "license".'],
    [{ priority: 4 }, 'There is no resource "priority".'],
    [{ ttl_seconds: 60 }, 'There is no resource "ttl_seconds".'],
    [{ cpu_m: -1 }, 'cpu_m: must be a whole number'],
    [{ cpu_m: 1.5 }, 'cpu_m: must be a whole number'],
    [{ cpu_m: '+1' }, 'cpu_m: must be a whole number'],
    [{ cpu_m: null }, 'cpu_m: must be a whole number'],
  ])('to %j is refused', async (amounts, message) => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1, job_id: 'a' });
    const refused = await refusal(resize(amounts));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
  });

  it('that was promoted has still to be claimed', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000, job_id: 'full' });
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'a' });
    await call(releaseJob, { job: 'acme:full' });
    expect(await resize({ cpu_m: 2 })).toMatchObject({ claim_due: true, version: 3 });
    expect(await call(renew, { job: 'acme:a' })).toMatchObject({ claim_due: false });
  });

  it('and refused is recorded with what it would have grown by, and explained by that', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 3000, memory_mb: 4000, job_id: 'a' });
    await admit(call, 'acme', { cpu_m: 500, job_id: 'other' });
    const { decision_id: decision = '' } = await resize({ cpu_m: 3800, memory_mb: 3000 });
    expect((await call(listViolations, {})).items).toMatchObject([
      {
        ...{ id: decision, outcome: 'rejected', decided_by: 'resize', resources: { cpu_m: 800 } },
        violations: [{ used: 3500, requested: 800, over_by: 300 }],
      },
    ]);
    const { now } = await call(explainDecision, { decision });
    expect(now).toMatchObject({ outcome: 'rejected', raises: [{ from: 4000, to: 4300 }] });
    await call(releaseJob, { job: 'acme:other' });
    expect((await call(explainDecision, { decision })).now).toMatchObject({ outcome: 'admitted' });
    expect(await resize({ cpu_m: 3800, memory_mb: 3000 })).toMatchObject({ state: 'admitted' });
    expect((await call(listJobs, {})).items).toHaveLength(1);
  });
});
