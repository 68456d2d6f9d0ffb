import { describe, expect, it } from 'vitest';
import { explainDecision, explainJob, explainTenant } from '../../src/service/explain.ts';
import { adoptJobs } from '../../src/service/job-batch.ts';
import { checkJob, releaseJob } from '../../src/service/jobs.ts';
import { createPool, holdPool, resumePool } from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { deleteTenant, resumeTenant, suspendTenant } from '../../src/service/tenants.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const MINUTE = 60_000;
const START = '2026-11-23T09:00:00.000Z';
const acme = { tenant: 'acme', pool: null };

describe.each(doors)('the explanation of a job ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const explain = (job: string) => call(explainJob, { job });

  it('that waits says what was decided then, and how it stands now', async () => {
    const { id: tenant } = await makeTenant(call, 'acme');
    const other = await admit(call, 'acme', { cpu_m: 1500, job_id: 'other' });
    const full = await admit(call, 'acme', { cpu_m: 2000, job_id: 'full', ttl_seconds: 7200 });
    const job = await enqueue(call, 'acme', { cpu_m: 2000, memory_mb: 5, job_id: 'w' });
    hodei.clock.advance(MINUTE);
    await call(setQuota, { tenant: 'acme', cpu_m: 3000 });
    await call(releaseJob, { job: idOf(other) });
    const before = dump(hodei.path);
    expect(await explain('acme:w')).toEqual({
      ...{ kind: 'job', id: job.id, job_id: 'w', state: 'queued', tenant: 'acme' },
      ...{ tenant_id: tenant, pool: 'default', resources: { cpu_m: 2000, memory_mb: 5, jobs: 1 } },
      units: { cpu_m: 'millicores', memory_mb: 'MiB', jobs: 'count' },
      ...{ requested_at: START, admitted_at: null, ended_at: null },
      expires_at: '2026-11-24T09:00:00.000Z',
      as_of: '2026-11-23T09:01:00.000Z',
      position: 1,
      line: {
        ...{ strategy: 'weighted_fair', position: 1, waiting: 1, levels: [], own_ahead: 0 },
        reserved: false,
        moves: [{ kind: 'room', scope: acme, resource: 'cpu_m', amount: 1000 }],
      },
      then: {
        ...{ decision_id: job.decision_id, at: START, times: 1, outcome: 'queued' },
        ...{ code: 'over_quota', retryable: true, decided_by: 'on_full' },
        violations: [
          {
            ...{ scope: acme, resource: 'cpu_m', code: 'over_quota' },
            ...{ limit: 4000, used: 3500, requested: 2000, over_by: 1500 },
          },
        ],
      },
      now: {
        ...{ outcome: 'queued', code: 'over_quota', retryable: true },
        checks: expect.arrayContaining([
          {
            ...{ scope: acme, resource: 'cpu_m' },
            ...{ limit: 3000, used: 2000, requested: 2000, over_by: 1000 },
          },
          {
            ...{ scope: acme, resource: 'memory_mb' },
            ...{ limit: 8192, used: 0, requested: 5, over_by: 0 },
          },
        ]),
        violations: [
          {
            ...{ scope: acme, resource: 'cpu_m', code: 'over_quota' },
            ...{ limit: 3000, used: 2000, requested: 2000, over_by: 1000 },
          },
        ],
        holders: [
          {
            ...{ scope: acme, resource: 'cpu_m', tenant: 'acme', job: full.id, job_id: 'full' },
            ...{ amount: 2000, since: START, expires_at: '2026-11-23T11:00:00.000Z' },
          },
        ],
        burst: { tenant: 'acme', pool: null, percentage: 134, duration_seconds: 3600 },
        raises: [{ scope: acme, resource: 'cpu_m', from: 3000, to: 4000 }],
        rule: null,
      },
    });
    expect(dump(hodei.path)).toEqual(before);
  });

  it('that runs says where what it holds is over, and that nothing is to be decided', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 3000, job_id: 'a' });
    const { then, now, position, line } = await explain('acme:a');
    expect({ then, position, line }).toEqual({ then: null, position: null, line: null });
    expect(now).toMatchObject({
      ...{ outcome: 'admitted', code: null, violations: [], holders: [], raises: [] },
    });
    expect(now?.checks.every(({ over_by: over }) => over === 0)).toBe(true);
    await call(setQuota, { tenant: 'acme', cpu_m: 1000 });
    expect((await explain('acme:a')).now?.checks[0]).toEqual({
      ...{
        scope: acme,
        resource: 'cpu_m',
        limit: 1000,
        used: 3000,
        requested: 3000,
        over_by: 2000,
      },
    });
  });

  it('that was promoted still says why it had to wait', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000, job_id: 'full' });
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'w' });
    await call(releaseJob, { job: 'acme:full' });
    expect(await explain('acme:w')).toMatchObject({
      ...{ state: 'admitted', then: { code: 'over_quota' }, now: { outcome: 'admitted' } },
    });
  });

  it('that has ended says when, and nothing of now', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1, job_id: 'a' });
    hodei.clock.advance(MINUTE);
    await call(releaseJob, { job: 'acme:a' });
    expect(await explain('acme:a')).toMatchObject({
      ...{ state: 'released', ended_at: '2026-11-23T09:01:00.000Z', expires_at: null, now: null },
    });
    expect((await refusal(explain('acme:nobody'))).code).toBe('not_found');
  });

  it('names who holds most: own jobs, tenants below somebody above, roots in a pool', async () => {
    await makeLine(call, 'eng', 'acme');
    await makeTenant(call, 'web', { parent: 'eng' });
    await makeTenant(call, 'sales');
    await call(createPool, { id: 'gpu', resources: { cpu_m: 4100 } });
    const inGpu = (job_id: string, cpu_m: number) => ({ pool: 'gpu', job_id, cpu_m });
    await admit(call, 'acme', inGpu('small', 100));
    await admit(call, 'acme', inGpu('large', 2000));
    await admit(call, 'web', inGpu('web', 1500));
    await admit(call, 'sales', inGpu('sales', 500));
    await enqueue(call, 'acme', inGpu('w', 2000));
    const { now } = await explain('acme:w');
    const holders = now?.holders.map((holder) => [
      `${holder.scope.tenant ?? '-'}/${holder.scope.pool ?? '-'}`,
      `${holder.tenant} ${holder.job_id ?? 'all'} ${holder.amount}`,
    ]);
    expect(holders).toEqual([
      ['acme/-', 'acme large 2000'],
      ['acme/-', 'acme small 100'],
      ['eng/-', 'acme all 2100'],
      ['eng/-', 'web all 1500'],
      ['-/gpu', 'eng all 3600'],
      ['-/gpu', 'sales all 500'],
    ]);
  });

  it('does not name who holds nothing any more, or less than is written', async () => {
    await makeLine(call, 'eng', 'acme');
    await makeTenant(call, 'web', { parent: 'eng' });
    const brief = { ttl_seconds: 60 };
    await admit(call, 'acme', { cpu_m: 1000, job_id: 'long' });
    await admit(call, 'acme', { cpu_m: 1500, job_id: 'brief', ...brief });
    await admit(call, 'web', { cpu_m: 1000, ...brief });
    await enqueue(call, 'acme', { cpu_m: 3500, job_id: 'w' });
    hodei.clock.advance(MINUTE);
    const { now } = await explain('acme:w');
    expect(now).toMatchObject({ outcome: 'queued', violations: [{ used: 1000 }, { used: 1000 }] });
    expect(now?.holders.map(({ tenant, job_id: job, amount }) => [tenant, job, amount])).toEqual([
      ['acme', 'long', 1000],
      ['acme', null, 1000],
    ]);
  });
});

