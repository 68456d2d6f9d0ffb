import { describe, expect, it } from 'vitest';
import { listJobs, releaseJob } from '../../src/service/jobs.ts';
import { holdPool, resumePool } from '../../src/service/pools.ts';
import { applySettings } from '../../src/service/settings.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { useLedger } from '../helpers/balances.ts';
import { doors } from '../helpers/doors.ts';
import { ask, makePool } from '../helpers/pool.ts';
import { onFile } from '../helpers/store.ts';
import { makeTenant } from '../helpers/tenant.ts';

const [local] = doors;
if (local === undefined) throw new Error('there is no door');
const hodei = useLedger(local);
const { call } = hodei;
const MINUTE = 60_000;
const free = { cpu_m: null, memory_mb: null, gpu: null, max_concurrent_jobs: null };

const make = (name: string, weight = 1, parent: string | null = null) =>
  makeTenant(call, name, { weight, parent, quota: free });
let asked = 0;
/** Asks in the pool `p`, which is held meanwhile where all shall be decided together. */
const want = (tenant: string, amounts: object, job = `${tenant}-${(asked += 1)}`) =>
  ask(call, 'p', job, { tenant, cpu_m: undefined, ...amounts });
const wantOften = async (count: number, tenant: string, amounts: object) => {
  for (let n = 0; n < count; n++) await want(tenant, amounts);
};

/** All that is asked for meanwhile comes before the pool starts any of it. */
async function together(work: () => Promise<unknown>): Promise<void> {
  await call(holdPool, { pool: 'p' });
  await work();
  await call(resumePool, { pool: 'p' });
}

/** How many run, by tenant. */
async function counts(): Promise<Record<string, number>> {
  const { items } = await call(listJobs, { state: 'admitted', pool: 'p', limit: 500 });
  const count: Record<string, number> = {};
  for (const { tenant } of items) count[tenant] = (count[tenant] ?? 0) + 1;
  return count;
}

/** Tenants of what was started, in its order. */
async function order(): Promise<string[]> {
  const events = await hodei.events();
  const tenants = new Map(
    events
      .filter(({ operation }) => operation === 'tenant.create')
      .map(({ object, after }) => [object, (JSON.parse(after ?? '{}') as { name: string }).name]),
  );
  return events
    .filter(({ operation }) => operation === 'job.promote')
    .map(({ tenant }) => tenants.get(tenant ?? '') ?? '?');
}

const schedule = (scheduling: object) => call(applySettings, { scheduling });
const workers = (cpu_m: number) => makePool(call, 'p', { max_size: 1, resources: { cpu_m } });

describe('between tenants that ask for more than there is', () => {
  it('9 CPUs and 18 GiB are shared as published: three tasks and two', async () => {
    await makePool(call, 'p', { max_size: 1, resources: { cpu_m: 9000, memory_mb: 18 * 1024 } });
    for (const name of ['a', 'b']) await make(name);
    await together(async () => {
      await wantOften(9, 'a', { cpu_m: 1000, memory_mb: 4 * 1024 });
      await wantOften(9, 'b', { cpu_m: 3000, memory_mb: 1024 });
    });
    expect(await counts()).toEqual({ a: 3, b: 2 });
  });

  it.each<[Record<string, number>, number, Record<string, number>]>([
    [{ a: 2, b: 1 }, 12, { a: 8, b: 4 }],
    [{ a: 3, b: 1, c: 1 }, 20, { a: 12, b: 4, c: 4 }],
    [{ a: 1, b: 1_000 }, 10, { a: 1, b: 9 }],
  ])('weights %j share %i units as %j', async (weights, units, expected) => {
    await workers(units);
    for (const [name, weight] of Object.entries(weights)) await make(name, weight);
    await together(async () => {
      for (const name of Object.keys(weights)) await wantOften(units, name, { cpu_m: 1 });
    });
    expect(await counts()).toEqual(expected);
  });

  it('a pool that limits nothing is shared too, by what is used of it', async () => {
    await makePool(call, 'p', { resources: {} });
    await makeTenant(call, 'all', { quota: { ...free, cpu_m: 8 } });
    for (const name of ['a', 'b']) await make(name, 1, 'all');
    await together(async () => {
      await wantOften(8, 'a', { cpu_m: 1 });
      await wantOften(8, 'b', { cpu_m: 1 });
    });
    expect(await counts()).toEqual({ a: 4, b: 4 });
  });
});

