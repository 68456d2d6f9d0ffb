import { describe, expect, it } from 'vitest';
import { checkJob, getJob, listJobs, releaseJob } from '../../src/service/jobs.ts';
import { createPool, deletePool, holdPool } from '../../src/service/pools.ts';
import { getQuota, setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { suspendTenant } from '../../src/service/tenants.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { usedAnywhere, useLedger } from '../helpers/balances.ts';
import { everyPage } from '../helpers/pages.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const START = '2026-11-23T09:00:00.000Z';

describe.each(doors)('a job that fits ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;

  it('is admitted, and answered with everything that was said and follows from it', async () => {
    const { id: tenant } = await makeTenant(call, 'acme');
    const job = await admit(call, 'acme', {
      ...{ cpu_m: 2000, memory_mb: 4096, job_id: 'build-812', priority: 7 },
      ...{ ttl_seconds: 3600, labels: { team: 'web' } },
    });
    expect(job).toEqual({
      id: expect.stringMatching(/^job-/),
      job_id: 'build-812',
      state: 'admitted',
      tenant: 'acme',
      tenant_id: tenant,
      pool: 'default',
      resources: { cpu_m: 2000, memory_mb: 4096, jobs: 1 },
      priority: 7,
      labels: { team: 'web' },
      ttl_seconds: 3600,
      requested_at: START,
      decided_at: START,
      admitted_at: START,
      ended_at: null,
      expires_at: '2026-11-23T10:00:00.000Z',
      mark: null,
      burst: null,
      claim_due: false,
      version: 1,
    });
    expect(await call(getJob, { job: idOf(job) })).toEqual(job);
    expect(await call(getJob, { job: 'acme:build-812' })).toEqual(job);
    expect((await call(listJobs, {})).items).toEqual([job]);
  });

  it('leaves one event with what was asked for', async () => {
    const { id: tenant } = await makeTenant(call, 'acme');
    const asked = { cpu_m: 10, job_id: 'one', labels: { a: 'b' } };
    const job = await admit(hodei.as({ reason: 'nightly' }), 'acme', asked);
    const events = (await hodei.events()).slice(2);
    expect(events).toHaveLength(1);
    const said = { operation: 'job.admit', tenant, object: job.id, reason: 'nightly' };
    expect(events[0]).toMatchObject(said);
    expect(JSON.parse(events[0]?.after ?? '')).toEqual({
      job_id: 'one',
      pool: 'default',
      resources: { cpu_m: 10, jobs: 1 },
      ttl_seconds: null,
      priority: 0,
      labels: { a: 'b' },
    });
  });

  it('is charged to its tenant and all above it, and given back when it is released', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await makeTenant(call, 'sales');
    const job = await admit(call, 'shop', { cpu_m: 1500, jobs: 2 });
    const uses = { cpu_m: 1500, memory_mb: 0, gpu: 0, active_jobs: 2 };
    for (const tenant of ['eng', 'web', 'shop']) {
      expect((await call(getQuota, { tenant })).current_usage).toEqual(uses);
    }
    expect((await call(getQuota, { tenant: 'sales' })).current_usage).toMatchObject({ cpu_m: 0 });
    hodei.clock.advance(1000);
    const released = await call(releaseJob, { job: idOf(job) });
    const at = '2026-11-23T09:00:01.000Z';
    const over = { state: 'released', ended_at: at, decided_at: at, expires_at: null, version: 2 };
    expect(released).toEqual({ ...job, ...over });
    expect(usedAnywhere(hodei.path)).toEqual({});
  });

  it('may take all that is left, and not one more', async () => {
    await makeTenant(call, 'acme');
    expect(await admit(call, 'acme', { cpu_m: 3999 })).toMatchObject({ state: 'admitted' });
    expect(await admit(call, 'acme', { cpu_m: 2 })).toMatchObject({ state: 'rejected' });
    expect(await admit(call, 'acme', { cpu_m: 1 })).toMatchObject({ state: 'admitted' });
    expect(await admit(call, 'acme', { cpu_m: 1 })).toMatchObject({
      violations: [{ resource: 'cpu_m', limit: 4000, used: 4000, requested: 1, over_by: 1 }],
    });
  });

  it('is admitted among a hundred that come at once as long as there is room, and not once more', async () => {
    await makeLine(call, 'eng', 'web');
    await makeTenant(call, 'app', { parent: 'eng' });
    for (const tenant of ['eng', 'web', 'app']) {
      await call(setQuota, { tenant, max_concurrent_jobs: 100 });
    }
    await call(setQuota, { tenant: 'eng', cpu_m: 1000 });
    const asks = Array.from({ length: 100 }, (_, i) =>
      admit(call, i % 2 === 0 ? 'web' : 'app', { cpu_m: 30 }),
    );
    const states = (await Promise.all(asks)).map(({ state }) => state);
    expect(states.filter((state) => state === 'admitted')).toHaveLength(33);
    expect((await call(getQuota, { tenant: 'eng' })).current_usage.cpu_m).toBe(990);
  });

  it('may ask for as much as there are numbers', async () => {
    const quota = { cpu_m: null, max_concurrent_jobs: null };
    await makeTenant(call, 'acme', { quota });
    const all = await admit(call, 'acme', { cpu_m: MAX });
    expect(all.resources).toEqual({ cpu_m: MAX, jobs: 1 });
    expect(await admit(call, 'acme', { cpu_m: 1 })).toMatchObject({
      ...{ state: 'rejected', retryable: true },
      violations: [
        { scope: { tenant: 'acme', pool: null }, limit: null, used: MAX, over_by: 1 },
        { scope: { tenant: 'acme', pool: 'default' }, limit: null },
        { scope: { tenant: null, pool: 'default' }, limit: null, code: 'over_capacity' },
      ],
    });
  });

  it('has the lease that the settings give to jobs without one', async () => {
    await makeTenant(call, 'acme');
    await call(applySettings, { jobs: { default_ttl_seconds: 60 } });
    expect(await admit(call, 'acme')).toMatchObject({
      ttl_seconds: 60,
      expires_at: '2026-11-23T09:01:00.000Z',
    });
    expect(await admit(call, 'acme', { cpu_m: 1, ttl_seconds: 5 })).toMatchObject({
      expires_at: '2026-11-23T09:00:05.000Z',
    });
  });

  it('is found by the latest of its name, in its own tenant', async () => {
    await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    const ofAcme = await admit(call, 'acme', { cpu_m: 1, job_id: 'a:b' });
    const ofBeta = await admit(call, 'beta', { cpu_m: 1, job_id: 'a:b' });
    expect(await call(getJob, { job: 'acme:a:b' })).toEqual(ofAcme);
    expect(await call(getJob, { job: `${ofBeta.tenant_id}:a:b` })).toEqual(ofBeta);
    for (const [job, code] of [
      ['acme:nobody', 'not_found'],
      ['job-000000000000', 'not_found'],
      ['nobody:a', 'not_found'],
      ['a', 'invalid'],
    ] as const) {
      expect((await refusal(call(getJob, { job }))).code).toBe(code);
    }
  });
});

