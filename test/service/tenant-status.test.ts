import { describe, expect, it } from 'vitest';
import { getQuota } from '../../src/service/quotas.ts';
import { getTenant, resumeTenant, suspendTenant } from '../../src/service/tenants.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

describe.each(doors)('a suspended tenant ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;

  it('says so, at a new version, until it is resumed', async () => {
    const acme = await makeTenant(call, 'acme');
    hodei.clock.advance(60_000);
    const suspended = await call(suspendTenant, { tenant: 'acme' });
    expect(suspended).toEqual({
      ...acme,
      status: 'suspended',
      version: 2,
      updated_at: '2026-11-23T09:01:00.000Z',
    });
    expect(await call(getTenant, { tenant: 'acme' })).toEqual(suspended);
    expect(await call(resumeTenant, { tenant: acme.id })).toMatchObject({
      status: 'active',
      version: 3,
    });
  });

  it('leaves one event for each change, and none where nothing changes', async () => {
    await makeTenant(call, 'acme');
    await call(resumeTenant, { tenant: 'acme' });
    await call(suspendTenant, { tenant: 'acme' });
    await call(suspendTenant, { tenant: 'acme' });
    await call(resumeTenant, { tenant: 'acme' });
    const events = (await hodei.events()).slice(2);
    expect(events.map(({ operation, before, after }) => [operation, before, after])).toEqual([
      ['tenant.suspend', '{"status":"active"}', '{"status":"suspended"}'],
      ['tenant.resume', '{"status":"suspended"}', '{"status":"active"}'],
    ]);
    expect(await call(getTenant, { tenant: 'acme' })).toMatchObject({ version: 3 });
  });

  it('is not touched by a call that saw an older version, even where nothing would change', async () => {
    await makeTenant(call, 'acme');
    await call(suspendTenant, { tenant: 'acme' }, { ifVersion: 1 });
    for (const operation of [suspendTenant, resumeTenant]) {
      expect(await refusal(call(operation, { tenant: 'acme' }, { ifVersion: 1 }))).toEqual({
        code: 'stale_version',
        message: 'acme is at version 2, not 1.',
        hint: 'Somebody changed it meanwhile: read it again and repeat the change.',
      });
    }
    expect(await call(getTenant, { tenant: 'acme' })).toMatchObject({ status: 'suspended' });
  });

  it('keeps its quota and its children', async () => {
    await makeLine(call, 'eng', 'web');
    const quota = await call(getQuota, { tenant: 'eng' });
    await call(suspendTenant, { tenant: 'eng' });
    expect(await call(getQuota, { tenant: 'eng' })).toEqual(quota);
    expect(await call(getTenant, { tenant: 'web' })).toMatchObject({ status: 'active' });
  });
});
