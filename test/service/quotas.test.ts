import { describe, expect, it } from 'vitest';
import { getQuota, quotaHistory, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { deleteTenant, updateTenant } from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeTenant } from '../helpers/tenant.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const defaults = { cpu_m: 4000, memory_mb: 8192, gpu: 0, max_concurrent_jobs: 10 };
const noEffects = { over: [], started: [] };

describe.each(doors)('the quota of a new tenant ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is the default quota, and nothing of it is used', async () => {
    const acme = await makeTenant(call, 'acme');
    const quota = await call(getQuota, { tenant: 'acme' });
    expect(quota).toEqual({
      tenant_id: acme.id,
      tenant_name: 'acme',
      pool: null,
      ...defaults,
      unset: [],
      units: { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', max_concurrent_jobs: 'count' },
      current_usage: { cpu_m: 0, memory_mb: 0, gpu: 0, active_jobs: 0 },
      bound_by: {},
      ...{ effective: {}, bursts: [] },
      version: 1,
      updated_at: '2026-11-23T09:00:00.000Z',
    });
    for (const tenant of [acme.id, acme.id.slice(0, -2)]) {
      expect(await call(getQuota, { tenant })).toEqual(quota);
    }
  });

  it('can be said otherwise, also as unlimited', async () => {
    const quota = { cpu_m: 500, gpu: null, max_concurrent_jobs: 0 };
    await makeTenant(call, 'acme', { quota });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({
      ...quota,
      memory_mb: 8192,
      version: 1,
    });
  });

  it.each([
    [{ cpu: 4 }, 'There is no resource "cpu".'],
    [{ jobs: 4 }, 'There is no resource "jobs".'],
    [{ gpu: '+1' }, 'quota.gpu: must be a whole number'],
    [{ gpu: -1 }, 'quota.gpu: must be a whole number'],
    [{ gpu: 1.5 }, 'quota.gpu: must be a whole number'],
    [{ gpu: '4' }, 'quota.gpu: must be a whole number'],
    [{ tenant_id: 'x' }, 'quota.tenant_id: must be a whole number'],
  ])('is refused as %j, and with it the tenant', async (quota, message) => {
    const refused = await refusal(makeTenant(call, 'acme', { quota: quota as never }));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
    expect((await refusal(call(getQuota, { tenant: 'acme' }))).code).toBe('not_found');
    expect(await hodei.events()).toHaveLength(1);
  });
});

