import { describe, expect, it } from 'vitest';
import { getQuota, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('a quota in a tree ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const boundBy = async (tenant: string) => (await call(getQuota, { tenant })).bound_by;

  it('is bound by nobody where it leaves least itself', async () => {
    await makeLine(call, 'eng', 'web');
    hodei.setUsed('web', { cpu_m: 1 });
    hodei.setUsed('eng', { cpu_m: 1 });
    expect(await boundBy('web')).toEqual({});
  });

  it('is bound by whoever above it leaves less, through three levels', async () => {
    await makeLine(call, 'eng', 'web', 'shop', 'cart');
    await call(setQuota, { tenant: 'cart', cpu_m: 9000 });
    await call(setQuota, { tenant: 'shop', cpu_m: 8000 });
    await call(setQuota, { tenant: 'web', cpu_m: 7500 });
    await call(setQuota, { tenant: 'eng', cpu_m: 10_000 });
    hodei.setUsed('web', { cpu_m: 500 });
    hodei.setUsed('eng', { cpu_m: 2000 });
    const ofCart = async () => (await boundBy('cart'))['cpu_m'];
    expect(await ofCart()).toEqual({
      tenant: 'web',
      pool: null,
      limit: 7500,
      used: 500,
      free: 7000,
    });
    hodei.setUsed('eng', { cpu_m: 3001 });
    expect(await ofCart()).toEqual({
      tenant: 'eng',
      pool: null,
      limit: 10_000,
      used: 3001,
      free: 6999,
    });
    hodei.setUsed('eng', { cpu_m: 12_000 });
    expect(await ofCart()).toEqual({
      tenant: 'eng',
      pool: null,
      limit: 10_000,
      used: 12_000,
      free: 0,
    });
    hodei.setUsed('cart', { cpu_m: 9000 });
    expect(await ofCart()).toBeUndefined();
  });

  it('names the nearest of two that leave as little', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await call(setQuota, { tenant: 'shop', gpu: 9 });
    await call(setQuota, { tenant: 'web', gpu: 4 });
    await call(setQuota, { tenant: 'eng', gpu: 4 });
    expect((await boundBy('shop'))['gpu']?.tenant).toBe('web');
  });

  it('that is unlimited is bound by whoever is not, and unlimited binds nobody', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await call(setQuota, { tenant: 'shop', gpu: null });
    await call(setQuota, { tenant: 'web', gpu: null });
    await call(setQuota, { tenant: 'eng', gpu: 3 });
    const bound = { tenant: 'eng', pool: null, limit: 3, used: 0, free: 3 };
    expect((await boundBy('shop'))['gpu']).toEqual(bound);
    await call(setQuota, { tenant: 'eng', gpu: null });
    expect(await boundBy('shop')).not.toHaveProperty('gpu');
  });

  it('is bound by the default that holds for an ancestor', async () => {
    await makeLine(call, 'eng', 'web');
    await call(applySettings, { resources: [{ name: 'gpu', default_limit: 2 }] });
    await call(setQuota, { tenant: 'web', gpu: 5 });
    await call(unsetQuota, { tenant: 'eng', resource: 'gpu' });
    const bound = { tenant: 'eng', pool: null, limit: 2, used: 0, free: 2 };
    expect((await boundBy('web'))['gpu']).toEqual(bound);
  });

  it('is bound by its new ancestors once it moved', async () => {
    await makeLine(call, 'eng', 'web');
    await makeTenant(call, 'sales', { quota: { cpu_m: 10 } });
    await call(updateTenant, { tenant: 'web', parent: 'sales' });
    expect((await boundBy('web'))['cpu_m']?.tenant).toBe('sales');
    await call(updateTenant, { tenant: 'web', parent: null });
    expect(await boundBy('web')).toEqual({});
  });

  it('above that of an ancestor is set, with a warning that names the nearest', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await call(setQuota, { tenant: 'web', cpu_m: 5000 });
    await call(setQuota, { tenant: 'eng', cpu_m: 3000 });
    const warned = async (cpu_m: number | null) => {
      const { cpu_m: limit, warnings } = await call(setQuota, { tenant: 'shop', cpu_m });
      expect(limit).toBe(cpu_m);
      return warnings;
    };
    expect(await warned(6000)).toEqual([
      { resource: 'cpu_m', tenant: 'web', pool: null, limit: 5000 },
    ]);
    expect(await warned(3500)).toEqual([
      { resource: 'cpu_m', tenant: 'eng', pool: null, limit: 3000 },
    ]);
    expect(await warned(3000)).toEqual([]);
    expect(await warned(null)).toEqual([
      { resource: 'cpu_m', tenant: 'web', pool: null, limit: 5000 },
    ]);
  });

  it('is warned about for what changed only', async () => {
    await makeLine(call, 'eng', 'web');
    await call(setQuota, { tenant: 'web', cpu_m: 6000, gpu: 3 });
    const { warnings } = await call(setQuota, { tenant: 'web', memory_mb: 9000, gpu: 3 });
    expect(warnings).toEqual([{ resource: 'memory_mb', tenant: 'eng', pool: null, limit: 8192 }]);
  });

  it('is warned about where a limit is taken away and the default is above the ancestor', async () => {
    await makeLine(call, 'eng', 'web');
    await call(setQuota, { tenant: 'eng', gpu: 2 });
    await call(applySettings, { resources: [{ name: 'gpu', default_limit: null }] });
    const { gpu, warnings } = await call(unsetQuota, { tenant: 'web', resource: 'gpu' });
    expect(gpu).toBeNull();
    expect(warnings).toEqual([{ resource: 'gpu', tenant: 'eng', pool: null, limit: 2 }]);
  });
});
