import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { admitJob, releaseJob } from '../../src/service/jobs.ts';
import { setQuota, unsetQuota } from '../../src/service/quotas.ts';
import { applySettings } from '../../src/service/settings.ts';
import { suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { getUsage, listUsage } from '../../src/service/usage.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { everyPage } from '../helpers/pages.ts';
import { makeFreeTenant, makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeLine, makeTenant } from '../helpers/tenant.ts';

type ListInput = z.input<ReturnType<typeof listUsage.input>>;
type JobInput = z.input<ReturnType<typeof admitJob.input>>;

const nothing = { cpu_m: 0, memory_mb: 0, gpu: 0, jobs: 0 };

describe.each(doors)('usage ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const start = (tenant: string, asked: Partial<JobInput> = {}) =>
    call(admitJob, { tenant, pool: 'default', cpu_m: 1000, ...asked });
  const names = async (input: ListInput) => {
    const { items } = await call(listUsage, input);
    return items.map(({ tenant, depth }) => (depth === undefined ? tenant : `${depth}${tenant}`));
  };

  it('of a tenant without jobs is nothing, beside the limits in force', async () => {
    const { id } = await makeTenant(call, 'acme', { quota: { gpu: null, cpu_m: 9000 } });
    expect(await call(getUsage, { tenant: 'acme' })).toEqual({
      tenant: 'acme',
      tenant_id: id,
      total: nothing,
      pools: [],
      limits: { cpu_m: 9000, memory_mb: 8192, gpu: null, jobs: 10 },
      units: { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', jobs: 'count' },
    });
  });

  it('of a tenant is what it and everything below it holds, in all and in each pool', async () => {
    await makePool(call, 'spot');
    await makeLine(call, 'eng', 'web');
    await start('eng', { cpu_m: 500 });
    await start('web', { memory_mb: 1024 });
    await start('web', { pool: 'spot', jobs: 2 });
    const web = await call(getUsage, { tenant: 'web' });
    expect(web.total).toEqual({ cpu_m: 2000, memory_mb: 1024, gpu: 0, jobs: 3 });
    const eng = await call(getUsage, { tenant: 'eng' });
    expect(eng.total).toEqual({ cpu_m: 2500, memory_mb: 1024, gpu: 0, jobs: 4 });
    expect(eng.pools).toEqual([
      { pool: 'default', used: { cpu_m: 1500, memory_mb: 1024, gpu: 0, jobs: 2 } },
      { pool: 'spot', used: { ...nothing, cpu_m: 1000, jobs: 2 } },
    ]);
  });

  it('counts neither what waits nor what has ended, and names no pool that is empty', async () => {
    await makeFreeTenant(call, 'acme');
    await makePool(call, 'small', { max_size: 1, resources: { cpu_m: 1000 } });
    const { id } = await start('acme', { pool: 'small' });
    const waiting = await start('acme', { pool: 'small', cpu_m: 500, on_full: 'queue' });
    expect(waiting.state).toBe('queued');
    expect(await call(getUsage, { tenant: 'acme' })).toMatchObject({ total: { cpu_m: 1000 } });
    await call(releaseJob, { job: String(id) });
    // What had waited has started in its place.
    expect(await call(getUsage, { tenant: 'acme' })).toMatchObject({ total: { cpu_m: 500 } });
    await call(releaseJob, { job: String(waiting.id) });
    expect(await call(getUsage, { tenant: 'acme' })).toMatchObject({ total: nothing, pools: [] });
  });

  it('is that of now, also where a lease has run out and nothing was written since', async () => {
    await makeLine(call, 'eng', 'web');
    await start('web', { ttl_seconds: 60 });
    await start('web', { ttl_seconds: 600 });
    hodei.clock.advance(60_000);
    for (const tenant of ['eng', 'web']) {
      const { total, pools } = await call(getUsage, { tenant });
      expect(total).toEqual({ ...nothing, cpu_m: 1000, jobs: 1 });
      expect(pools).toEqual([{ pool: 'default', used: total }]);
    }
    hodei.clock.advance(540_000);
    expect(await call(getUsage, { tenant: 'eng' })).toMatchObject({ total: nothing, pools: [] });
  });

  it('goes by the default where a limit is unset, and by the catalogue as it is', async () => {
    await makeTenant(call, 'acme');
    await call(setQuota, { tenant: 'acme', gpu: 3 });
    await call(unsetQuota, { tenant: 'acme', resource: 'cpu_m' });
    await call(applySettings, { resources: [{ name: 'tape', unit: 'drives', default_limit: 2 }] });
    const { limits, total, units } = await call(getUsage, { tenant: 'acme' });
    expect(limits).toEqual({ cpu_m: 0, memory_mb: 8192, gpu: 3, jobs: 10, tape: 2 });
    expect(total).toEqual({ ...nothing, tape: 0 });
    expect(units['tape']).toBe('drives');
    await call(applySettings, {});
    expect((await call(getUsage, { tenant: 'acme' })).limits).not.toHaveProperty('tape');
  });

  it('is found by id, name and the beginning of an id, and of nobody else', async () => {
    const acme = await makeTenant(call, 'acme');
    await makeTenant(call, 'beta');
    for (const tenant of ['acme', acme.id, acme.id.slice(0, -3)]) {
      expect((await call(getUsage, { tenant })).tenant_id).toBe(acme.id);
    }
    expect(await refusal(call(getUsage, { tenant: 'amce' }))).toMatchObject({
      code: 'not_found',
      message: 'Tenant not found: amce',
      hint: 'Did you mean acme?',
    });
  });

  it('is listed as it is answered one by one', async () => {
    await makeLine(call, 'eng', 'web');
    await start('web', { ttl_seconds: 60 });
    await start('web');
    hodei.clock.advance(60_000);
    const { items, next_cursor } = await call(listUsage, {});
    expect(next_cursor).toBeNull();
    expect(items).toEqual([
      await call(getUsage, { tenant: 'eng' }),
      await call(getUsage, { tenant: 'web' }),
    ]);
  });

  it('is listed of all, of the roots, of children, or in the order of the tree', async () => {
    await makeLine(call, 'z', 'web', 'shop');
    await makeTenant(call, 'acme');
    await makeTenant(call, 'app', { parent: 'z' });
    expect(await names({})).toEqual(['acme', 'app', 'shop', 'web', 'z']);
    expect(await names({ roots: true })).toEqual(['acme', 'z']);
    expect(await names({ parent: 'z' })).toEqual(['app', 'web']);
    expect(await names({ tree: true })).toEqual(['0acme', '0z', '1app', '1web', '2shop']);
    expect(await names({ parent: 'z', tree: true })).toEqual(['0app', '0web', '1shop']);
  });

  it('is listed of those with a label, a status or the beginning of a name', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    for (const tenant of ['eng', 'shop']) {
      await call(updateTenant, { tenant, labels: { tier: 'gold' } });
    }
    await call(suspendTenant, { tenant: 'web' });
    expect(await names({ label: 'tier=gold' })).toEqual(['eng', 'shop']);
    expect(await names({ label: 'tier=gold', roots: true })).toEqual(['eng']);
    expect(await names({ status: 'suspended' })).toEqual(['web']);
    expect(await names({ status: 'suspended', roots: true })).toEqual([]);
    expect(await names({ name_prefix: 's' })).toEqual(['shop']);
  });

  it.each([{}, { roots: true }, { tree: true }, { label: 'tier=gold' }])(
    'comes page by page: %j',
    async (filter) => {
      for (const name of ['e', 'd', 'c', 'b', 'a']) {
        await makeTenant(call, name, { labels: { tier: 'gold' } });
      }
      const seen: string[] = [];
      const page = (after: object) => call(listUsage, { ...filter, limit: 2, ...after });
      for await (const { items } of everyPage(page)) seen.push(items.map((i) => i.tenant).join(''));
      expect(seen).toEqual('label' in filter ? ['ed', 'cb', 'a'] : ['ab', 'cd', 'e']);
    },
  );

  it('of the roots together is all that is held', async () => {
    await makeLine(call, 'eng', 'web', 'shop');
    await makeTenant(call, 'acme');
    for (const tenant of ['eng', 'web', 'shop', 'acme']) await start(tenant);
    const { items } = await call(listUsage, { roots: true });
    expect(items.map(({ total }) => total['jobs'])).toEqual([1, 3]);
  });

  it.each([
    [{ roots: true, tree: true }, 'Roots stand under no tenant, and are no tree'],
    [{ roots: true, parent: 'eng' }, 'Roots stand under no tenant, and are no tree'],
    [{ root: true }, 'did you mean roots?'],
    [{ cursor: 'x' }, 'The cursor does not belong to this list.'],
  ])('listed by %j is refused', async (input, message) => {
    const refused = await refusal(call(listUsage, input as ListInput));
    expect(refused.code).toBe('invalid');
    expect(refused.message).toContain(message);
  });
});