describe.each(doors)('setting limits ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('changes those that are named, and answers with the whole and what changed', async () => {
    const { id } = await makeTenant(call, 'acme');
    const before = await call(getQuota, { tenant: 'acme' });
    hodei.clock.advance(5_000);
    const answer = await call(setQuota, { tenant: 'acme', cpu_m: 6000, gpu: '+2' });
    const after = await call(getQuota, { tenant: id });
    expect(after).toEqual({
      ...before,
      cpu_m: 6000,
      gpu: 2,
      version: 2,
      updated_at: '2026-11-23T09:00:05.000Z',
    });
    expect(answer).toEqual({
      ...after,
      changes: [
        { resource: 'cpu_m', before: 4000, after: 6000 },
        { resource: 'gpu', before: 0, after: 2 },
      ],
      warnings: [],
      effects: noEffects,
    });
  });

  it('takes and answers unlimited as null', async () => {
    await makeTenant(call, 'acme');
    const answer = await call(setQuota, { tenant: 'acme', cpu_m: null });
    expect(answer.changes).toEqual([{ resource: 'cpu_m', before: 4000, after: null }]);
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ cpu_m: null, unset: [] });
    await call(setQuota, { tenant: 'acme', cpu_m: 0 });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ cpu_m: 0 });
  });

  it('that changes nothing keeps version and time, and leaves no event', async () => {
    await makeTenant(call, 'acme');
    const before = await call(getQuota, { tenant: 'acme' });
    const events = await hodei.events();
    hodei.clock.advance(5_000);
    for (const fields of [{}, { cpu_m: 4000 }, { gpu: '+0' }, { gpu: '-0' }, defaults]) {
      const answer = await call(setQuota, { tenant: 'acme', ...fields });
      expect(answer).toEqual({ ...before, changes: [], warnings: [], effects: noEffects });
    }
    expect(await hodei.events()).toEqual(events);
  });

  it('leaves one event with the limits that changed, before and after', async () => {
    const { id } = await makeTenant(call, 'acme');
    const asked = hodei.as({ reason: 'release week' });
    await asked(setQuota, {
      tenant: 'acme',
      cpu_m: 6000,
      gpu: null,
      memory_mb: 8192,
      max_concurrent_jobs: '+1',
    });
    const events = (await hodei.events()).slice(2);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ operation: 'quota.set', tenant: id, reason: 'release week' });
    expect(JSON.parse(events[0]?.before ?? '')).toEqual({
      cpu_m: 4000,
      gpu: 0,
      max_concurrent_jobs: 10,
    });
    expect(JSON.parse(events[0]?.after ?? '')).toEqual({
      cpu_m: 6000,
      gpu: null,
      max_concurrent_jobs: 11,
    });
  });

  it('below what is used is done: nothing that runs is touched', async () => {
    await makeTenant(call, 'acme');
    hodei.setUsed('acme', { cpu_m: 3000, jobs: 4 });
    const limits = { cpu_m: 1000, max_concurrent_jobs: 0, gpu: 3 };
    const { effects } = await call(setQuota, { tenant: 'acme', ...limits });
    const over = { tenant: 'acme', pool: null };
    expect(effects).toEqual({
      over: [
        { ...over, resource: 'cpu_m', limit: 1000, used: 3000, over_by: 2000 },
        { ...over, resource: 'jobs', limit: 0, used: 4, over_by: 4 },
      ],
      started: [],
    });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({
      cpu_m: 1000,
      current_usage: { cpu_m: 3000, active_jobs: 4 },
    });
  });

  it('goes up to 2^53-1 and not further, whichever way', async () => {
    await makeTenant(call, 'acme');
    await call(setQuota, { tenant: 'acme', cpu_m: MAX, gpu: `+${MAX}` });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ cpu_m: MAX, gpu: MAX });
    for (const fields of [
      { cpu_m: MAX + 1 },
      { cpu_m: '+1' },
      { memory_mb: `+${MAX}` },
      { memory_mb: '+9999999999999999' },
      { memory_mb: '+99999999999999999999' },
      { cpu_m: 1e300 },
    ]) {
      expect((await refusal(call(setQuota, { tenant: 'acme', ...fields }))).code).toBe('invalid');
    }
    await call(setQuota, { tenant: 'acme', cpu_m: `-${MAX - 1}` });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ cpu_m: 1, memory_mb: 8192 });
  });

  it.each([
    [{ gpu: '-1' }, 'gpu is 0 and cannot become 1 less.'],
    [{ cpu_m: '-4001' }, 'cpu is 4 cores and cannot become 4.001 cores less.'],
    [{ memory_mb: '-9007199254740992' }, 'memory is 8 GiB and cannot become'],
    [{ gpu: -1 }, 'gpu: must be a whole number'],
    [{ gpu: 0.5 }, 'gpu: must be a whole number'],
    [{ gpu: '2' }, 'gpu: must be a whole number'],
    [{ gpu: '+2k' }, 'gpu: must be a whole number'],
    [{ gpu: '' }, 'gpu: must be a whole number'],
    [{ gpu: true }, 'gpu: must be a whole number'],
    [{ gpu: [1] }, 'gpu: must be a whole number'],
    [{ gpu: 'unlimited' }, 'gpu: must be a whole number'],
    [{ unset: 'gpu' }, 'unset: '],
  ])('to %j is refused as a whole', async (fields, message) => {
    await makeTenant(call, 'acme');
    const before = await call(getQuota, { tenant: 'acme' });
    const input = { tenant: 'acme', max_concurrent_jobs: 99, ...fields };
    const refused = await refusal(call(setQuota, input as never));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
    expect(await call(getQuota, { tenant: 'acme' })).toEqual(before);
  });

  it('by an amount is refused from unlimited', async () => {
    await makeTenant(call, 'acme', { quota: { cpu_m: null } });
    expect(await refusal(call(setQuota, { tenant: 'acme', cpu_m: '-1' }))).toEqual({
      code: 'invalid',
      message: 'cpu is unlimited, and unlimited cannot be changed by an amount.',
      hint: 'Say the limit itself.',
    });
  });

  it.each([
    ['gpus', 'Did you mean gpu? There are: cpu_m, memory_mb, gpu, max_concurrent_jobs.'],
    ['max_concurent_jobs', 'Did you mean max_concurrent_jobs? There are: cpu_m, memory_mb,'],
    ['licences', 'There are: cpu_m, memory_mb, gpu, max_concurrent_jobs.'],
    ['constructor', 'There are: cpu_m'],
    ['depth', 'There are: cpu_m'],
    ['active_jobs', 'There are: cpu_m'],
  ])('of %s, which nobody counts, is refused with those there are', async (field, hint) => {
    await makeTenant(call, 'acme');
    const refused = await refusal(call(setQuota, { tenant: 'acme', [field]: 3 }));
    expect(refused).toMatchObject({ code: 'invalid', message: `There is no resource "${field}".` });
    expect(refused.hint).toContain(hint);
    const unset = await refusal(call(unsetQuota, { tenant: 'acme', resource: field }));
    expect(unset).toEqual(refused);
  });

  it('is refused where somebody changed them meanwhile', async () => {
    await makeTenant(call, 'acme');
    await call(setQuota, { tenant: 'acme', gpu: 1 }, { ifVersion: 1 });
    const stale = {
      code: 'stale_version',
      message: 'The quota of acme is at version 2, not 1.',
      hint: 'Somebody changed it meanwhile: read it again and repeat the change.',
    };
    for (const attempt of [
      () => call(setQuota, { tenant: 'acme', gpu: 2 }, { ifVersion: 1 }),
      () => call(setQuota, { tenant: 'acme', gpu: 1 }, { ifVersion: 1 }),
      () => call(unsetQuota, { tenant: 'acme', resource: 'gpu' }, { ifVersion: 1 }),
    ]) {
      expect(await refusal(attempt())).toEqual(stale);
    }
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ gpu: 1, version: 2 });
  });

  it('counts the changes of limits apart from those of the tenant', async () => {
    const acme = await makeTenant(call, 'acme');
    await call(setQuota, { tenant: 'acme', gpu: 1 });
    expect(await call(updateTenant, { tenant: 'acme', weight: 2 }, { ifVersion: 1 })).toEqual({
      ...acme,
      weight: 2,
      version: 2,
    });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ version: 2 });
  });

  it('is refused for the beginning of an id, and for a tenant that is gone', async () => {
    const { id } = await makeTenant(call, 'acme');
    const beginning = id.slice(0, -1);
    await makeTenant(call, 'gone');
    await call(deleteTenant, { tenant: 'gone' });
    for (const tenant of [beginning, 'gone']) {
      for (const attempt of [
        () => call(setQuota, { tenant, gpu: 1 }),
        () => call(unsetQuota, { tenant, resource: 'gpu' }),
      ]) {
        expect((await refusal(attempt())).message).toBe(`Tenant not found: ${tenant}`);
      }
    }
  });
});

