import { describe, expect, it } from 'vitest';
import { getQuota, quotaHistory, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const noEffects = { over: [], started: [] };

describe.each(doors)('unsetting a limit ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const defaultOfGpu = (limit: number | null) =>
    call(applySettings, { resources: [{ name: 'gpu', default_limit: limit }] });

  it("makes the resource's default hold, also when that changes", async () => {
    await makeTenant(call, 'acme', { quota: { gpu: 3 } });
    const answer = await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    expect(answer).toMatchObject({
      gpu: 0,
      unset: ['gpu'],
      changes: [{ resource: 'gpu', before: 3, after: 0 }],
      version: 2,
    });
    await defaultOfGpu(7);
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ gpu: 7, unset: ['gpu'] });
    await defaultOfGpu(null);
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ gpu: null, unset: ['gpu'] });
  });

  it('is told apart in the history from a limit that is equal', async () => {
    await makeTenant(call, 'acme', { quota: { gpu: 0 } });
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    await call(setQuota, { tenant: 'acme', gpu: 0 });
    const { items } = await call(quotaHistory, { tenant: 'acme', limit: 2 });
    expect(items.map(({ operation, before, after }) => ({ operation, before, after }))).toEqual([
      { operation: 'quota.set', before: { gpu: 'unset' }, after: { gpu: 0 } },
      { operation: 'quota.unset', before: { gpu: 0 }, after: { gpu: 'unset' } },
    ]);
  });

  it('that is unset already does nothing', async () => {
    await makeTenant(call, 'acme');
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    const before = {
      quota: await call(getQuota, { tenant: 'acme' }),
      events: await hodei.events(),
    };
    hodei.clock.advance(1_000);
    const answer = await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    expect(answer).toEqual({ ...before.quota, changes: [], warnings: [], effects: noEffects });
    expect(await hodei.events()).toEqual(before.events);
  });

  it('of jobs goes by the name of its field', async () => {
    await makeTenant(call, 'acme');
    await call(unsetQuota, { tenant: 'acme', resource: 'max_concurrent_jobs' });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({
      max_concurrent_jobs: 0,
      unset: ['max_concurrent_jobs'],
    });
  });

  it('lets a relative change begin from the default', async () => {
    await defaultOfGpu(5);
    await makeTenant(call, 'acme');
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    await call(setQuota, { tenant: 'acme', gpu: '+2' });
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({ gpu: 7, unset: [] });
  });
});

describe.each(doors)('a quota document that is sent back ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('as it was answered changes nothing, and what was unset stays unset', async () => {
    await makeLine(call, 'eng', 'acme');
    await call(setQuota, { tenant: 'acme', cpu_m: null });
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    hodei.setUsed('acme', { cpu_m: 10 });
    const seen = await call(getQuota, { tenant: 'acme' });
    const events = await hodei.events();
    const answer = await call(setQuota, { ...seen, tenant: 'acme' }, { ifVersion: seen.version });
    expect(answer).toEqual({ ...seen, changes: [], warnings: [], effects: noEffects });
    expect(await call(setQuota, { ...answer, tenant: 'acme' })).toEqual(answer);
    expect(await hodei.events()).toEqual(events);
  });

  it('edited changes what was edited, also where that was unset', async () => {
    await makeTenant(call, 'acme');
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    await call(unsetQuota, { tenant: 'acme', resource: 'memory_mb' });
    const seen = await call(getQuota, { tenant: 'acme' });
    const answer = await call(setQuota, { ...seen, tenant: 'acme', gpu: 4, cpu_m: 1 });
    expect(answer.changes).toEqual([
      { resource: 'cpu_m', before: 4000, after: 1 },
      { resource: 'gpu', before: 0, after: 4 },
    ]);
    expect(answer.unset).toEqual(['memory_mb']);
  });

  it('gives the default as a limit of its own where it is not said to be unset', async () => {
    await makeTenant(call, 'acme');
    await call(unsetQuota, { tenant: 'acme', resource: 'gpu' });
    const answer = await call(setQuota, { tenant: 'acme', gpu: 0 });
    expect(answer).toMatchObject({ gpu: 0, unset: [], version: 3 });
    expect(answer.changes).toEqual([{ resource: 'gpu', before: 0, after: 0 }]);
  });

  it('has no say in what is used or who binds', async () => {
    await makeTenant(call, 'acme');
    const seen = await call(getQuota, { tenant: 'acme' });
    const answer = await call(setQuota, {
      ...seen,
      tenant: 'acme',
      current_usage: { cpu_m: 999 },
      bound_by: { cpu_m: 'nobody' },
      tenant_name: 'beta',
      version: 77,
    });
    expect(answer).toEqual({ ...seen, changes: [], warnings: [], effects: noEffects });
  });
});