describe.each(doors)('a job that does not fit ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;

  it('is rejected with the numbers of the moment, which are an answer and no error', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 3000, memory_mb: 8000 });
    const asked = { cpu_m: 1500, memory_mb: 200, job_id: 'big' };
    const scope = { tenant: 'acme', pool: null };
    const answer = await admit(call, 'acme', asked);
    expect(answer).toMatchObject({
      ...{ id: null, job_id: 'big', state: 'rejected', code: 'over_quota', retryable: true },
      resources: { cpu_m: 1500, memory_mb: 200, jobs: 1 },
      ...{ requested_at: START, decided_at: START, admitted_at: null, expires_at: null },
      violations: [
        {
          ...{ scope, resource: 'cpu_m', code: 'over_quota' },
          ...{ limit: 4000, used: 3000, requested: 1500, over_by: 500 },
        },
        {
          ...{ scope, resource: 'memory_mb', code: 'over_quota' },
          ...{ limit: 8192, used: 8000, requested: 200, over_by: 8 },
        },
      ],
      error:
        'Rejected for acme: over quota (acme has cpu_m 3000 of 4000 used and 1500 is asked for; ' +
        'acme has memory_mb 8000 of 8192 used and 200 is asked for)',
      hint: `hodei explain ${answer.decision_id}`,
    });
    expect((await call(listJobs, { state: 'all' })).items).toHaveLength(1);
  });

  it('is told that it is impossible where it would not fit alone, and never queued', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 1000 });
    expect(await enqueue(call, 'acme', { cpu_m: 4001 })).toMatchObject({
      ...{ state: 'rejected', code: 'impossible', retryable: false },
      violations: [{ limit: 4000, used: 1000, requested: 4001, over_by: 1, code: 'impossible' }],
    });
    expect(await enqueue(call, 'acme', { gpu: 1 })).toMatchObject({ code: 'impossible' });
  });

  it('waits where that is wanted, with its place in the queue', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    const first = await enqueue(call, 'acme', { cpu_m: 1, job_id: 'w' });
    expect(first).toMatchObject({
      ...{ state: 'queued', job_id: 'w', position: 1, retryable: true, code: 'over_quota' },
      ...{ decided_at: START, admitted_at: null, expires_at: '2026-11-24T09:00:00.000Z' },
      violations: [{ resource: 'cpu_m', over_by: 1 }],
    });
    expect(first.error).toBeUndefined();
    expect(await enqueue(call, 'acme', { cpu_m: 2 })).toMatchObject({ position: 2 });
    expect(await call(getJob, { job: 'acme:w' })).toEqual(first);
    expect((await call(listJobs, { state: 'queued' })).items).toMatchObject([
      { position: 2 },
      { position: 1 },
    ]);
  });

  it('waits or not as the settings say where it says nothing itself', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    expect(await admit(call, 'acme')).toMatchObject({ state: 'rejected' });
    const quota_enforcement = { violation_policy: 'queue' as const };
    await call(applySettings, { multi_tenancy: { quota_enforcement } });
    expect(await admit(call, 'acme')).toMatchObject({ state: 'queued' });
    const asked = { cpu_m: 2, on_full: 'reject' as const };
    expect(await admit(call, 'acme', asked)).toMatchObject({ state: 'rejected' });
  });

  it('names every scope on its path that lacks room, nearest first, and then the pool', async () => {
    await makeLine(call, 'eng', 'web');
    await call(createPool, { id: 'gpu', resources: { cpu_m: 3000 } });
    await call(setQuota, { tenant: 'web', pool: 'gpu', cpu_m: 2500 });
    await call(setQuota, { tenant: 'eng', cpu_m: 3500 });
    await admit(call, 'web', { cpu_m: 2000, pool: 'gpu' });
    await admit(call, 'web', { cpu_m: 1500, pool: 'default' });
    const { violations, code } = await admit(call, 'web', { cpu_m: 1001, pool: 'gpu' });
    expect(code).toBe('over_quota');
    expect(
      violations?.map(({ scope, limit, used, over_by }) => [scope, limit, used, over_by]),
    ).toEqual([
      [{ tenant: 'web', pool: null }, 4000, 3500, 501],
      [{ tenant: 'web', pool: 'gpu' }, 2500, 2000, 501],
      [{ tenant: 'eng', pool: null }, 3500, 3500, 1001],
      [{ tenant: null, pool: 'gpu' }, 3000, 2000, 1],
    ]);
  });

  it('of a suspended tenant is rejected, also where it is one above that is suspended', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await call(suspendTenant, { tenant: 'web' });
    for (const tenant of ['web', 'shop']) {
      expect(await enqueue(call, tenant, { cpu_m: 1 })).toMatchObject({
        ...{ state: 'rejected', code: 'suspended', retryable: false },
        violations: [{ scope: { tenant: 'web', pool: null }, resource: null, limit: null }],
        error: `Rejected for ${tenant}: the tenant or one above it is suspended: nothing new starts there (web)`,
      });
    }
    expect(await admit(call, 'eng', { cpu_m: 1 })).toMatchObject({ state: 'admitted' });
  });

  it('into a held pool waits or is rejected for that', async () => {
    await makeTenant(call, 'acme');
    await call(holdPool, { pool: 'default' });
    const held = { code: 'pool_held', retryable: true };
    expect(await admit(call, 'acme')).toMatchObject({ state: 'rejected', ...held });
    expect(await enqueue(call, 'acme', { cpu_m: 1 })).toMatchObject({ state: 'queued', ...held });
  });
});

