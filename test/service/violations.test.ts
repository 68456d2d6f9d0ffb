import { describe, expect, it } from 'vitest';
import { getJob, releaseJob, resizeJob } from '../../src/service/jobs.ts';
import { createPool, holdPool } from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { deleteTenant, suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { listViolations } from '../../src/service/violations.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue, idOf } from '../helpers/job.ts';
import { everyPage } from '../helpers/pages.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const MINUTE = 60_000;
const START = '2026-11-23T09:00:00.000Z';

describe.each(doors)('a violation ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const list = async (filter: object = {}) => (await call(listViolations, filter)).items;

  it('is the record of a request that did not fit, with the numbers of that moment', async () => {
    const { id: tenant } = await makeTenant(call, 'acme');
    const full = await admit(call, 'acme', { cpu_m: 3000 });
    const answer = await admit(call, 'acme', { cpu_m: 1500, memory_mb: 5, job_id: 'big' });
    await call(releaseJob, { job: idOf(full) });
    await call(setQuota, { tenant: 'acme', cpu_m: 9000 });
    expect(await list()).toEqual([
      {
        ...{ id: answer.decision_id, outcome: 'rejected', code: 'over_quota', retryable: true },
        ...{ decided_by: 'violation_policy: reject', tenant: 'acme', tenant_id: tenant },
        ...{ pool: 'default', principal: hodei.principal, times: 1 },
        resources: { cpu_m: 1500, memory_mb: 5, jobs: 1 },
        ...{ first_at: START, last_at: START },
        violations: [
          {
            ...{ scope: { tenant: 'acme', pool: null }, resource: 'cpu_m', code: 'over_quota' },
            ...{ limit: 4000, used: 3000, requested: 1500, over_by: 500 },
          },
        ],
      },
    ]);
    expect(answer.violations).toEqual((await list())[0]?.violations);
  });

  it('leaves one event with what was asked for', async () => {
    const { id: tenant } = await makeTenant(call, 'acme');
    const { decision_id: object } = await admit(call, 'acme', { cpu_m: 5000 });
    const event = (await hodei.events()).at(-1);
    expect(event).toMatchObject({ operation: 'job.reject', tenant, object, before: null });
    expect(JSON.parse(event?.after ?? '')).toEqual({
      ...{
        job_id: null,
        pool: 'default',
        code: 'impossible',
        retryable: false,
        resources: { cpu_m: 5000, jobs: 1 },
      },
    });
  });

  it('is counted within a minute where it is the same, with the numbers of the last time', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 3000 });
    const first = await admit(call, 'acme', { cpu_m: 1500, job_id: 'a' });
    await admit(call, 'acme', { cpu_m: 500 });
    hodei.clock.advance(MINUTE);
    const events = await hodei.events();
    // Another name for it, and another labour: it is the same that did not fit.
    const second = await admit(call, 'acme', { cpu_m: 1500, job_id: 'b', priority: 3 });
    expect(second.decision_id).toBe(first.decision_id);
    expect(await hodei.events()).toEqual(events);
    expect(await list()).toMatchObject([
      {
        ...{
          id: first.decision_id,
          times: 2,
          first_at: START,
          last_at: '2026-11-23T09:01:00.000Z',
        },
        violations: [{ used: 3500, over_by: 1000 }],
      },
    ]);
    hodei.clock.advance(1);
    const third = await admit(call, 'acme', { cpu_m: 1500 });
    expect(third.decision_id).not.toBe(first.decision_id);
    expect(await list()).toMatchObject([{ times: 1 }, { times: 2 }]);
  });

  it('is another one for another amount, tenant, pool, principal or reason', async () => {
    await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    await call(createPool, { id: 'gpu' });
    await admit(call, 'acme', { cpu_m: 4000 });
    await admit(call, 'beta', { cpu_m: 4000 });
    await admit(call, 'acme', { cpu_m: 1 });
    await admit(call, 'acme', { cpu_m: 2 });
    await admit(call, 'beta', { cpu_m: 1 });
    await admit(call, 'acme', { cpu_m: 1, pool: 'gpu' });
    await admit(hodei.local({ principal: 'ben' }), 'acme', { cpu_m: 1 });
    await call(holdPool, { pool: 'default' });
    await admit(call, 'acme', { cpu_m: 1 });
    await call(suspendTenant, { tenant: 'acme' });
    await admit(call, 'acme', { cpu_m: 1 });
    const all = await list();
    expect(all.map(({ times }) => times)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(all[0]).toMatchObject({ code: 'suspended', retryable: false });
    expect(all[1]).toMatchObject({ violations: [{ code: 'over_quota' }, { code: 'pool_held' }] });
  });

  it('of what waits is a record of its own, and told apart from a rejection', async () => {
    await makeTenant(call, 'acme');
    await admit(call, 'acme', { cpu_m: 4000 });
    const asked = { cpu_m: 1 };
    const first = await enqueue(call, 'acme', asked);
    const rejected = await admit(call, 'acme', { ...asked, on_full: 'reject' });
    const second = await enqueue(call, 'acme', asked);
    expect(await list()).toMatchObject([
      { id: second.decision_id, outcome: 'queued', times: 1, decided_by: 'on_full' },
      { id: rejected.decision_id, outcome: 'rejected', times: 1, decided_by: 'on_full' },
      { id: first.decision_id, outcome: 'queued', times: 1 },
    ]);
    expect((await call(getJob, { job: idOf(first) })).violations).toEqual(first.violations);
    expect(
      (await hodei.events()).filter(({ operation }) => operation === 'job.reject'),
    ).toHaveLength(1);
  });

  it('of a job that would grow is told apart from that of a new one', async () => {
    await makeTenant(call, 'acme');
    const job = await admit(call, 'acme', { cpu_m: 1000, job_id: 'a' });
    await admit(call, 'acme', { cpu_m: 3000 });
    const grown = await call(resizeJob, { job: idOf(job), jobs: 2, cpu_m: 1500 });
    expect(grown).toMatchObject({ state: 'rejected', resources: { cpu_m: 1000, jobs: 1 } });
    await admit(call, 'acme', { cpu_m: 500 });
    await admit(call, 'acme', { cpu_m: 1500, jobs: 2 });
    expect((await list()).map(({ times, decided_by: by }) => [times, by])).toEqual([
      [1, 'violation_policy: reject'],
      [1, 'violation_policy: reject'],
      [1, 'resize'],
    ]);
  });

  it('is found by tenant, pool, resource, code and time', async () => {
    await makeLine(call, 'eng', 'acme');
    await call(createPool, { id: 'gpu', resources: { memory_mb: 10 } });
    await admit(call, 'acme', { cpu_m: 4000 });
    await admit(call, 'eng', { gpu: 1 });
    hodei.clock.advance(MINUTE);
    await admit(call, 'acme', { cpu_m: 1 });
    hodei.clock.advance(MINUTE);
    await admit(call, 'acme', { memory_mb: 11, pool: 'gpu' });
    const found = async (filter: object) => (await list(filter)).map(({ resources }) => resources);
    const [memory, cpu, gpu] = [
      { memory_mb: 11, jobs: 1 },
      { cpu_m: 1, jobs: 1 },
      { gpu: 1, jobs: 1 },
    ];
    expect(await found({})).toEqual([memory, cpu, gpu]);
    expect(await found({ tenant: 'acme' })).toEqual([memory, cpu]);
    expect(await found({ pool: 'gpu' })).toEqual([memory]);
    expect(await found({ resource: 'cpu_m' })).toEqual([cpu]);
    expect(await found({ resource: 'jobs' })).toEqual([]);
    expect(await found({ code: 'impossible' })).toEqual([memory, gpu]);
    expect(await found({ code: 'impossible', resource: 'gpu' })).toEqual([gpu]);
    expect(await found({ code: 'impossible', resource: 'cpu_m' })).toEqual([]);
    expect(await found({ code: 'waiting_ahead' })).toEqual([]);
    expect(await found({ since: '2026-11-23T09:01:00Z' })).toEqual([memory, cpu]);
    expect(await found({ until: '2026-11-23T10:01:00+01:00' })).toEqual([gpu]);
    expect(await found({ tenant: 'acme', pool: 'gpu', code: 'impossible', limit: 1 })).toEqual([
      memory,
    ]);
  });

  it('lasts when its tenant is renamed or deleted, and its resource retired', async () => {
    await call(applySettings, { resources: [{ name: 'license' }] });
    const { id } = await makeTenant(call, 'acme');
    await admit(call, 'acme', { license: 1 });
    await call(updateTenant, { tenant: 'acme', name: 'ajax' });
    await call(deleteTenant, { tenant: 'ajax' });
    await call(applySettings, { resources: [] });
    await makeTenant(call, 'acme');
    expect(await list({ tenant: 'acme' })).toEqual([]);
    expect(await list({ tenant: id, resource: 'license' })).toMatchObject([
      { tenant: 'ajax', tenant_id: id, resources: { license: 1 } },
    ]);
  });

  it('is listed page by page, the newest first', async () => {
    await makeTenant(call, 'acme');
    for (let cpu_m = 5001; cpu_m <= 5007; cpu_m++) await admit(call, 'acme', { cpu_m });
    const seen: (number | undefined)[] = [];
    const pages = everyPage((after) => call(listViolations, { limit: 3, ...after }));
    for await (const { items } of pages)
      seen.push(...items.map(({ resources }) => resources['cpu_m']));
    expect(seen).toEqual([5007, 5006, 5005, 5004, 5003, 5002, 5001]);
  });

  it.each([
    [{ resource: 'gpus' }, 'invalid', 'There is no resource "gpus".', 'Did you mean gpu?'],
    [{ code: 'full' }, 'invalid', 'code: must be', undefined],
    [{ since: 'yesterday' }, 'invalid', 'since: must be a time such as', undefined],
    [{ tenant: 'amce' }, 'not_found', 'Tenant not found: amce', 'Did you mean acme?'],
    [{ pool: 'nowhere' }, 'not_found', 'Pool not found: nowhere', undefined],
    [{ cursor: 'x' }, 'invalid', '', undefined],
  ])('is not looked for by %j', async (filter, code, message, hint) => {
    await makeTenant(call, 'acme');
    const refused = await refusal(call(listViolations, filter as never));
    expect(refused.code).toBe(code);
    expect(refused.message).toContain(message);
    if (hint !== undefined) expect(refused.hint).toContain(hint);
  });
});
