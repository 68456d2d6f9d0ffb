import { describe, expect, it } from 'vitest';
import { explainDecision, explainJob, explainTenant } from '../../src/service/explain.ts';
import {
  cancelJob,
  checkJob,
  getJob,
  listJobs,
  releaseJob,
  renew,
  resizeJob,
} from '../../src/service/jobs.ts';
import { getPool } from '../../src/service/pools.ts';
import { getQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { deleteTenant, suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { usedAnywhere, useLedger } from '../helpers/balances.ts';
import { refusal } from '../helpers/refusal.ts';
import { onFile } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe.each(doors)('a lease ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  /** Something that changes, so that what is due is settled first. */
  const write = () => call(updateTenant, { tenant: 'acme', labels: {} });
  const stateOf = async (job: string) => (await call(getJob, { job })).state;

  it('counts from admission and ends the job at the millisecond', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1, job_id: 'a', ttl_seconds: 60 });
    hodei.clock.advance(MINUTE - 1);
    await write();
    expect(await stateOf('acme:a')).toBe('admitted');
    hodei.clock.advance(1);
    expect(await stateOf('acme:a')).toBe('expired');
    await write();
    expect(await stateOf('acme:a')).toBe('expired');
    expect(usedAnywhere(hodei.path)).toEqual({});
  });

  it('that has run out is said as of then by every read, and settled so by the next write', async () => {
    await makeLine(call, 'eng', 'acme');
    const job = await admit(call, 'acme', { cpu_m: 1000, job_id: 'a', ttl_seconds: 60 });
    await enqueue(call, 'acme', { cpu_m: 3500, job_id: 'w' });
    hodei.clock.advance(10 * MINUTE);
    const over = '2026-11-23T09:01:00.000Z';
    const before = await call(getJob, { job: 'acme:a' });
    expect(before).toEqual({
      ...job,
      ...{ state: 'expired', ended_at: over, decided_at: over, expires_at: null },
    });
    expect((await call(listJobs, { state: 'expired' })).items).toEqual([before]);
    expect((await call(listJobs, { state: 'admitted' })).items).toEqual([]);
    for (const tenant of ['acme', 'eng']) {
      expect((await call(getQuota, { tenant })).current_usage).toMatchObject({ active_jobs: 0 });
    }
    expect(await call(getPool, { pool: 'default' })).toMatchObject({
      ...{ jobs: 0, waiting: 1, used: { cpu_m: 0, jobs: 0 } },
    });
    expect((await call(explainJob, { job: 'acme:a' })).state).toBe('expired');
    expect((await call(explainJob, { job: 'acme:w' })).now).toMatchObject({
      ...{ outcome: 'admitted', holders: [], raises: [] },
      checks: expect.arrayContaining([expect.objectContaining({ resource: 'cpu_m', used: 0 })]),
    });
    expect(await call(explainTenant, { tenant: 'acme' })).toMatchObject({
      ...{ running: 0, waiting: 1, causes: [{ used: 0, requested: 3500 }] },
    });
    await write();
    expect(await call(getJob, { job: 'acme:a' })).toEqual({ ...before, version: 2 });
    expect(await call(getJob, { job: 'acme:w' })).toMatchObject({ mark: 'promoted' });
  });

  it('that runs out leaves an event of hodei itself, before that of the change', async () => {
    await makeTenant(call, 'acme');
    const job = await admit(call, 'acme', { cpu_m: 1, ttl_seconds: 1 });
    hodei.clock.advance(1000);
    await call(suspendTenant, { tenant: 'acme' });
    const events = (await hodei.events()).slice(3);
    expect(events.map(({ operation, principal }) => [operation, principal])).toEqual([
      ['job.expire', 'hodei'],
      ['tenant.suspend', hodei.principal],
    ]);
    expect(events[0]).toMatchObject({ object: job.id, actingAs: null, reason: null });
  });

  it('is begun anew by a renewal, with its own length or another', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1, job_id: 'a', ttl_seconds: 60 });
    hodei.clock.advance(59_000);
    expect(await call(renew, { job: 'acme:a' })).toMatchObject({
      ...{ state: 'admitted', expires_at: '2026-11-23T09:01:59.000Z', version: 2 },
    });
    expect(await call(renew, { job: 'acme:a', ttl_seconds: 3600 })).toMatchObject({
      ...{ ttl_seconds: 3600, expires_at: '2026-11-23T10:00:59.000Z', version: 3 },
    });
    expect((await hodei.events()).at(-1)).toMatchObject({ operation: 'job.renew' });
  });

  it('is given by a renewal to a job that has none', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1, job_id: 'a' });
    expect(await call(renew, { job: 'acme:a' })).toMatchObject({ expires_at: null, version: 2 });
    expect(await call(renew, { job: 'acme:a', ttl_seconds: 5 })).toMatchObject({
      expires_at: '2026-11-23T09:00:05.000Z',
    });
  });

  it('that has run out cannot be renewed or resized any more, and release finds it so', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1, job_id: 'a', ttl_seconds: 60 });
    hodei.clock.advance(MINUTE);
    const ended = 'a has ended (expired at 2026-11-23T09:01:00.000Z), and cannot be';
    expect(await refusal(call(renew, { job: 'acme:a' }))).toEqual({
      code: 'conflict',
      message: `${ended} renewed.`,
      hint: 'It holds nothing any more. Ask for it anew, under another job_id.',
    });
    const resized = call(resizeJob, { job: 'acme:a', cpu_m: 2 });
    expect((await refusal(resized)).message).toBe(`${ended} resized.`);
    for (const end of [releaseJob, cancelJob]) {
      expect(await call(end, { job: 'acme:a' })).toMatchObject({
        ...{ state: 'expired', replayed: true, ended_at: '2026-11-23T09:01:00.000Z' },
      });
    }
  });

  it('makes room for the very request that finds it overdue, and for its check', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000, ttl_seconds: 60 });
    hodei.clock.advance(MINUTE);
    const asked = { tenant: 'acme', cpu_m: 4000 };
    expect(await call(checkJob, asked)).toMatchObject({ state: 'admitted' });
    expect(await admit(call, 'acme', asked)).toMatchObject({ state: 'admitted' });
  });

  it.each([
    ['is released', releaseJob, 'released'],
    ['is found to be over', releaseJob, 'released'],
  ] as const)('that %s ends once', async (_, end, state) => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 7, job_id: 'a' });
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => call(end, { job: 'acme:a' })));
    expect(first).toMatchObject({ state, version: 2 });
    for (const other of others) expect(other).toEqual({ ...first, replayed: true });
    expect(usedAnywhere(hodei.path)).toEqual({});
  });
});