describe('in a tree', () => {
  it("each level shares what the one above was given, and a node's own jobs are one more child", async () => {
    await workers(24);
    await make('eng');
    await make('sales');
    await make('web', 2, 'eng');
    await make('app', 1, 'web');
    await together(async () => {
      for (const name of ['eng', 'sales', 'web', 'app']) await wantOften(24, name, { cpu_m: 1 });
    });
    // Half of it is of eng: a third of that its own, two thirds of web, and half of those of app.
    expect(await counts()).toEqual({ sales: 12, eng: 4, web: 4, app: 4 });
  });

  it('what a child does not want is for the others under the same parent', async () => {
    await workers(12);
    await make('eng');
    await make('sales');
    for (const name of ['web', 'app']) await make(name, 1, 'eng');
    await together(async () => {
      await wantOften(1, 'web', { cpu_m: 1 });
      for (const name of ['app', 'sales']) await wantOften(12, name, { cpu_m: 1 });
    });
    expect(await counts()).toEqual({ web: 1, app: 5, sales: 6 });
  });
});

describe('over a long run', () => {
  it('shares come to be as the weights, whoever had what at first', async () => {
    await workers(30);
    const weights = { a: 3, b: 2, c: 1 };
    for (const [name, weight] of Object.entries(weights)) await make(name, weight);
    await wantOften(30, 'c', { cpu_m: 1 });
    for (const [name, weight] of Object.entries(weights)) {
      await wantOften(25 + 25 * weight, name, { cpu_m: 1 });
    }
    await runOn(130, 7);
    expect(await counts()).toEqual({ a: 15, b: 10, c: 5 });
  });

  it('two runs of one trace start in one order', async () => {
    const run = async (pool: string) => {
      const before = (await order()).length;
      await makePool(call, pool, { max_size: 1, resources: { cpu_m: 10 } });
      for (let n = 0; n < 60; n++) {
        const tenant = ['a', 'b', 'c'][(n * 7) % 3] ?? 'a';
        await ask(call, pool, `${pool}-${n}`, { tenant, cpu_m: 1 + (n % 4), priority: n % 2 });
      }
      await runOn(50, 3, pool);
      return (await order()).slice(before);
    };
    for (const [name, weight] of [['a', 3] as const, ['b', 2] as const, ['c', 1] as const]) {
      await make(name, weight);
    }
    const first = await run('p');
    expect(first.length).toBeGreaterThan(30);
    expect(await run('q')).toEqual(first);
  });

  /** Releases so many of those that run, any of them, one after the other. */
  async function runOn(count: number, seed: number, pool = 'p'): Promise<void> {
    for (let n = 0; n < count; n++) {
      const { items } = await call(listJobs, { state: 'admitted', pool, limit: 500 });
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const job = items[seed % items.length];
      if (job !== undefined) await call(releaseJob, { job: String(job.id) });
    }
  }
});