describe.each(doors)('the explanation of a decision ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const explain = (decision = '') => call(explainDecision, { decision });

  it('keeps the numbers of then, and decides the same request again', async () => {
    await makeTenant(call, 'acme');
    const full = await admit(call, 'acme', { cpu_m: 4000 });
    const rejected = await admit(call, 'acme', { cpu_m: 1 });
    const said = { kind: 'decision', id: rejected.decision_id, state: 'rejected', job_id: null };
    const violations = rejected.violations;
    expect(await explain(rejected.decision_id)).toMatchObject({
      ...said,
      then: { outcome: 'rejected', violations },
      now: { outcome: 'rejected', code: 'over_quota', violations },
    });
    await call(releaseJob, { job: idOf(full) });
    expect(await explain(rejected.decision_id)).toMatchObject({
      ...said,
      then: { violations },
      now: { outcome: 'admitted', code: null, violations: [], raises: [] },
    });
  });

  it('agrees with a check and with the request itself, whatever stands against it', async () => {
    await makeLine(call, 'eng', 'acme');
    await call(createPool, { id: 'ci', type: 'dynamic', max_size: 3, resources: { cpu_m: 2000 } });
    await call(setQuota, { tenant: 'acme', pool: 'ci', memory_mb: 7000 });
    const agree = async (asked: object) => {
      const request = { tenant: 'acme', pool: 'ci', ...asked };
      const checked = await call(checkJob, request);
      const { decision_id: decision, ...answered } = await admit(call, 'acme', request);
      const { now } = await explain(decision);
      const { state, code, retryable, violations } = answered;
      expect(checked).toMatchObject({ state, code, retryable, violations });
      expect(now).toMatchObject({ outcome: state, code, retryable, violations });
      return code;
    };
    expect(await agree({ cpu_m: 3000 })).toBe('over_capacity');
    expect(await agree({ cpu_m: 5000 })).toBe('impossible');
    expect(await agree({ memory_mb: 7001 })).toBe('impossible');
    await admit(call, 'acme', { cpu_m: 1000, memory_mb: 5000, pool: 'ci' });
    expect(await agree({ cpu_m: 2000, memory_mb: 3000 })).toBe('over_quota');
    expect(await agree({ cpu_m: 3000, on_full: 'queue' })).toBe('over_capacity');
    await call(holdPool, { pool: 'ci' });
    expect(await agree({ cpu_m: 1 })).toBe('pool_held');
    expect(await agree({ cpu_m: 1, on_full: 'queue' })).toBe('pool_held');
    await call(suspendTenant, { tenant: 'eng' });
    expect(await agree({ cpu_m: 1 })).toBe('suspended');
    await call(resumeTenant, { tenant: 'eng' });
    await call(resumePool, { pool: 'ci' });
  });

  it('names raises that are enough, and none of them too much', async () => {
    await makeLine(call, 'eng', 'acme');
    await call(setQuota, { tenant: 'eng', memory_mb: 8000 });
    await admit(call, 'acme', { cpu_m: 3000, memory_mb: 8000 });
    const asked = { cpu_m: 2000, memory_mb: 1000 };
    const { decision_id: decision } = await admit(call, 'acme', asked);
    const { now } = await explain(decision);
    expect(now?.raises).toEqual([
      { scope: acme, resource: 'cpu_m', from: 4000, to: 5000 },
      { scope: acme, resource: 'memory_mb', from: 8192, to: 9000 },
      { scope: { tenant: 'eng', pool: null }, resource: 'cpu_m', from: 4000, to: 5000 },
      { scope: { tenant: 'eng', pool: null }, resource: 'memory_mb', from: 8000, to: 9000 },
    ]);
    const check = async () => (await call(checkJob, { tenant: 'acme', ...asked })).state;
    for (const { scope, resource, to } of now?.raises ?? []) {
      const tenant = scope.tenant ?? '';
      expect(await check()).toBe('rejected');
      await call(setQuota, { tenant, [resource]: Number(to) - 1 });
      expect(await check()).toBe('rejected');
      await call(setQuota, { tenant, [resource]: to });
    }
    expect(await check()).toBe('admitted');
  });

  it('is none of now where the tenant is gone, and not found where there was none', async () => {
    await makeTenant(call, 'acme');
    const { decision_id: decision } = await admit(call, 'acme', { cpu_m: 5000 });
    await call(deleteTenant, { tenant: 'acme' });
    expect(await explain(decision)).toMatchObject({ then: { code: 'impossible' }, now: null });
    expect(await refusal(explain('dec-000000000000'))).toEqual({
      ...{ code: 'not_found', message: 'Decision not found: dec-000000000000' },
      hint: 'See which there are: hodei violation list',
    });
  });
});

