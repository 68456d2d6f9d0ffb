import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { admitJob } from '../../src/service/jobs.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { topUsage } from '../../src/service/usage.ts';
import { doors, useDoor } from '../helpers/doors.ts';
import { makeFreeTenant, makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { makeTenant } from '../helpers/tenant.ts';

type Asked = z.input<ReturnType<typeof topUsage.input>>;
type JobInput = z.input<ReturnType<typeof admitJob.input>>;

describe.each(doors)('who has most ($name call)', (door) => {
  const hodei = useDoor(door);
  const { call } = hodei;
  const start = (tenant: string, pool: string, asked: Partial<JobInput>) =>
    call(admitJob, { tenant, pool, ...asked });
  const shares = async (asked: Asked = {}) => {
    const { tenants } = await call(topUsage, asked);
    return tenants.map(({ tenant, depth, share }) => `${depth} ${tenant} ${share}`);
  };

  it('comes by the largest part of anything that the pools have together', async () => {
    await makePool(call, 'a', { max_size: 1, resources: { cpu_m: 8_000, gpu: 2 } });
    await makePool(call, 'b', { max_size: 1, resources: { cpu_m: 2_000 } });
    for (const name of ['acme', 'beta', 'idle']) await makeFreeTenant(call, name);
    await start('acme', 'a', { cpu_m: 2_000 });
    await start('acme', 'b', { cpu_m: 2_000 });
    await start('beta', 'a', { cpu_m: 1_000, gpu: 1 });
    expect(await shares()).toEqual(['0 beta 0.5', '0 acme 0.4']);
    const { tenants } = await call(topUsage, {});
    expect(tenants.map(({ dominant }) => dominant)).toEqual([
      { resource: 'gpu', used: 1, capacity: 2 },
      { resource: 'cpu_m', used: 4_000, capacity: 10_000 },
    ]);
  });

  it('goes by one pool where it is named, by the weight, and as of now', async () => {
    await makePool(call, 'a', { max_size: 1, resources: { cpu_m: 10_000 } });
    await makePool(call, 'b', { max_size: 1, resources: { cpu_m: 10_000 } });
    for (const name of ['acme', 'beta']) await makeFreeTenant(call, name);
    await call(updateTenant, { tenant: 'acme', weight: 4 });
    await start('acme', 'a', { cpu_m: 6_000 });
    await start('beta', 'a', { cpu_m: 2_000 });
    await start('beta', 'a', { cpu_m: 2_000, ttl_seconds: 60 });
    await start('acme', 'b', { cpu_m: 9_000 });
    expect(await shares({ pool: 'a' })).toEqual(['0 beta 0.4', '0 acme 0.15']);
    hodei.clock.advance(60_000);
    expect(await shares({ pool: 'a' })).toEqual(['0 beta 0.2', '0 acme 0.15']);
    expect(await shares({ pool: 'b' })).toEqual(['0 acme 0.225']);
  });

  it('is of the roots, or of a tenant and those directly below it', async () => {
    const all = { cpu_m: null, max_concurrent_jobs: null };
    await makePool(call, 'a', { max_size: 1, resources: { cpu_m: 10_000 } });
    await makeFreeTenant(call, 'eng');
    await makeTenant(call, 'web', { parent: 'eng', quota: all });
    await makeTenant(call, 'shop', { parent: 'web', quota: all });
    await makeTenant(call, 'api', { parent: 'eng', quota: all });
    await start('shop', 'a', { cpu_m: 3_000 });
    await start('api', 'a', { cpu_m: 4_000 });
    expect(await shares()).toEqual(['0 eng 0.7']);
    expect(await shares({ tenant: 'eng' })).toEqual(['0 eng 0.7', '1 api 0.4', '1 web 0.3']);
    expect(await shares({ tenant: 'shop' })).toEqual(['0 shop 0.3']);
  });

  it('measures against what is used where nothing limits it', async () => {
    await makeFreeTenant(call, 'acme');
    await makeFreeTenant(call, 'beta');
    await start('acme', 'default', { cpu_m: 3_000 });
    await start('beta', 'default', { cpu_m: 1_000, gpu: 1 });
    // All of the GPUs in use are beta's; of jobs, each has one of two.
    expect(await shares()).toEqual(['0 beta 1', '0 acme 0.75']);
    // A pool that has limits sets the measure for what others use, too.
    await makePool(call, 'a', { max_size: 1, resources: { cpu_m: 2_000 } });
    expect(await shares()).toEqual(['0 acme 0.75', '0 beta 0.25']);
  });

  it('has as many as are asked for, and says whether there are more', async () => {
    await makePool(call, 'a', { max_size: 1, resources: { cpu_m: 10_000 } });
    for (const [i, name] of ['acme', 'beta', 'gamma'].entries()) {
      await makeFreeTenant(call, name);
      await start(name, 'a', { cpu_m: (i + 1) * 1_000 });
    }
    const top = async (limit: number) => {
      const { tenants, has_more } = await call(topUsage, { limit });
      return [...tenants.map(({ tenant }) => tenant), has_more];
    };
    expect(await top(2)).toEqual(['gamma', 'beta', true]);
    expect(await top(3)).toEqual(['gamma', 'beta', 'acme', false]);
  });

  it('names who was asked about also where nothing is held, and knows nobody else', async () => {
    await makeTenant(call, 'acme');
    expect(await shares()).toEqual([]);
    const [acme] = (await call(topUsage, { tenant: 'acme' })).tenants;
    expect(acme).toMatchObject({ tenant: 'acme', share: 0, dominant: null, weight: 1 });
    expect(await refusal(call(topUsage, { tenant: 'amce' }))).toMatchObject({ code: 'not_found' });
    expect(await refusal(call(topUsage, { pool: 'none' }))).toMatchObject({ code: 'not_found' });
    expect(await refusal(call(topUsage, { limit: 0 }))).toMatchObject({ code: 'invalid' });
  });
});

describe('who has most, to who is bound to a tenant', () => {
  const hodei = useDoor(doors[0]!);

  it('begins with that tenant, as if there were no other root', async () => {
    const { call } = hodei;
    await makePool(call, 'a', { max_size: 1, resources: { cpu_m: 10_000 } });
    const { id } = await makeFreeTenant(call, 'acme');
    await makeFreeTenant(call, 'beta');
    for (const tenant of ['acme', 'beta']) {
      await call(admitJob, { tenant, pool: 'a', cpu_m: 1_000 });
    }
    const bound = hodei.local({ principal: 'acme-viewer', role: 'viewer', boundTo: id });
    const { tenants, has_more } = await bound(topUsage, { pool: 'a' });
    expect(tenants.map(({ tenant, share }) => [tenant, share])).toEqual([['acme', 0.1]]);
    expect(has_more).toBe(false);
  });
});
