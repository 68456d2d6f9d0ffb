import fc from 'fast-check';
import { expect, it } from 'vitest';
import { moneyOf } from '../../src/domain/money.ts';
import { monthOf } from '../../src/domain/period.ts';
import { correctBudget, creditBudget, getBudget, setBudget } from '../../src/service/budgets.ts';
import { reportCost } from '../../src/service/costs.ts';
import { adoptJobs } from '../../src/service/job-batch.ts';
import { admitJob, releaseJob, renew, resizeJob } from '../../src/service/jobs.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { setRate } from '../../src/service/rates.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { rollUp } from '../../src/service/usage-rollup.ts';
import { countBudgets } from '../helpers/budgets.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const TENANTS = ['a', 'b', 'c'];
const amounts = fc.record(
  { cpu_m: fc.integer({ min: 1, max: 4000 }), memory_mb: fc.integer({ min: 1, max: 8192 }) },
  { requiredKeys: ['cpu_m'] },
);
const ttl = fc.option(fc.integer({ min: 1, max: 200_000 }));

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('admit' as const),
      tenant: fc.nat({ max: 2 }),
      ...{ amounts, ttl, isPatient: fc.boolean() },
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), job: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('renew' as const), job: fc.nat(), ttl }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('resize' as const), job: fc.nat(), amounts }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.nat({ max: 999_999 }),
        fc.integer({ min: 1, max: 30 * HOUR }),
        fc.constant(200 * HOUR),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rate' as const),
      price: fc.integer({ min: 0, max: 400_000 }),
      hours: fc.integer({ min: -20, max: 60 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      tenant: fc.integer({ min: 1, max: 2 }),
      under: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('entry' as const),
      tenant: fc.nat({ max: 2 }),
      amount: fc.integer({ min: -9_000_000, max: 9_000_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('adopt' as const),
      tenant: fc.nat({ max: 2 }),
      ...{ amounts, ttl, hours: fc.nat({ max: 30 }) },
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('roll' as const) }) },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

it('keeps what a budget has to pay for as if it were summed up anew, and never admits above it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const service = await testService();
      try {
        await begin(service);
        for (const each of steps) {
          await take(service, each);
          await compare(service);
        }
        await compareWithReport(service);
      } finally {
        await service.close();
      }
    }),
    { numRuns: 60 },
  );
});

async function begin({ call }: TestService): Promise<void> {
  let parent: string | null = null;
  for (const name of TENANTS) {
    await makeTenant(call, name, { parent });
    await call(setQuota, { tenant: name, cpu_m: null, memory_mb: null, max_concurrent_jobs: 3 });
    parent = name === 'a' ? 'a' : null;
  }
  await call(setBudget, { tenant: 'a', monthly_micro: 40_000_000, on_exceeded: 'block' });
  await call(setBudget, { tenant: 'b', monthly_micro: 25_000_000, on_exceeded: 'block' });
  await call(setBudget, { tenant: 'c', monthly_micro: 1_000_000 });
}

async function take(service: TestService, asked: Step): Promise<void> {
  const { call, clock, store } = service;
  if (asked.do === 'wait') clock.advance(asked.ms);
  else if (asked.do === 'roll') await store.transaction(({ tables }) => rollUp(tables, 3));
  else if (asked.do === 'admit') await admitOne(service, asked);
  else if (asked.do === 'adopt') {
    const started_at = new Date(clock.now() - asked.hours * HOUR).toISOString();
    const job = { ...asked.amounts, ttl_seconds: asked.ttl ?? undefined, started_at };
    await call(adoptJobs, { jobs: [{ tenant: TENANTS[asked.tenant] ?? '', ...job }] });
  } else if (asked.do === 'rate') {
    const at = Math.floor(clock.now() / HOUR + asked.hours) * HOUR;
    const from = new Date(at).toISOString();
    await call(setRate, { resource: 'cpu_m', price_micro: asked.price, from });
  } else if (asked.do === 'move') {
    const parent = asked.under < asked.tenant ? (TENANTS[asked.under] ?? null) : null;
    const tenant = TENANTS[asked.tenant] ?? '';
    await call(updateTenant, { tenant, parent, force: true });
  } else if (asked.do === 'entry') await enter(service, asked);
  else await changeOne(service, asked);
}

async function admitOne(service: TestService, asked: Step & { do: 'admit' }): Promise<void> {
  const tenant = TENANTS[asked.tenant] ?? '';
  const { state } = await service.call(admitJob, {
    ...{ tenant, ...asked.amounts, ttl_seconds: asked.ttl ?? undefined },
    on_full: asked.isPatient ? 'queue' : 'reject',
  });
  if (state !== 'admitted') return;
  for (const { budget, kept, measured } of await countBudgets(service.store, service.clock.now())) {
    const isOnLine = (await lineOf(service, tenant)).includes(budget.tenant);
    if (!isOnLine || budget.onExceeded !== 'block') continue;
    expect(kept ?? measured).toBeLessThanOrEqual(moneyOf(budget.monthly));
  }
}

async function enter({ as }: TestService, asked: Step & { do: 'entry' }): Promise<void> {
  const call = as({ reason: 'a test' });
  const entry = { tenant: TENANTS[asked.tenant] ?? '', amount_micro: asked.amount };
  if (asked.amount > 4_000_000) await call(creditBudget, entry);
  else if (asked.amount !== 0) await call(correctBudget, entry);
}

async function changeOne(
  { call, clock, store }: TestService,
  asked: Step & { do: 'release' | 'renew' | 'resize' },
): Promise<void> {
  const filter = { states: ['admitted' as const], now: clock.now() };
  const jobs = await store.read((tables) => tables.jobs.list(filter, undefined, 100));
  const job = jobs[asked.job % jobs.length]?.id;
  if (job === undefined) return;
  if (asked.do === 'release') await call(releaseJob, { job });
  else if (asked.do === 'renew') await call(renew, { job, ttl_seconds: asked.ttl ?? undefined });
  else await call(resizeJob, { job, ...asked.amounts });
}

function lineOf({ store }: TestService, name: string) {
  return store.read(async (tables) => {
    const line: number[] = [];
    let row = await tables.tenants.byName(name);
    while (row !== undefined) {
      line.push(row.key);
      row = row.parent === null ? undefined : await tables.tenants.byKey(row.parent);
    }
    return line;
  });
}

async function compare(service: TestService): Promise<void> {
  for (const { kept, measured } of await countBudgets(service.store, service.clock.now())) {
    if (kept !== undefined) expect(kept).toBe(measured);
  }
}

async function compareWithReport({ call, clock }: TestService): Promise<void> {
  for (const tenant of TENANTS) {
    const budget = await call(getBudget, { tenant });
    const { rows } = await call(reportCost, { tenant, tree: true });
    const own = rows.find(({ name }) => name === tenant);
    expect(budget.cost_micro).toBe(own?.cost_micro ?? 0);
    expect(Date.parse(budget.month)).toBe(monthOf(clock.now()).from);
  }
}
