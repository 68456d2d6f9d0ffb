import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admitJob, getJob, listJobs, releaseJob } from '../../src/service/jobs.ts';
import { applySettings } from '../../src/service/settings.ts';
import { resumeTenant, suspendTenant, updateTenant } from '../../src/service/tenants.ts';
import { holdPool, resumePool } from '../../src/service/pools.ts';
import type { Store, Tables } from '../../src/store/store.ts';
import { requireBalanced } from '../helpers/balances.ts';
import { ask, makeFreeTenant, makePool } from '../helpers/pool.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { onFile } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

/** How many questions were put to the tables. */
let asked = 0;
let hodei: TestService;

beforeEach(async () => {
  hodei = await testService({ around: counting });
  await makePool(hodei.call, 'p', { max_size: 1, resources: { cpu_m: 100 } });
  for (const name of ['long', 'web']) await makeFreeTenant(hodei.call, name);
});
afterEach(async () => {
  requireBalanced(hodei.path);
  await hodei.close();
});

/** The same store, and every call of a table is counted. */
function counting(store: Store): Store {
  return {
    ...store,
    transaction: (work) =>
      store.transaction((context) => work({ ...context, tables: counted(context.tables) })),
  };
}

function counted(tables: Tables): Tables {
  const watch = (table: object) =>
    new Proxy(table, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...values: unknown[]): unknown => {
          asked += 1;
          return Reflect.apply(value, target, values);
        };
      },
    });
  const watched = Object.entries(tables).map(([name, table]) => [name, watch(table as object)]);
  return Object.fromEntries(watched) as Tables;
}

const want = (tenant: string, job: string, cpu_m: number, more: object = {}) =>
  ask(hodei.call, 'p', job, { tenant, cpu_m, ...more });
const release = (job: string) => hodei.call(releaseJob, { job });
const stateOf = async (job: string) => (await hodei.call(getJob, { job })).state;
const running = async () => (await hodei.call(listJobs, { state: 'admitted', limit: 500 })).items;
const count = (table: string) =>
  onFile(hodei.path, (file) => Number(file.prepare(`select count(*) from ${table}`).pluck().get()));
const manyWant = (tenant: string, times: number, cpu_m: (n: number) => number) =>
  Promise.all(
    Array.from({ length: times }, (_, n) =>
      hodei.call(admitJob, { tenant, pool: 'p', cpu_m: cpu_m(n), on_full: 'queue' }),
    ),
  );

/** What a release takes that starts one of web. */
async function questionsOfRelease(job: string, next: string): Promise<number> {
  await want('web', next, 50);
  asked = 0;
  await release(job);
  const taken = asked;
  expect(await stateOf(`web:${next}`)).toBe('admitted');
  return taken;
}

describe('a queue of ten thousand jobs of one tenant', () => {
  it('does not change whose turn it is, nor how much a release asks of the tables', async () => {
    await want('long', 'full', 50);
    await want('web', 'w0', 50);
    await manyWant('long', 10, () => 50);
    const withTen = await questionsOfRelease('web:w0', 'w1');
    for (let n = 0; n < 10; n++) await manyWant('long', 999, () => 50);
    expect(count('waiting')).toBe(10_000);
    expect(withTen).toBeGreaterThan(20);
    expect(await questionsOfRelease('web:w1', 'w2')).toBe(withTen);
  }, 120_000);
});

describe('jobs that wait', () => {
  it('let smaller ones pass that fit, and are passed by nobody that takes what they need', async () => {
    await want('long', 'a', 90);
    await want('long', 'big', 80);
    await want('web', 'small', 11);
    await want('web', 'tiny', 10);
    expect((await running()).map(({ job_id: name }) => name)).toEqual(['tiny', 'a']);
    await release('long:a');
    expect(await stateOf('long:big')).toBe('admitted');
    expect(await stateOf('web:small')).toBe('queued');
  });

  it('with many distinct amounts all start in bounded steps, and none is forgotten', async () => {
    await makePool(hodei.call, 'wide', { max_size: 1, resources: { cpu_m: 100_000 } });
    await makeTenant(hodei.call, 'many', { quota: { cpu_m: 80_000, max_concurrent_jobs: null } });
    const wide = (cpu_m: number, job_id: string) =>
      hodei.call(admitJob, { tenant: 'many', pool: 'wide', cpu_m, job_id, on_full: 'queue' });
    await wide(80_000, 'first');
    await Promise.all(Array.from({ length: 350 }, (_, n) => wide(n + 1, `n${n}`)));
    await hodei.call(releaseJob, { job: 'many:first' });
    const steps = [(await running()).length];
    while (count('wakeup') > 0) {
      await hodei.call(updateTenant, { tenant: 'web', labels: { step: String(steps.length) } });
      steps.push((await running()).length);
    }
    expect(steps).toEqual([100, 200, 300, 350]);
    expect(count('waiting')).toBe(0);
  });

  it('go on after every order of suspending and holding, moving and opening', async () => {
    const { call } = hodei;
    await makeTenant(call, 'eng', { quota: { cpu_m: 10, max_concurrent_jobs: null } });
    await call(updateTenant, { tenant: 'web', parent: 'eng' });
    const shut: (() => Promise<unknown>)[] = [
      () => call(suspendTenant, { tenant: 'web' }),
      () => call(holdPool, { pool: 'p' }),
      () => call(suspendTenant, { tenant: 'eng' }),
    ];
    const open: (() => Promise<unknown>)[] = [
      () => call(resumeTenant, { tenant: 'web' }),
      () => call(resumePool, { pool: 'p' }),
      () => call(resumeTenant, { tenant: 'eng' }),
    ];
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    for (const [n, order] of orders.entries()) {
      await want('web', `full-${n}`, 10);
      await want('web', `next-${n}`, 10);
      for (const each of order) await shut[each]?.();
      await release(`web:full-${n}`);
      requireBalanced(hodei.path);
      for (const each of [...order].reverse().concat(order)) {
        await open[each]?.();
        requireBalanced(hodei.path);
      }
      expect(await stateOf(`web:next-${n}`)).toBe('admitted');
      await release(`web:next-${n}`);
    }
  });

  it('below a tenant that moves twice wait where they are, and nowhere else', async () => {
    const { call } = hodei;
    for (const name of ['north', 'south']) {
      await makeTenant(call, name, { quota: { cpu_m: 5, max_concurrent_jobs: null } });
      await makeTenant(call, `${name}-own`, { parent: name, quota: { cpu_m: null } });
      await want(`${name}-own`, 'full', 5);
    }
    await call(updateTenant, { tenant: 'web', parent: 'north' });
    await want('web', 'next', 5);
    await call(updateTenant, { tenant: 'web', parent: 'south' });
    requireBalanced(hodei.path);
    await release('north-own:full');
    expect(await stateOf('web:next')).toBe('queued');
    await release('south-own:full');
    expect(await stateOf('web:next')).toBe('admitted');
  });

  it('of two tenants for whom pools were switched off meanwhile start as far as they fit', async () => {
    const { call } = hodei;
    await want('long', 'full', 100);
    await want('web', 'next', 60);
    await call(applySettings, { resource_pools: { enabled: false } });
    expect(await stateOf('web:next')).toBe('admitted');
    await call(applySettings, {});
    expect(await want('web', 'more', 1)).toMatchObject({ state: 'queued', code: 'over_capacity' });
  });
});