describe.each(doors)('a request ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;

  it.each([
    [{ cpu_m: -1 }, 'cpu_m: must be a whole number from 0 to 2^53-1'],
    [{ cpu_m: 0.5 }, 'cpu_m: must be a whole number'],
    [{ cpu_m: MAX + 1 }, 'cpu_m: must be a whole number'],
    [{ cpu_m: 1e300 }, 'cpu_m: must be a whole number'],
    [{ cpu_m: '1' }, 'cpu_m: must be a whole number'],
    [{ cpu_m: null }, 'cpu_m: must be a whole number'],
    [{ cpu_m: true }, 'cpu_m: must be a whole number'],
    [{ cpu_m: [1] }, 'cpu_m: must be a whole number'],
    [{ license: -3 }, 'license: must be a whole number'],
    [{}, 'A job that asks for nothing needs no quota.'],
    [{ cpu_m: 0 }, 'A job that asks for nothing needs no quota.'],
    [{ jobs: 0, gpu: 0 }, 'A job that asks for nothing needs no quota.'],
    [{ cpu_m: 1, job_id: '' }, 'a job_id has 1 to 200 printable characters'],
    [{ cpu_m: 1, job_id: ' x' }, 'a job_id has 1 to 200 printable characters'],
    [{ cpu_m: 1, job_id: 'x\u0000' }, 'a job_id has 1 to 200 printable characters'],
    [{ cpu_m: 1, ttl_seconds: 0 }, 'ttl_seconds: must be a whole number of seconds'],
    [{ cpu_m: 1, ttl_seconds: 31_536_001 }, 'ttl_seconds: must be a whole number of seconds'],
    [{ cpu_m: 1, queue_ttl_seconds: 1.5 }, 'queue_ttl_seconds: must be a whole number'],
    [{ cpu_m: 1, priority: 1_000_001 }, 'priority: must be a whole number'],
    [{ cpu_m: 1, on_full: 'burst' }, 'on_full: must be reject or queue'],
    [{ cpu_m: 1, labels: { 'no good': 'x' } }, "a label's key has"],
    [{ cpu_m: 1, started_at: 5 }, 'There is no resource "started_at".'],
    [{ cpu_m: 1, pool: '' }, 'pool: must not be ""'],
  ])('as %j is refused', async (asked, message) => {
    await makeTenant(call, 'acme');
    const refused = await refusal(admit(call, 'acme', asked as never));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
    expect(await hodei.events()).toHaveLength(2);
  });

  const known = 'Resources: cpu_m, memory_mb, gpu, jobs.';
  it.each([
    ['cpu', `Did you mean cpu_m? ${known}`],
    ['memory', `Did you mean memory_mb? ${known}`],
    ['gpus', `Did you mean gpu? ${known}`],
    ['max_concurrent_jobs', `Did you mean jobs? ${known}`],
    ['active_jobs', `Did you mean jobs? ${known}`],
    ['tll_seconds', `Did you mean ttl_seconds? ${known}`],
    ['license', known],
    ['constructor', known],
  ])('for %s, which nobody counts, is refused with those there are', async (field, hint) => {
    await makeTenant(call, 'acme');
    expect(await refusal(admit(call, 'acme', { cpu_m: 1, [field]: 1 }))).toEqual({
      ...{ code: 'invalid', message: `There is no resource "${field}".`, hint },
    });
  });

  it('of an unknown tenant or pool is refused with the nearest', async () => {
    await makeTenant(call, 'acme');
    await call(createPool, { id: 'gpu' });
    expect(await refusal(admit(call, 'amce'))).toEqual({
      ...{ code: 'not_found', message: 'Tenant not found: amce', hint: 'Did you mean acme?' },
    });
    expect(await refusal(admit(call, 'acme', { cpu_m: 1, pool: 'gpv' }))).toEqual({
      ...{ code: 'not_found', message: 'Pool not found: gpv', hint: 'Did you mean gpu?' },
    });
  });

  it('that names no pool goes to the only one, and has to where there are several', async () => {
    await makeTenant(call, 'acme');
    await call(createPool, { id: 'gpu' });
    expect(await admit(call, 'acme')).toMatchObject({ pool: 'default' });
    await call(releaseJob, { job: idOf((await call(listJobs, {})).items[0] ?? { id: null }) });
    await call(deletePool, { pool: 'default' });
    expect(await admit(call, 'acme')).toMatchObject({ pool: 'gpu' });
    await call(createPool, { id: 'spot' });
    expect(await refusal(admit(call, 'acme'))).toEqual({
      code: 'invalid',
      message: 'Which pool? The request names none, and there is none called default.',
      hint: 'There are: gpu, spot.',
    });
  });

  it('for a kind charges what it is a kind of, and where there are kinds has to say which', async () => {
    const resources = [{ name: 'gpu.h100' }, { name: 'gpu.a100' }];
    await call(applySettings, { resources });
    const kinds = { 'gpu.h100': null, 'gpu.a100': null };
    await makeTenant(call, 'acme', { quota: { gpu: 3, ...kinds } });
    await call(createPool, { id: 'gpu', resources: { 'gpu.h100': 2, 'gpu.a100': 2, gpu: 8 } });
    const job = await admit(call, 'acme', { pool: 'gpu', 'gpu.h100': 2 });
    expect(job.resources).toEqual({ gpu: 2, 'gpu.h100': 2, jobs: 1 });
    const two = { pool: 'gpu', 'gpu.h100': 1, 'gpu.a100': 1 };
    expect((await admit(call, 'acme', two)).violations).toMatchObject([
      { scope: { tenant: 'acme', pool: null }, resource: 'gpu', used: 2, requested: 2 },
      { scope: { tenant: null, pool: 'gpu' }, resource: 'gpu.h100', used: 2, limit: 2 },
    ]);
    expect(await refusal(admit(call, 'acme', { pool: 'gpu', gpu: 1 }))).toMatchObject({
      message: 'This pool has kinds of gpu, and the request does not say which.',
      hint: 'Ask for one of: gpu.h100, gpu.a100.',
    });
    expect(await admit(call, 'acme', { gpu: 1 })).toMatchObject({ resources: { gpu: 1, jobs: 1 } });
    await call(releaseJob, { job: idOf(job) });
  });

  it('that is only checked is answered as it would be, and leaves nothing', async () => {
    await makeTenant(call, 'acme');
    const events = await hodei.events();
    const fits = await call(checkJob, { tenant: 'acme', cpu_m: 4000, job_id: 'x' });
    expect(fits).toMatchObject({
      id: null,
      state: 'admitted',
      resources: { cpu_m: 4000, jobs: 1 },
    });
    const big = await call(checkJob, { tenant: 'acme', cpu_m: 4001 });
    expect(big).toMatchObject({ id: null, state: 'rejected', code: 'impossible' });
    expect(big.decision_id).toBeUndefined();
    expect(await hodei.events()).toEqual(events);
    expect((await call(listJobs, { state: 'all' })).items).toEqual([]);
    const job = await admit(call, 'acme', { cpu_m: 4000, job_id: 'x' });
    expect(await call(checkJob, { tenant: 'acme', cpu_m: 4000, job_id: 'x' })).toEqual({
      ...job,
      replayed: true,
    });
  });
});