describe.each(doors)('the explanation of a tenant ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const explain = (tenant = 'acme') => call(explainTenant, { tenant });

  it('of which nothing is to be said says so', async () => {
    const { id } = await makeTenant(call, 'acme');
    expect(await explain()).toEqual({
      ...{ tenant: 'acme', tenant_id: id, as_of: START, suspended_by: null },
      ...{ running: 0, waiting: 0, causes: [], rejections: [] },
      units: { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', jobs: 'count' },
    });
    expect(await explain(id.slice(0, -1))).toMatchObject({ tenant: 'acme' });
    expect((await refusal(explain('nobody'))).code).toBe('not_found');
  });

  it('counts what waits by what it lacks first, most jobs first, with the oldest of them', async () => {
    await makeLine(call, 'eng', 'acme');
    await call(createPool, { id: 'gpu', resources: { cpu_m: 100 } });
    await admit(call, 'acme', { cpu_m: 3000 });
    await admit(call, 'acme', { cpu_m: 100, pool: 'gpu' });
    await enqueue(call, 'acme', { cpu_m: 5, pool: 'gpu', job_id: 'g' });
    hodei.clock.advance(MINUTE);
    const first = await enqueue(call, 'acme', { cpu_m: 1500, job_id: 'a' });
    await enqueue(call, 'acme', { cpu_m: 2500, job_id: 'b' });
    await enqueue(call, 'eng', { cpu_m: 3000, job_id: 'of-eng' });
    expect(await explain()).toMatchObject({
      ...{ running: 2, waiting: 3 },
      causes: [
        {
          ...{ scope: acme, resource: 'cpu_m', limit: 4000, used: 3100, jobs: 2, requested: 4000 },
          first: {
            ...{ id: first.id, job_id: 'a', requested: 1500 },
            requested_at: '2026-11-23T09:01:00.000Z',
          },
        },
        {
          ...{ scope: { tenant: null, pool: 'gpu' }, resource: 'cpu_m', limit: 100, used: 100 },
          ...{ jobs: 1, requested: 5, first: { job_id: 'g' } },
        },
      ],
    });
  });

  it('says who is suspended, and what waits for leave to start', async () => {
    await makeLine(call, 'eng', 'acme');
    await admit(call, 'acme', { cpu_m: 4000, job_id: 'full' });
    await enqueue(call, 'acme', { cpu_m: 1 });
    await call(suspendTenant, { tenant: 'eng' });
    await call(releaseJob, { job: 'acme:full' });
    expect(await explain()).toMatchObject({
      ...{ suspended_by: 'eng', running: 0, waiting: 1 },
      causes: [{ scope: { tenant: 'eng', pool: null }, resource: 'jobs', jobs: 1 }],
    });
  });

  it('sums what was rejected within a day by reason, most often first', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 5000 });
    hodei.clock.advance(24 * 60 * MINUTE + 1);
    await admit(call, 'acme', { cpu_m: 4000 });
    await admit(call, 'acme', { gpu: 1 });
    for (let i = 0; i < 3; i++) await admit(call, 'acme', { cpu_m: 1 });
    const last = await admit(call, 'acme', { cpu_m: 2 });
    await enqueue(call, 'acme', { cpu_m: 3 });
    const { rejections } = await explain();
    expect(rejections).toMatchObject([
      {
        ...{ code: 'over_quota', scope: acme, resource: 'cpu_m', times: 4 },
        decision_id: last.decision_id,
      },
      { code: 'impossible', scope: acme, resource: 'gpu', times: 1 },
    ]);
    expect(rejections).toHaveLength(2);
  });

  it('sums no further than there are numbers', async () => {
    await makeTenant(call, 'acme', { quota: { cpu_m: null } });
    await call(adoptJobs, { jobs: [{ tenant: 'acme', cpu_m: 1 }] });
    await enqueue(call, 'acme', { cpu_m: MAX });
    await enqueue(call, 'acme', { cpu_m: MAX });
    expect(await explain()).toMatchObject({ causes: [{ jobs: 2, requested: MAX }] });
  });
});
