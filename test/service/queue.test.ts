import { describe, expect, it } from 'vitest';
import type { Strategy } from '../../src/domain/fair-share.ts';
import { explainJob } from '../../src/service/explain.ts';
import { getJob, releaseJob } from '../../src/service/jobs.ts';
import type { Call } from '../../src/service/operation.ts';
import { holdPool, updatePool } from '../../src/service/pools.ts';
import { listQueue, queueStatus } from '../../src/service/queue.ts';
import { applySettings } from '../../src/service/settings.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { resumeTenant, suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { admit, enqueue } from '../helpers/job.ts';
import { makeFreeTenant, makePool } from '../helpers/pool.ts';
import { refusal } from '../helpers/refusal.ts';
import { dump } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const MINUTE = 60_000;
const START = '2026-11-23T09:00:00.000Z';
const free = { cpu_m: null, memory_mb: null, gpu: null, max_concurrent_jobs: null };
const inPool = { tenant: null, pool: 'gpu' };

const inStrategy = (strategy: Strategy) => ({
  scheduling: { queue_prioritization: { default_strategy: strategy } },
});

/** A pool of ten cores. */
async function makeGpu(call: Call): Promise<void> {
  await makePool(call, 'gpu', { max_size: 1, resources: { cpu_m: 10_000 } });
}

