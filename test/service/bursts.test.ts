import { beforeEach, describe, expect, it } from 'vitest';
import {
  approveBurstSession,
  cancelBurst,
  denyBurst,
  endBurstSession,
  getBurst,
  listBursts,
  listTenantBursts,
} from '../../src/service/bursts.ts';
import { admitJob, checkJob, getJob, releaseJob } from '../../src/service/jobs.ts';
import { setPolicies } from '../../src/service/policies.ts';
import { getQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { createTenant, deleteTenant } from '../../src/service/tenants.ts';
import { useBursts } from '../helpers/burst.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeTenant } from '../helpers/tenant.ts';

const MINUTE = 60_000;
const { hodei, ben, ask, agreed, touch } = useBursts({ percentage: 140, duration_seconds: 60 });

const names = async () => (await hodei.events()).map(({ operation }) => operation);

describe('a burst session', () => {
  it('is asked for by one person, approved by another, and lets a waiting job start', async () => {
    await admit(hodei.call, 'acme', { cpu_m: 4000 });
    const waiting = await enqueue(hodei.call, 'acme', { cpu_m: 1000 });
    const asked = await ask();
    expect(asked).toMatchObject({
      state: 'requested',
      requested_by: 'ana',
      percentage: 140,
      approvals: [],
      approvals_required: 1,
      starts_at: null,
    });
    const approved = await ben(approveBurstSession, { burst: asked.id });
    expect(approved).toMatchObject({
      state: 'active',
      starts_at: '2026-11-23T09:00:00.000Z',
      ends_at: '2026-11-23T09:01:00.000Z',
      approvals: [{ principal: 'ben' }],
    });
    const job = await hodei.call(getJob, { job: idOf(waiting) });
    expect(job).toMatchObject({ state: 'admitted', mark: 'promoted', burst: asked.id });
    expect(await hodei.call(getQuota, { tenant: 'acme' })).toMatchObject({
      cpu_m: 4000,
      effective: { cpu_m: 5600, memory_mb: 11_468, max_concurrent_jobs: 14 },
      bursts: [{ id: asked.id, ends_at: '2026-11-23T09:01:00.000Z' }],
    });
  });

  it('ends by itself: what runs stays and is over, and nothing new starts', async () => {
    await agreed();
    await admit(hodei.call, 'acme', { cpu_m: 5000 });
    hodei.clock.advance(MINUTE);
    // As of now, before anybody has written that it is over.
    const over = { cpu_m: 4000, effective: {}, bursts: [], current_usage: { cpu_m: 5000 } };
    expect(await hodei.call(getQuota, { tenant: 'acme' })).toMatchObject(over);
    expect(await hodei.call(admitJob, { tenant: 'acme', cpu_m: 1 })).toMatchObject({
      state: 'rejected',
      violations: [{ limit: 4000, used: 5000, over_by: 1001 }],
    });
    expect(await names()).toContain('burst.expire');
    expect(await hodei.call(getQuota, { tenant: 'acme' })).toMatchObject(over);
  });

  it('says in a rejection what the limit is without it', async () => {
    await agreed();
    await admit(hodei.call, 'acme', { cpu_m: 5000 });
    expect(await hodei.call(admitJob, { tenant: 'acme', cpu_m: 1000 })).toMatchObject({
      state: 'rejected',
      violations: [{ limit: 5600, base: 4000, used: 5000, over_by: 400 }],
    });
  });

  it('evicts the youngest of its jobs at the end, and no more than it has to', async () => {
    await agreed({ on_end: 'evict' });
    const plain = await admit(hodei.call, 'acme', { cpu_m: 3000 });
    const first = await admit(hodei.call, 'acme', { cpu_m: 1500 });
    const second = await admit(hodei.call, 'acme', { cpu_m: 1000 });
    expect([plain.burst, first.burst !== null, second.burst !== null]).toEqual([null, true, true]);
    hodei.clock.advance(MINUTE);
    await touch();
    const states = [];
    for (const job of [plain, first, second]) {
      states.push((await hodei.call(getJob, { job: idOf(job) })).state);
    }
    expect(states).toEqual(['admitted', 'evicted', 'evicted']);
    expect(await hodei.call(getQuota, { tenant: 'acme' })).toMatchObject({
      current_usage: { cpu_m: 3000 },
    });
  });

  it('begins and ends while nobody comes, in order, once', async () => {
    const { id } = await agreed({ starts_at: '2026-11-23T10:00:00Z', duration_seconds: 3600 });
    expect(await hodei.call(getBurst, { burst: id })).toMatchObject({ state: 'approved' });
    hodei.clock.advance(90 * MINUTE);
    expect(await hodei.call(getBurst, { burst: id })).toMatchObject({ state: 'active' });
    hodei.clock.advance(24 * 60 * MINUTE);
    expect(await hodei.call(getBurst, { burst: id })).toMatchObject({
      state: 'ended',
      ended_at: '2026-11-23T11:00:00.000Z',
    });
    await touch();
    await touch();
    const told = (await names()).filter((name) => name.startsWith('burst.'));
    expect(told).toEqual(['burst.request', 'burst.approve', 'burst.begin', 'burst.expire']);
  });

  it('announces its end once, so long before it', async () => {
    await agreed({ duration_seconds: 3600 });
    hodei.clock.advance(50 * MINUTE - 1);
    await touch();
    expect(await names()).not.toContain('burst.notice');
    hodei.clock.advance(1);
    await touch();
    await touch();
    expect((await names()).filter((name) => name === 'burst.notice')).toHaveLength(1);
  });

  it('is ended by hand at once', async () => {
    const { id } = await agreed();
    await admit(hodei.call, 'acme', { cpu_m: 5000 });
    expect(await hodei.call(endBurstSession, { burst: id })).toMatchObject({
      state: 'ended',
      decided_by: 'ana',
    });
    expect(await hodei.call(getQuota, { tenant: 'acme' })).toMatchObject({ effective: {} });
    expect(await refusal(hodei.call(cancelBurst, { burst: id }))).toMatchObject({
      code: 'conflict',
      message: `${id} is ended, and cannot be cancelled.`,
    });
  });

  it('is listed while there is something to do about it, and in the history for ever', async () => {
    const { id } = await ask();
    expect((await hodei.call(listBursts, {})).items).toMatchObject([{ id }]);
    const silent = await refusal(ben(denyBurst, { burst: id }));
    expect(silent.message).toBe('Who asked wants to know why not.');
    await ben(denyBurst, { burst: id, reason: 'not now' });
    expect((await hodei.call(listBursts, {})).items).toEqual([]);
    expect((await hodei.call(listBursts, { state: 'denied' })).items).toMatchObject([{ id }]);
    expect((await hodei.call(listTenantBursts, { tenant: 'acme' })).items).toMatchObject([
      { id, state: 'denied', decided_by: 'ben', decided_reason: 'not now' },
    ]);
  });

  it('lapses where nobody answers', async () => {
    const { id } = await ask();
    hodei.clock.advance(24 * 60 * MINUTE);
    expect(await hodei.call(getBurst, { burst: id })).toMatchObject({ state: 'lapsed' });
    expect(await refusal(ben(approveBurstSession, { burst: id }))).toMatchObject({
      code: 'conflict',
      message: `${id} is lapsed, and cannot be approved.`,
    });
    await touch();
    expect(await names()).toContain('burst.lapse');
  });

  it('goes with its tenant', async () => {
    const { id } = await agreed();
    await hodei.call(deleteTenant, { tenant: 'acme' });
    expect(await hodei.call(getBurst, { burst: id })).toMatchObject({ state: 'ended' });
  });
});

describe('a session that lifts limits', () => {
  it('by amounts, also from nothing, but with the leave of a person', async () => {
    const asked = await ask({ percentage: undefined, add: { gpu: 4, cpu_m: 2000 } });
    expect(asked).toMatchObject({ state: 'requested', percentage: null });
    await ben(approveBurstSession, { burst: asked.id });
    expect(await hodei.call(getQuota, { tenant: 'acme' })).toMatchObject({
      effective: { cpu_m: 6000, gpu: 4 },
    });
    await admit(hodei.call, 'acme', { gpu: 3 });
  });

  it('is refused beyond what may be lent, with the numbers', async () => {
    expect(await refusal(ask({ percentage: 151 }))).toMatchObject({
      code: 'invalid',
      message:
        'cpu of acme is 4 cores, and can be lent up to 150 % of it: 6 cores (max_overage_percentage).',
    });
    expect(await refusal(ask({ percentage: undefined, add: { cpu_m: 2001 } }))).toMatchObject({
      code: 'invalid',
    });
  });

  it('keeps a cooldown, and says when the next one can begin', async () => {
    await agreed();
    hodei.clock.advance(2 * MINUTE);
    const { hint } = await refusal(ask());
    expect(hint).toBe('The next one can begin at 2026-11-23T09:16:00Z: --at 2026-11-23T09:16:00Z');
    await ask({ starts_at: '2026-11-23T09:16:00.000Z' });
  });

  it('leaves ancestors as they are, and names the one that still binds', async () => {
    await makeTenant(hodei.call, 'eng', { quota: { cpu_m: 4500 } });
    await hodei.call(createTenant, { name: 'web', email: 'a@b.example', parent: 'eng' });
    const { lifts } = await agreed({ tenant: 'web', resources: ['cpu_m'] });
    expect(lifts).toMatchObject([
      { resource: 'cpu_m', limit: 4000, raised: 5600, bound_by: { tenant: 'eng', limit: 4500 } },
    ]);
    expect(await hodei.call(admitJob, { tenant: 'web', cpu_m: 4501 })).toMatchObject({
      state: 'rejected',
      violations: [{ scope: { tenant: 'eng' } }],
    });
  });
});

describe('where nobody has to agree', () => {
  beforeEach(async () => {
    await hodei.call(applySettings, {
      multi_tenancy: { quota_enforcement: { violation_policy: 'burst', second_choice: 'queue' } },
      burst_capacity: { approval: { auto_approve_threshold: 120 } },
    });
  });

  it('a session opens for a job that does not fit', async () => {
    await admit(hodei.call, 'acme', { cpu_m: 4000 });
    const job = await hodei.call(admitJob, { tenant: 'acme', cpu_m: 800 });
    expect(job).toMatchObject({ state: 'admitted', burst: expect.stringMatching(/^bst-/) });
    expect(await hodei.call(getBurst, { burst: job.burst ?? '' })).toMatchObject({
      ...{ state: 'active', automatic: true, percentage: 120, duration_seconds: 3600, jobs: 1 },
    });
    expect(await hodei.call(admitJob, { tenant: 'acme', cpu_m: 1 })).toMatchObject({
      state: 'queued',
    });
  });

  it('what a session could hold alone is not impossible, and what none could hold is', async () => {
    expect(await hodei.call(admitJob, { tenant: 'acme', cpu_m: 4801 })).toMatchObject({
      ...{ state: 'rejected', code: 'impossible', violations: [{ limit: 4800 }] },
    });
    expect(await hodei.call(admitJob, { tenant: 'acme', cpu_m: 4800 })).toMatchObject({
      state: 'admitted',
    });
  });

  it('a rule lends to whom it names, and nobody else', async () => {
    await hodei.call(applySettings, {
      burst_capacity: { approval: { auto_approve_threshold: 120 } },
    });
    const when = 'request.labels.team == "web"';
    const rule = { name: 'web', on: 'violation' as const, when, action: 'burst' as const };
    await hodei.call(setPolicies, { rules: [rule] });
    await admit(hodei.call, 'acme', { cpu_m: 4000 });
    const asked = { tenant: 'acme', cpu_m: 800 };
    expect(await hodei.call(admitJob, asked)).toMatchObject({ state: 'rejected' });
    expect(await hodei.call(checkJob, { ...asked, labels: { team: 'web' } })).toMatchObject({
      state: 'admitted',
    });
    expect((await hodei.call(listBursts, {})).items).toEqual([]);
    expect(await hodei.call(admitJob, { ...asked, labels: { team: 'web' } })).toMatchObject({
      ...{ state: 'admitted', rule: { name: 'web', action: 'burst' } },
      burst: expect.stringMatching(/^bst-/),
    });
    expect((await hodei.call(listBursts, {})).items).toMatchObject([{ automatic: true }]);
  });

  it('the job that leaves takes its trace with it', async () => {
    await admit(hodei.call, 'acme', { cpu_m: 4000 });
    const job = await hodei.call(admitJob, { tenant: 'acme', cpu_m: 800 });
    await hodei.call(releaseJob, { job: idOf(job) });
    expect(await hodei.call(getBurst, { burst: job.burst ?? '' })).toMatchObject({ jobs: 0 });
  });
});