describe.each(doors)('a job that waits ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const write = () => call(updateTenant, { tenant: 'acme', labels: {} });

  it('waits as long as it says, else as long as the settings say, and then is expired', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'short', queue_ttl_seconds: 60 });
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'long' });
    hodei.clock.advance(MINUTE);
    const over = '2026-11-23T09:01:00.000Z';
    const short = await call(getJob, { job: 'acme:short' });
    expect(short).toMatchObject({
      ...{ state: 'expired', admitted_at: null, ended_at: over, decided_at: over },
    });
    expect(short.position).toBeUndefined();
    // It never held anything that could be taken off.
    expect(await call(getPool, { pool: 'default' })).toMatchObject({
      ...{ waiting: 1, jobs: 1, used: { cpu_m: 4000, jobs: 1 } },
    });
    expect((await call(getQuota, { tenant: 'acme' })).current_usage.cpu_m).toBe(4000);
    hodei.clock.advance(DAY - MINUTE - 1);
    await write();
    expect(await call(getJob, { job: 'acme:long' })).toMatchObject({ state: 'queued' });
    hodei.clock.advance(1);
    await write();
    expect(await call(getJob, { job: 'acme:long' })).toMatchObject({ state: 'expired' });
  });

  it('is one place further when one before it has waited too long, settled or not', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    await enqueue(call, 'acme', { cpu_m: 1, queue_ttl_seconds: 60 });
    const second = await enqueue(call, 'acme', { cpu_m: 1, job_id: 'w' });
    expect(second.position).toBe(2);
    hodei.clock.advance(MINUTE);
    const read = async () => [
      (await call(getJob, { job: 'acme:w' })).position,
      (await call(listJobs, { state: 'queued' })).items[0]?.position,
      (await call(explainJob, { job: 'acme:w' })).position,
    ];
    expect(await read()).toEqual([1, 1, 1]);
    await write();
    expect(await read()).toEqual([1, 1, 1]);
  });

  it('waits anew after a renewal, and remembers the lease for when it runs', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000, job_id: 'a' });
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'w', queue_ttl_seconds: 60 });
    hodei.clock.advance(30_000);
    expect(await call(renew, { job: 'acme:w', ttl_seconds: 900 })).toMatchObject({
      ...{ state: 'queued', ttl_seconds: 900, expires_at: '2026-11-23T09:01:30.000Z' },
    });
    await call(releaseJob, { job: 'acme:a' });
    expect(await call(renew, { job: 'acme:w' })).toMatchObject({
      ...{ state: 'admitted', expires_at: '2026-11-23T09:15:30.000Z', claim_due: false },
    });
  });

  it('has to be claimed once it was promoted, or what it holds is freed for the next', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000, job_id: 'a' });
    await enqueue(call, 'acme', { cpu_m: 3000, job_id: 'b', ttl_seconds: 9000 });
    await enqueue(call, 'acme', { cpu_m: 3000, job_id: 'c', ttl_seconds: 9000 });
    await call(releaseJob, { job: 'acme:a' });
    const claimed = { expires_at: '2026-11-23T09:05:00.000Z', claim_due: true };
    expect(await call(getJob, { job: 'acme:b' })).toMatchObject({
      ...{ state: 'admitted', mark: 'promoted', version: 2, ...claimed },
    });
    hodei.clock.advance(5 * MINUTE);
    expect(await call(getJob, { job: 'acme:b' })).toMatchObject({
      ...{ state: 'expired', claim_due: false },
    });
    await write();
    expect(await call(getJob, { job: 'acme:c' })).toMatchObject({ state: 'admitted' });
    expect(await call(renew, { job: 'acme:c' })).toMatchObject({
      ...{ claim_due: false, expires_at: '2026-11-23T11:35:00.000Z' },
    });
  });

  it('is given as long for its claim as the settings say', async () => {
    await makeTenant(call, 'acme');
    await call(applySettings, { jobs: { claim_seconds: 7 } });
    await admit(call, 'acme', { cpu_m: 4000, job_id: 'a' });
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'b' });
    await call(releaseJob, { job: 'acme:a' });
    expect(await call(getJob, { job: 'acme:b' })).toMatchObject({
      expires_at: '2026-11-23T09:00:07.000Z',
    });
    expect(await call(renew, { job: 'acme:b' })).toMatchObject({ expires_at: null });
  });

  it('cannot be released or resized, and what runs cannot be cancelled', async () => {
    await makeTenant(call, 'acme');
    const running = await admit(call, 'acme', { cpu_m: 4000, job_id: 'a' });
    const waiting = await enqueue(call, 'acme', { cpu_m: 1, job_id: 'w' });
    expect(await refusal(call(releaseJob, { job: 'acme:w' }))).toEqual({
      ...{ code: 'conflict', message: 'w is queued, and cannot be released.' },
      hint: `It waits: hodei job cancel ${waiting.id}`,
    });
    expect(await refusal(call(resizeJob, { job: 'acme:w', cpu_m: 2 }))).toMatchObject({
      message: 'w is queued, and cannot be resized.',
    });
    expect(await refusal(call(cancelJob, { job: 'acme:a' }))).toEqual({
      ...{ code: 'conflict', message: 'a is admitted, and cannot be cancelled.' },
      hint: `It runs: hodei job release ${running.id}`,
    });
    expect(await call(cancelJob, { job: 'acme:w' })).toMatchObject({ state: 'cancelled' });
  });
});