describe.each(doors)('a queue ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const ask = (tenant: string, cpu_m: number, job_id: string, more: object = {}) =>
    enqueue(call, tenant, { pool: 'gpu', cpu_m, job_id, ...more });
  const list = async (page: object = {}) => call(listQueue, { pool: 'gpu', ...page });
  const line = async () => (await list()).items.map(({ job_id: id }) => id);
  const status = async () => {
    const { items } = await call(queueStatus, { pool: 'gpu' });
    expect(items).toHaveLength(1);
    return items[0]!;
  };
  const explain = async (job: string) => (await call(explainJob, { job })).line;

  /** beta has 3 of the 10 cores and acme 6; one is free, and three jobs wait. */
  const fill = async () => {
    await makeGpu(call);
    for (const name of ['acme', 'beta']) await makeFreeTenant(call, name);
    await ask('acme', 6000, 'a0', { ttl_seconds: 3600 });
    await ask('beta', 3000, 'b0');
    await ask('acme', 2000, 'a1');
    hodei.clock.advance(MINUTE);
    await ask('acme', 3000, 'a2');
    await ask('beta', 2000, 'b1', { queue_ttl_seconds: 600 });
  };

  it('is listed in the order of turns, with what each waits for', async () => {
    await fill();
    const before = dump(hodei.path);
    const { items, next_cursor: next } = await list();
    expect(next).toBeNull();
    expect(items).toMatchObject([
      {
        ...{ position: 1, job_id: 'b1', tenant: 'beta', pool: 'gpu', priority: 0 },
        resources: { cpu_m: 2000, jobs: 1 },
        waiting_since: '2026-11-23T09:01:00.000Z',
        expires_at: '2026-11-23T09:11:00.000Z',
        waits_for: { scope: inPool, resource: 'cpu_m', amount: 2000, code: 'over_capacity' },
      },
      { position: 2, job_id: 'a1', waiting_since: START },
      { position: 3, job_id: 'a2' },
    ]);
    await status();
    expect(dump(hodei.path)).toEqual(before);
  });

  it('is listed page by page, from a place on', async () => {
    await fill();
    const first = await list({ limit: 2 });
    expect(first.items.map(({ position }) => position)).toEqual([1, 2]);
    const second = await list({ limit: 2, cursor: first.next_cursor! });
    expect(second).toMatchObject({ items: [{ position: 3, job_id: 'a2' }], next_cursor: null });
    expect((await refusal(list({ cursor: 'x' }))).message).toContain('does not belong');
  });

  it('has a status: who is next and why, and the tenants by their shares', async () => {
    await fill();
    expect(await status()).toMatchObject({
      ...{ pool: 'gpu', strategy: 'weighted_fair', status: 'active', waiting: 3 },
      oldest_since: START,
      next: {
        ...{ job_id: 'b1', tenant: 'beta', why: 'share' },
        waits_for: { scope: inPool, amount: 2000 },
      },
      reserved_for: null,
      tenants: [
        {
          ...{ tenant: 'beta', under: [], is_own: false, share: 0.3, weight: 1, waiting: 1 },
          dominant: { resource: 'cpu_m', used: 3000, capacity: 10_000 },
          next: { job_id: 'b1' },
        },
        { tenant: 'acme', share: 0.6, waiting: 2, next: { job_id: 'a1' } },
      ],
      more_tenants: 0,
    });
    const { items } = await call(queueStatus, {});
    expect(items).toEqual([await status()]);
  });

  it('in which nobody waits is shown only where it is asked for', async () => {
    await makeGpu(call);
    expect(await status()).toMatchObject({ waiting: 0, next: null, tenants: [] });
    expect(await call(queueStatus, {})).toEqual({ items: [], next_cursor: null });
    expect(await list()).toEqual({ items: [], next_cursor: null });
    const wrong = [call(queueStatus, { pool: 'gpuu' }), call(listQueue, { pool: 'gpuu' })];
    for (const answer of wrong) {
      const said = {
        code: 'not_found',
        message: 'Pool not found: gpuu',
        hint: 'Did you mean gpu?',
      };
      expect(await refusal(answer)).toEqual(said);
    }
  });

  it('pages through the pools where somebody waits', async () => {
    await makeFreeTenant(call, 'acme');
    for (const id of ['p1', 'p2', 'p3', 'p4']) {
      await makePool(call, id, { resources: { cpu_m: 0 }, max_size: 1, type: 'dynamic' });
      await call(updatePool, { pool: id, resources: { cpu_m: 10 } });
      await admit(call, 'acme', { pool: id, cpu_m: 10 });
      if (id !== 'p2') await enqueue(call, 'acme', { pool: id, cpu_m: 1 });
    }
    const first = await call(queueStatus, { limit: 2 });
    expect(first.items.map(({ pool }) => pool)).toEqual(['p1', 'p3']);
    const rest = await call(queueStatus, { limit: 2, cursor: first.next_cursor! });
    expect(rest).toMatchObject({ items: [{ pool: 'p4' }], next_cursor: null });
  });

  it('says who waits for a tenant, a suspended one, a held pool, or its turn', async () => {
    await fill();
    const codes = async () =>
      (await list()).items.map(({ job_id: job, waits_for: { scope, resource, code } }) => {
        return `${job} ${scope.tenant ?? scope.pool} ${resource} ${code}`;
      });
    await call(setQuota, { tenant: 'beta', cpu_m: 4000 });
    await ask('beta', 1500, 'b2', { priority: 1 });
    expect(await codes()).toContain('b2 beta cpu_m over_quota');
    await call(suspendTenant, { tenant: 'acme' });
    expect(await codes()).toContain('a1 acme null suspended');
    await call(resumeTenant, { tenant: 'acme' });
    await call(holdPool, { pool: 'gpu' });
    await ask('acme', 1, 'a3', { priority: 9 });
    expect(await codes()).toContain('a3 gpu null pool_held');
    expect(await status()).toMatchObject({ status: 'held' });
  });

  it('tells as things are now who waits in vain since a limit was lowered', async () => {
    await fill();
    await call(setQuota, { tenant: 'beta', cpu_m: 1000 });
    const found = (await list()).items.find(({ job_id: id }) => id === 'b1');
    expect(found?.waits_for).toEqual({
      ...{ scope: { tenant: 'beta', pool: null }, resource: 'cpu_m', amount: 2000 },
      code: 'impossible',
    });
  });

  it('shows nobody whose time has run out, and nothing that they hold', async () => {
    await fill();
    hodei.clock.advance(10 * MINUTE);
    expect(await line()).toEqual(['a1', 'a2']);
    expect(await status()).toMatchObject({
      ...{ waiting: 2, next: { job_id: 'a1', why: 'alone' } },
      tenants: [{ tenant: 'acme', share: 0.6, waiting: 2 }],
    });
    hodei.clock.advance(50 * MINUTE);
    expect((await status()).tenants).toMatchObject([{ tenant: 'acme', share: 0, dominant: null }]);
  });

  it('passes over the first of a tenant when its time has run out', async () => {
    await fill();
    await ask('beta', 1500, 'b2');
    hodei.clock.advance(10 * MINUTE);
    expect(await line()).toEqual(['b2', 'a1', 'a2']);
    expect(await status()).toMatchObject({ next: { job_id: 'b2' }, waiting: 3 });
    expect(await explain('beta:b2')).toMatchObject({ position: 1, own_ahead: 0 });
    await call(releaseJob, { job: 'beta:b0' });
    expect((await call(getJob, { job: 'beta:b2' })).state).toBe('admitted');
  });

  it.each([
    ['fifo', ['a1', 'a2', 'b1', 'b2'], 'age'],
    ['priority', ['b2', 'a1', 'a2', 'b1'], 'priority'],
  ] as const)('by %s has the tenants by their first job', async (strategy, order, why) => {
    await fill();
    await ask('beta', 2000, 'b2', { priority: 1 });
    await call(applySettings, inStrategy(strategy));
    expect(await line()).toEqual(order);
    const { next, tenants } = await status();
    expect(next).toMatchObject({ job_id: order[0], why });
    expect(tenants[0]?.next.job_id).toBe(strategy === 'fifo' ? 'a1' : 'b2');
    const moves = strategy === 'fifo' ? [] : [{ kind: 'priority', to: 1 }];
    expect(await explain('acme:a2')).toMatchObject({
      ...{ strategy, levels: [], own_ahead: strategy === 'fifo' ? null : 1 },
      moves: [{ kind: 'room' }, ...moves],
    });
  });
});

