import { describe, expect, it } from 'vitest';
import { listAudit } from '../../src/service/events.ts';
import { getQuota, quotaHistory, setQuota } from '../../src/service/quotas.ts';
import { deleteTenant, getTenant, listTenants, updateTenant } from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('a deleted tenant ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is gone from every list and every look-up', async () => {
    const { id } = await makeTenant(call, 'acme', { labels: { tier: 'gold' } });
    hodei.setUsed('acme', { cpu_m: 4000 });
    await expect(call(deleteTenant, { tenant: 'acme' })).resolves.toBeUndefined();
    for (const tenant of ['acme', id, id.slice(0, -1)]) {
      expect((await refusal(call(getTenant, { tenant }))).message).toBe(
        `Tenant not found: ${tenant}`,
      );
      expect((await refusal(call(getQuota, { tenant }))).code).toBe('not_found');
      expect((await refusal(call(updateTenant, { tenant, weight: 2 }))).code).toBe('not_found');
      expect((await refusal(call(deleteTenant, { tenant }))).code).toBe('not_found');
    }
    const empty = { items: [], next_cursor: null };
    expect(await call(listTenants, {})).toEqual(empty);
    expect(await call(listTenants, { label: 'tier=gold' })).toEqual(empty);
    expect(await call(listTenants, { tree: true })).toEqual(empty);
    expect(await call(listTenants, { sort: 'created' })).toEqual(empty);
  });

  it('leaves one event with what it was', async () => {
    await makeTenant(call, 'acme', { weight: 3, labels: { tier: 'gold' } });
    await hodei.as({ reason: 'left us' })(deleteTenant, { tenant: 'acme' });
    const events = (await hodei.events()).slice(2);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      operation: 'tenant.delete',
      reason: 'left us',
      after: null,
    });
    expect(JSON.parse(events[0]?.before ?? '')).toEqual({
      name: 'acme',
      email: 'ops@acme.example',
      parent: null,
      weight: 3,
      labels: { tier: 'gold' },
      status: 'active',
    });
  });

  it('leaves its name to a new one, which has a history of its own', async () => {
    const old = await makeTenant(call, 'acme');
    await call(setQuota, { tenant: 'acme', gpu: 7 });
    hodei.setUsed('acme', { cpu_m: 100 });
    await call(deleteTenant, { tenant: 'acme' });
    const fresh = await makeTenant(call, 'acme');
    expect(fresh.id).not.toBe(old.id);
    expect(await call(getQuota, { tenant: 'acme' })).toMatchObject({
      gpu: 0,
      current_usage: { cpu_m: 0 },
      version: 1,
    });
    const operations = async (tenant: string) => {
      const { items } = await call(listAudit, { tenant });
      return items.map((item) => item.operation);
    };
    expect(await operations('acme')).toEqual(['tenant.create']);
    expect(await operations(old.id)).toEqual(['tenant.delete', 'quota.set', 'tenant.create']);
    expect((await call(quotaHistory, { tenant: old.id })).items).toHaveLength(2);
    expect((await refusal(call(listAudit, { tenant: 'nobody' }))).code).toBe('not_found');
  });

  it('can be deleted, created and deleted again under one name any number of times', async () => {
    for (let round = 0; round < 4; round++) {
      await makeTenant(call, 'acme');
      await call(deleteTenant, { tenant: 'acme' });
    }
    expect((await hodei.events()).at(-1)?.sequence).toBe(9);
  });

  it('is kept where somebody changed it meanwhile', async () => {
    await makeTenant(call, 'acme');
    await call(updateTenant, { tenant: 'acme', weight: 2 });
    const stale = call(deleteTenant, { tenant: 'acme' }, { ifVersion: 1 });
    expect((await refusal(stale)).code).toBe('stale_version');
    await call(deleteTenant, { tenant: 'acme' }, { ifVersion: 2 });
  });
});

describe.each(doors)('a tenant with others below it ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('is not deleted unless all of them are to be', async () => {
    await makeLine(call, 'eng', 'web');
    expect(await refusal(call(deleteTenant, { tenant: 'eng' }))).toEqual({
      code: 'conflict',
      message: 'eng has tenants below it, such as web.',
      hint: 'Move or delete them first, or delete all of them: hodei tenant delete eng --cascade',
    });
    expect(await refusal(call(deleteTenant, { tenant: 'eng', cascade: false }))).toMatchObject({
      code: 'conflict',
    });
    expect((await call(listTenants, {})).items).toHaveLength(2);
  });

  it('is deleted once they moved away or were deleted', async () => {
    await makeLine(call, 'eng', 'web');
    await makeTenant(call, 'app', { parent: 'eng' });
    await call(updateTenant, { tenant: 'app', parent: null });
    await call(deleteTenant, { tenant: 'web' });
    await call(deleteTenant, { tenant: 'eng' });
    expect((await call(listTenants, {})).items).toMatchObject([{ name: 'app', parent: null }]);
  });

  it('is deleted with all of them, leaf first, an event for each, and nobody else', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await makeTenant(call, 'app', { parent: 'eng' });
    await makeLine(call, 'sales', 'emea');
    const before = (await hodei.events()).length;
    await call(deleteTenant, { tenant: 'eng', cascade: true });
    const events = (await hodei.events()).slice(before);
    expect(events.every(({ operation }) => operation === 'tenant.delete')).toBe(true);
    const order = events.map((event) => (JSON.parse(event.before ?? '') as { name: string }).name);
    expect(new Set(order)).toEqual(new Set(['eng', 'web', 'shop', 'app']));
    expect(order.indexOf('shop')).toBeLessThan(order.indexOf('web'));
    expect(order.at(-1)).toBe('eng');
    const { items } = await call(listTenants, {});
    expect(items.map(({ name }) => name)).toEqual(['emea', 'sales']);
  });

  it('and everything below it can be made anew under the same names', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await call(deleteTenant, { tenant: 'eng', cascade: true });
    await makeLine(call, 'shop', 'web', 'eng');
    const { items } = await call(listTenants, { tree: true });
    expect(items.map(({ name, depth }) => [name, depth])).toEqual([
      ['shop', 0],
      ['web', 1],
      ['eng', 2],
    ]);
  });

  it('is deleted whole, however many they are', async () => {
    await makeTenant(call, 'eng');
    await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        makeTenant(hodei.local({}), `t-${i}`, { parent: 'eng' }),
      ),
    );
    await call(deleteTenant, { tenant: 'eng', cascade: true });
    expect((await call(listTenants, {})).items).toEqual([]);
    expect((await hodei.events()).at(-1)?.sequence).toBe(1 + 301 + 301);
  });

  it('does not count those that were deleted before', async () => {
    await makeLine(call, 'eng', 'web');
    await call(deleteTenant, { tenant: 'web' });
    await call(deleteTenant, { tenant: 'eng' });
    expect((await call(listTenants, {})).items).toEqual([]);
  });
});