describe.each(doors)('a list of jobs ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;

  it('has each job once, the newest first, whatever the pages', async () => {
    await makeTenant(call, 'acme', { quota: { max_concurrent_jobs: null } });
    const ids: (string | null)[] = [];
    for (let i = 0; i < 7; i++) ids.unshift((await admit(call, 'acme', { cpu_m: 1 })).id);
    const seen: (string | null)[] = [];
    for await (const { items } of everyPage((after) => call(listJobs, { limit: 3, ...after }))) {
      seen.push(...items.map(({ id }) => id));
    }
    expect(seen).toEqual(ids);
  });

  it('is narrowed by state, tenant, pool and age', async () => {
    await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    await call(createPool, { id: 'gpu' });
    const old = await admit(call, 'acme', { cpu_m: 4000, job_id: 'old' });
    hodei.clock.advance(60_000);
    await enqueue(call, 'acme', { cpu_m: 1, job_id: 'waits' });
    await admit(call, 'beta', { cpu_m: 1, job_id: 'other', pool: 'gpu' });
    const ended = await admit(call, 'beta', { cpu_m: 1, job_id: 'ended' });
    await call(releaseJob, { job: idOf(ended) });
    const names = async (filter: object) =>
      (await call(listJobs, filter)).items.map(({ job_id: name }) => name);
    expect(await names({})).toEqual(['other', 'waits', 'old']);
    expect(await names({ state: 'all' })).toEqual(['ended', 'other', 'waits', 'old']);
    expect(await names({ state: 'ended' })).toEqual(['ended']);
    expect(await names({ state: 'queued' })).toEqual(['waits']);
    expect(await names({ tenant: 'acme' })).toEqual(['waits', 'old']);
    expect(await names({ tenant: 'acme', state: 'admitted' })).toEqual(['old']);
    expect(await names({ pool: 'gpu' })).toEqual(['other']);
    expect(await names({ older_than_seconds: 60 })).toEqual([]);
    expect(await names({ older_than_seconds: 59 })).toEqual(['old']);
    await call(releaseJob, { job: idOf(old) });
  });
});