describe.each(doors)('the explanation of a place in the line ($name call)', (door) => {
  const hodei = useLedger(door);
  const { call } = hodei;
  const ask = (tenant: string, cpu_m: number, job_id: string, more: object = {}) =>
    enqueue(call, tenant, { pool: 'gpu', cpu_m, job_id, ...more });
  const explain = async (job: string) => (await call(explainJob, { job })).line;
  const first = async () => (await call(listQueue, { pool: 'gpu', limit: 1 })).items[0]?.job_id;

  /** eng > web > shop, api; and sales. eng has 6 of 10 cores, sales 3. */
  const grow = async () => {
    await makeGpu(call);
    await makeTenant(call, 'eng', { quota: free });
    await makeTenant(call, 'web', { quota: free, parent: 'eng' });
    await makeTenant(call, 'api', { quota: free, parent: 'eng' });
    await makeTenant(call, 'shop', { quota: free, parent: 'web' });
    await makeFreeTenant(call, 'sales');
    for (const [tenant, cpu] of [
      ['shop', 4000],
      ['api', 2000],
      ['sales', 3000],
    ] as const) {
      await ask(tenant, cpu, `${tenant}-0`);
    }
    for (const tenant of ['shop', 'api', 'sales']) await ask(tenant, 2000, `${tenant}-1`);
  };

  it('goes level by level through the tree, with what would move it', async () => {
    await grow();
    await ask('web', 2000, 'web-1');
    expect(await explain('shop:shop-1')).toEqual({
      ...{ strategy: 'weighted_fair', position: 4, waiting: 4, own_ahead: 0, reserved: false },
      levels: [
        {
          ...{ under: null, rank: 2, of: 2, tenant: 'eng', is_own: false, share: 0.6, weight: 1 },
          dominant: { resource: 'cpu_m', used: 6000, capacity: 10_000 },
          ahead: [{ tenant: 'sales', is_own: false, share: 0.3, weight: 1 }],
        },
        {
          ...{ under: 'eng', rank: 2, of: 2, tenant: 'web', is_own: false, share: 0.4, weight: 1 },
          dominant: { resource: 'cpu_m', used: 4000, capacity: 10_000 },
          ahead: [{ tenant: 'api', is_own: false, share: 0.2, weight: 1 }],
        },
        {
          ...{ under: 'web', rank: 2, of: 2, tenant: 'shop', is_own: false, share: 0.4, weight: 1 },
          dominant: { resource: 'cpu_m', used: 4000, capacity: 10_000 },
          ahead: [{ tenant: 'web', is_own: true, share: 0, weight: 1 }],
        },
      ],
      moves: [
        { kind: 'room', scope: inPool, resource: 'cpu_m', amount: 1000 },
        { kind: 'weight', tenant: 'eng', to: 2 },
      ],
    });
    const { items } = await call(queueStatus, { pool: 'gpu' });
    const named = items[0]?.tenants.map(({ tenant, is_own: isOwn, under }) => {
      return [...under.map((above) => above.tenant), tenant, ...(isOwn ? ['itself'] : [])].join();
    });
    expect(named).toEqual(['sales', 'eng,api', 'eng,web,itself', 'eng,web,shop']);
  });

  it('names a weight that is enough, and not one less', async () => {
    await grow();
    const [, move] = (await explain('api:api-1'))?.moves ?? [];
    expect(move).toEqual({ kind: 'weight', tenant: 'eng', to: 2 });
    expect(await first()).toBe('sales-1');
    await call(updateTenant, { tenant: 'eng', weight: 2 });
    expect(await first()).toBe('api-1');
    expect((await explain('sales:sales-1'))?.moves).toContainEqual({
      ...{ kind: 'weight', tenant: 'sales', to: 2 },
    });
  });

  it('names a priority where its own tenant stands before it', async () => {
    await grow();
    await ask('sales', 2000, 'sales-2', { priority: 7 });
    await ask('sales', 2000, 'sales-3', { priority: 3 });
    expect(await explain('sales:sales-1')).toMatchObject({
      ...{ own_ahead: 2, position: 4 },
      moves: expect.arrayContaining([{ kind: 'priority', to: 7 }]),
    });
    expect((await explain('sales:sales-3'))?.moves).toContainEqual({ kind: 'priority', to: 8 });
    expect((await explain('sales:sales-2'))?.moves).toMatchObject([{ kind: 'room' }]);
  });

  it('says for whom room is kept', async () => {
    await grow();
    hodei.clock.advance(120 * MINUTE);
    await makeTenant(call, 'other');
    const kept = { reserved_for: { job_id: 'shop-1', since: START } };
    expect((await call(queueStatus, { pool: 'gpu' })).items).toMatchObject([kept]);
    expect(await explain('shop:shop-1')).toMatchObject({ reserved: true });
    expect(await explain('api:api-1')).toMatchObject({ reserved: false });
    await call(releaseJob, { job: 'api:api-0' });
  });
});