describe.each(doors)('the history of a quota ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('says who changed what, when and why, the newest first, of this tenant only', async () => {
    const { id } = await makeTenant(call, 'acme', { quota: { gpu: 1 } });
    await makeTenant(call, 'beta');
    hodei.clock.advance(60_000);
    await hodei.as({ actingAs: 'ben', reason: 'asked' })(setQuota, { tenant: 'acme', gpu: 2 });
    await call(setQuota, { tenant: 'beta', gpu: 9 });
    await call(updateTenant, { tenant: 'acme', name: 'ajax', weight: 2 });
    await call(unsetQuota, { tenant: 'ajax', resource: 'gpu' });
    const { items } = await call(quotaHistory, { tenant: 'ajax' });
    expect(items.map(({ operation, after }) => [operation, after])).toEqual([
      ['quota.unset', { gpu: 'unset' }],
      ['quota.set', { gpu: 2 }],
      ['tenant.create', expect.objectContaining({ quota: { ...defaults, gpu: 1 } })],
    ]);
    expect(items[1]).toMatchObject({
      tenant: id,
      principal: hodei.principal,
      acting_as: 'ben',
      reason: 'asked',
      time: '2026-11-23T09:01:00.000Z',
      before: { gpu: 1 },
    });
  });

  it('comes page by page', async () => {
    await makeTenant(call, 'acme');
    for (const gpu of [1, 2, 3, 4]) await call(setQuota, { tenant: 'acme', gpu });
    const first = await call(quotaHistory, { tenant: 'acme', limit: 2 });
    await call(setQuota, { tenant: 'acme', gpu: 5 });
    const cursor = first.next_cursor ?? '';
    const second = await call(quotaHistory, { tenant: 'acme', limit: 3, cursor });
    const gpus = [...first.items, ...second.items].map(({ after }) => after?.['gpu']);
    expect(gpus).toEqual([4, 3, 2, 1, undefined]);
    expect(second.next_cursor).toBeNull();
  });
});
