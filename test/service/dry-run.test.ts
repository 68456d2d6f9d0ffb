import { describe, expect, it } from 'vitest';
import type { Call } from '../../src/service/operation.ts';
import {
  createPool,
  deletePool,
  holdPool,
  resumePool,
  updatePool,
} from '../../src/service/pools.ts';
import { getQuota, setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import {
  createTenant,
  deleteTenant,
  getTenant,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../src/service/tenants.ts';
import { repairUsage } from '../../src/service/usage.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump } from '../helpers/store.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

const dryRun = { dryRun: true };
const tenant = 'web';

/** Every operation that changes something, on a tree of eng, web and shop and two pools. */
const changes: Record<string, (call: Call, options?: { dryRun: boolean }) => Promise<unknown>> = {
  'tenant.create': (call, options) =>
    call(createTenant, { name: 'acme', email: 'a@acme.example', parent: tenant }, options),
  'tenant.update': (call, options) =>
    call(updateTenant, { tenant, name: 'site', parent: null, labels: { a: 'b' } }, options),
  'tenant.suspend': (call, options) => call(suspendTenant, { tenant }, options),
  'tenant.resume': (call, options) => call(resumeTenant, { tenant: 'shop' }, options),
  'tenant.delete': (call, options) => call(deleteTenant, { tenant, cascade: true }, options),
  'quota.set': (call, options) => call(setQuota, { tenant, cpu_m: 9000, gpu: '+1' }, options),
  'quota.unset': (call, options) => call(unsetQuota, { tenant, resource: 'cpu_m' }, options),
  'usage.repair': (call, options) => call(repairUsage, {}, options),
  'pool.create': (call, options) => call(createPool, { id: 'cpu', max_size: 2 }, options),
  'pool.update': (call, options) => call(updatePool, { pool: 'gpu', max_size: 2 }, options),
  'pool.hold': (call, options) => call(holdPool, { pool: 'gpu' }, options),
  'pool.resume': (call, options) => call(resumePool, { pool: 'spot' }, options),
  'pool.delete': (call, options) => call(deletePool, { pool: 'gpu' }, options),
  'config.apply': (call, options) =>
    call(applySettings, { resources: [{ name: 'license' }] }, options),
};

describe.each(doors)('a dry run ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const tree = async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await call(updateTenant, { tenant, labels: { tier: 'gold' } });
    await call(suspendTenant, { tenant: 'shop' });
    await call(createPool, { id: 'gpu' });
    await call(createPool, { id: 'spot' });
    await call(holdPool, { pool: 'spot' });
    // Which no job explains.
    hodei.setUsed('shop', { gpu: 1 });
  };

  it.each(Object.keys(changes))('of %s changes no row of any table', async (name) => {
    await tree();
    const before = dump(hodei.path);
    await changes[name]?.(call, dryRun);
    expect(dump(hodei.path)).toEqual(before);
  });

  it.each(Object.keys(changes))('of %s answers what the call then answers', async (name) => {
    await tree();
    hodei.ids.say('tenant-bbbbbbbbbbbb', 'tenant-bbbbbbbbbbbb');
    const before = await hodei.events();
    const said = await changes[name]?.(call, dryRun);
    expect(await changes[name]?.(call)).toEqual(said);
    expect((await hodei.events()).length).toBeGreaterThan(before.length);
  });

  it('is refused where the call would be', async () => {
    await tree();
    expect((await refusal(call(deleteTenant, { tenant: 'eng' }, dryRun))).code).toBe('conflict');
    expect((await refusal(makeTenantDry('web'))).code).toBe('conflict');
    const stale = call(setQuota, { tenant, gpu: 1 }, { dryRun: true, ifVersion: 9 });
    expect((await refusal(stale)).code).toBe('stale_version');
  });

  it('among other calls of one commit takes nothing from them and leaves them nothing', async () => {
    await tree();
    const sequence = (await hodei.events()).length;
    const answers = await Promise.all([
      call(setQuota, { tenant, gpu: 1 }),
      call(setQuota, { tenant, gpu: 5, cpu_m: 1 }, dryRun),
      call(updateTenant, { tenant: 'eng', name: 'lab' }, dryRun),
      call(setQuota, { tenant, memory_mb: 1 }),
      makeTenantDry('acme'),
      makeTenant(call, 'acme', { parent: 'eng' }),
      call(deleteTenant, { tenant: 'eng', cascade: true }, dryRun),
    ]);
    expect(answers[1]).toMatchObject({ gpu: 5, cpu_m: 1 });
    expect(answers[2]).toMatchObject({ name: 'lab' });
    expect(await call(getQuota, { tenant })).toMatchObject({ gpu: 1, cpu_m: 4000, memory_mb: 1 });
    expect(await call(getTenant, { tenant: 'acme' })).toMatchObject({ parent: 'eng' });
    const events = (await hodei.events()).slice(sequence);
    expect(events.map(({ sequence: number }) => number - sequence)).toEqual([1, 2, 3]);
  });

  function makeTenantDry(name: string) {
    return call(createTenant, { name, email: 'a@b.example' }, dryRun);
  }
});