describe('with a window of fairness', () => {
  /** What is written of the use of a tenant in the past, of millicores in the pool. */
  const recent = (tenant: string) =>
    onFile(hodei.path, (file) =>
      file
        .prepare(
          `select u.amount from recent_use u join scope s on s.id = u.scope
           join tenant t on t.id = s.tenant join resource r on r.id = u.resource
           join pool p on p.id = s.pool
           where t.name = ? and p.name = 'p' and r.name = 'cpu_m'`,
        )
        .pluck()
        .get(tenant),
    ) as number;
  const window = () => schedule({ fair_queuing: { fairness_window_minutes: 10 } });

  it('use in the past is kept along the path, exact for uneven intervals', async () => {
    await window();
    await workers(100);
    await make('eng');
    await make('web', 1, 'eng');
    await want('web', { cpu_m: 16 }, 'x');
    hodei.clock.advance(3 * MINUTE);
    await want('web', { cpu_m: 4 }, 'y');
    hodei.clock.advance(7 * MINUTE);
    await call(releaseJob, { job: 'web:x' });
    hodei.clock.advance(25 * MINUTE);
    await call(releaseJob, { job: 'web:y' });
    const after3 = 16 * (1 - 0.5 ** 0.3);
    const after10 = after3 * 0.5 ** 0.7 + 20 * (1 - 0.5 ** 0.7);
    const after35 = after10 * 0.5 ** 2.5 + 4 * (1 - 0.5 ** 2.5);
    for (const tenant of ['eng', 'web']) expect(recent(tenant)).toBeCloseTo(after35, 9);
  });

  it('what a move brings counts from then on, and what it takes away until then', async () => {
    await window();
    await workers(100);
    for (const name of ['eng', 'ops']) await make(name);
    await make('web', 1, 'eng');
    await make('app', 1, 'ops');
    await want('app', { cpu_m: 8 }, 'old');
    await want('web', { cpu_m: 16 }, 'x');
    hodei.clock.advance(10 * MINUTE);
    await call(updateTenant, { tenant: 'web', parent: 'ops' });
    hodei.clock.advance(10 * MINUTE);
    await call(releaseJob, { job: 'web:x' });
    await call(updateTenant, { tenant: 'web', parent: 'eng' });
    await want('web', { cpu_m: 1 }, 'z');
    expect(recent('eng')).toBeCloseTo(4, 9);
    expect(recent('ops')).toBeCloseTo(4 * 0.5 + 24 * 0.5, 9);
  });

  it('who had much goes after who had nothing, though both have nothing now', async () => {
    await window();
    await workers(4);
    for (const name of ['a', 'b', 'x']) await make(name);
    await want('a', { cpu_m: 4 }, 'much');
    hodei.clock.advance(30 * MINUTE);
    await call(releaseJob, { job: 'a:much' });
    await together(async () => {
      await wantOften(4, 'a', { cpu_m: 1 });
      await wantOften(3, 'b', { cpu_m: 1 });
    });
    expect(await order()).toEqual(['b', 'b', 'b', 'a']);
  });

  it("a node's own jobs are counted by what is its own of the past", async () => {
    await window();
    await workers(8);
    await make('eng');
    for (const name of ['old', 'new']) await make(name, 1, 'eng');
    await want('old', { cpu_m: 8 }, 'gone');
    hodei.clock.advance(60 * MINUTE);
    await call(releaseJob, { job: 'old:gone' });
    await want('eng', { cpu_m: 4 }, 'own');
    await want('new', { cpu_m: 3 }, 'less');
    await together(async () => {
      await want('eng', { cpu_m: 1 });
      await want('new', { cpu_m: 1 });
    });
    expect(await order()).toEqual(['new']);
  });

  it('the order of a change that starts many is that of one by one', async () => {
    await window();
    await workers(8);
    for (const name of ['a', 'b']) await make(name);
    await want('a', { cpu_m: 2 }, 'past');
    await want('b', { cpu_m: 1 }, 'less');
    hodei.clock.advance(600 * MINUTE);
    await call(releaseJob, { job: 'a:past' });
    await call(releaseJob, { job: 'b:less' });
    await together(async () => {
      await wantOften(8, 'a', { cpu_m: 1 });
      await wantOften(8, 'b', { cpu_m: 1 });
    });
    // a counts as 2 until it has more than that; b as 1.
    expect((await order()).slice(0, 6)).toEqual(['b', 'b', 'a', 'a', 'a', 'b']);
  });
});

describe('a strategy', () => {
  async function three(): Promise<void> {
    await workers(3);
    for (const name of ['a', 'b']) await make(name);
    await together(async () => {
      await want('a', { cpu_m: 1 });
      await want('a', { cpu_m: 1 });
      await want('a', { cpu_m: 1 });
      await want('b', { cpu_m: 1, priority: 5 });
      await want('a', { cpu_m: 1, priority: 9 });
    });
  }

  it.each([
    [{ queue_prioritization: { default_strategy: 'fifo' } }, ['a', 'a', 'a']],
    [{ queue_prioritization: { default_strategy: 'priority' } }, ['a', 'b', 'a']],
    [{ queue_prioritization: { default_strategy: 'weighted_fair' } }, ['b', 'a', 'a']],
    [{ fair_queuing: { enabled: false } }, ['a', 'a', 'a']],
  ])('%j starts in the order %j', async (scheduling, expected) => {
    await schedule(scheduling);
    await three();
    expect(await order()).toEqual(expected);
  });

  it('within a tenant starts the higher priority first, then the older', async () => {
    await workers(3);
    await make('a');
    await together(async () => {
      for (const [n, priority] of [0, 5, 5, 9].entries()) {
        await want('a', { cpu_m: 1, priority }, `job-${n}`);
      }
    });
    const { items } = await call(listJobs, { state: 'queued' });
    expect(items.map(({ job_id: name }) => name)).toEqual(['job-0']);
    await call(releaseJob, { job: 'a:job-3' });
    expect((await call(listJobs, { state: 'queued' })).items).toEqual([]);
  });
});

describe('max_queue_size', () => {
  it('refuses who would wait as one too many in the pool, and nobody who need not wait', async () => {
    await schedule({ max_queue_size: 2 });
    await workers(2);
    await make('a');
    await want('a', { cpu_m: 2 }, 'full');
    await wantOften(2, 'a', { cpu_m: 1 });
    expect(await want('a', { cpu_m: 1 })).toMatchObject({
      ...{ state: 'rejected', code: 'queue_full', retryable: true },
      violations: [{ code: 'over_capacity' }, { code: 'queue_full' }],
    });
    expect(await want('a', { memory_mb: 1 })).toMatchObject({ state: 'admitted' });
    expect(await ask(call, 'default', 'else', { tenant: 'a' })).toMatchObject({
      state: 'admitted',
    });
  });
});