describe('a thousand leases that have run out', () => {
  const [local] = doors;
  if (local === undefined) throw new Error('there is no door');
  const hodei = useLedger(local);
  const { call } = hodei;
  const unsettled = () =>
    onFile(hodei.path, (file) =>
      file.prepare('select count(*) from job where due_at is not null').pluck().get(),
    );

  async function thousand() {
    const quota = { cpu_m: 1000, max_concurrent_jobs: null };
    await makeTenant(call, 'acme', { quota });
    await makeTenant(call, 'beta');
    const asked = { cpu_m: 1, ttl_seconds: 60 };
    await Promise.all(Array.from({ length: 1000 }, () => admit(call, 'acme', asked)));
    hodei.clock.advance(MINUTE);
  }

  it('are all shown as of now', async () => {
    await thousand();
    expect((await call(getQuota, { tenant: 'acme' })).current_usage).toMatchObject({ cpu_m: 0 });
    expect(await call(getPool, { pool: 'default' })).toMatchObject({ jobs: 0 });
    expect((await call(listJobs, { state: 'live' })).items).toEqual([]);
  });

  it('are settled in batches, by whichever changes come', async () => {
    await thousand();
    for (const left of [800, 600, 400, 200, 0, 0]) {
      await call(updateTenant, { tenant: 'beta', labels: {} });
      expect(unsettled()).toBe(left);
    }
    expect(usedAnywhere(hodei.path)).toEqual({});
  });

  it('leave their room to nobody who has waited too long by then', async () => {
    await makeTenant(call, 'acme', { quota: { cpu_m: 1000, max_concurrent_jobs: null } });
    const asked = { cpu_m: 1, ttl_seconds: 60 };
    await Promise.all(Array.from({ length: 1000 }, () => admit(call, 'acme', asked)));
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'late', queue_ttl_seconds: 61 });
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'next' });
    hodei.clock.advance(61_000);
    await makeTenant(call, 'beta');
    expect(unsettled()).toBe(802);
    expect(await call(getJob, { job: 'acme:late' })).toMatchObject({ state: 'expired' });
    expect(await call(getJob, { job: 'acme:next' })).toMatchObject({ state: 'admitted' });
  });

  it('do not stand in the way of the request that needs their room', async () => {
    await thousand();
    expect(await admit(call, 'acme', { cpu_m: 1000 })).toMatchObject({ state: 'admitted' });
    expect(unsettled()).toBe(0);
  });

  it('do not stand in the way of a larger job either', async () => {
    await makeTenant(call, 'acme', { quota: { cpu_m: 1001, max_concurrent_jobs: null } });
    const job = await admit(call, 'acme', { cpu_m: 1 });
    const asked = { cpu_m: 1, ttl_seconds: 60 };
    await Promise.all(Array.from({ length: 1000 }, () => admit(call, 'acme', asked)));
    hodei.clock.advance(MINUTE);
    const resized = await call(resizeJob, { job: idOf(job), cpu_m: 1001 });
    expect(resized).toMatchObject({ state: 'admitted', resources: { cpu_m: 1001 } });
  });

  it('do not keep their tenant from being deleted', async () => {
    await thousand();
    await call(deleteTenant, { tenant: 'acme' });
    expect(unsettled()).toBe(0);
  });

  it('are expired, as every read has said, also where their tenant is deleted with them', async () => {
    await thousand();
    await call(deleteTenant, { tenant: 'acme', cascade: true });
    const states = onFile(hodei.path, (file) =>
      file.prepare('select state, ended_at, count(*) as jobs from job group by 1, 2').all(),
    );
    const ended = Date.parse('2026-11-23T09:01:00.000Z');
    expect(states).toEqual([{ state: 'expired', ended_at: ended, jobs: 1000 }]);
    const principals = (await hodei.events())
      .filter(({ operation }) => operation === 'job.expire')
      .map(({ principal }) => principal);
    expect(new Set(principals)).toEqual(new Set(['hodei']));
  });

  it('are no reason of a decision that is explained', async () => {
    await thousand();
    hodei.clock.advance(-MINUTE);
    const { decision_id: decision = '' } = await admit(call, 'acme', { cpu_m: 5 });
    hodei.clock.advance(MINUTE);
    expect((await call(explainDecision, { decision })).now).toMatchObject({
      ...{ outcome: 'admitted', violations: [], holders: [], raises: [] },
    });
  });
});
