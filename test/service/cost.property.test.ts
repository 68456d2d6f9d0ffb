import fc from 'fast-check';
import { expect, it } from 'vitest';
import { defaultSettings, settingsDocument } from '../../src/domain/settings.ts';
import { reportCost } from '../../src/service/costs.ts';
import { admitJob, releaseJob, resizeJob } from '../../src/service/jobs.ts';
import { createPool } from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { setRate, unsetRate } from '../../src/service/rates.ts';
import { applySettings } from '../../src/service/settings.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { pruneUsage } from '../../src/service/usage-prune.ts';
import { rollUp } from '../../src/service/usage-rollup.ts';
import { Bill } from '../helpers/bill.ts';
import { idOf } from '../helpers/job.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const TENANTS = ['a', 'b', 'c', 'd'];
const POOLS = ['default', 'fast'];
const priced = fc.constantFrom('cpu_m', 'memory_mb', 'gpu', 'gpu.h100', 'jobs', 'burst');
const anyPool = fc.constantFrom(...POOLS);
const price = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 99_999 }));
const amounts = fc.record(
  {
    cpu_m: fc.oneof(fc.integer({ min: 1, max: 4000 }), fc.constant(2_600_000_001)),
    memory_mb: fc.integer({ min: 1, max: 8192 }),
    'gpu.h100': fc.integer({ min: 1, max: 3 }),
  },
  { requiredKeys: ['cpu_m'] },
);

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('admit' as const),
      tenant: fc.nat({ max: 3 }),
      pool: anyPool,
      amounts,
      ttl: fc.option(fc.integer({ min: 1, max: 90_000 })),
      label: fc.option(fc.constantFrom('x', 'y')),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), job: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('resize' as const), job: fc.nat(), amounts }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat({ max: 999 }), fc.integer({ min: 1, max: 30 * HOUR }), fc.constant(HOUR)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('rate' as const),
      resource: priced,
      pool: fc.option(anyPool),
      price: fc.option(price),
      hours: fc.integer({ min: -40, max: 40 }),
      isExact: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('config' as const), cpu: price, multiplier: price }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      tenant: fc.integer({ min: 1, max: 3 }),
      under: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('roll' as const),
      most: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('prune' as const), hours: fc.nat({ max: 60 }) }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

it('reports to the millionth what an independent computation comes to, whatever was summed up or removed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const service = await testService();
      try {
        const bill = await begin(service);
        for (const each of steps) await take(service, bill, each);
        await compare(service, bill);
      } finally {
        await service.close();
      }
    }),
    { numRuns: 40 },
  );
});

const resources = [
  { name: 'gpu.h100', default_limit: null },
  ...['cpu_m', 'memory_mb', 'gpu', 'jobs'].map((name) => ({ name, default_limit: null })),
];

async function begin({ call, clock }: TestService): Promise<Bill> {
  await call(applySettings, { resources });
  await call(createPool, { id: 'fast', max_size: 1 });
  const bill = new Bill(clock.now);
  for (const name of TENANTS) {
    await makeTenant(call, name);
    const unlimited = { cpu_m: null, memory_mb: null, gpu: null, max_concurrent_jobs: null };
    await call(setQuota, { tenant: name, ...unlimited });
    bill.tenant(name);
  }
  return bill;
}

async function take(service: TestService, bill: Bill, asked: Step): Promise<void> {
  const { call, clock, store } = service;
  if (asked.do === 'wait') clock.advance(asked.ms);
  else if (asked.do === 'admit') {
    const tenant = TENANTS[asked.tenant] ?? '';
    const labels = asked.label === null ? {} : { team: asked.label };
    const more = { ttl_seconds: asked.ttl ?? undefined, labels };
    const job = await call(admitJob, { tenant, pool: asked.pool, ...asked.amounts, ...more });
    if (job.state === 'admitted') {
      bill.admit(idOf(job), tenant, asked.pool, job.resources, asked.ttl, asked.label);
    }
  } else if (asked.do === 'release') {
    const id = bill.running(asked.job);
    if (id === undefined) return;
    await call(releaseJob, { job: id });
    bill.release(id);
  } else if (asked.do === 'resize') {
    const id = bill.running(asked.job);
    if (id === undefined) return;
    const job = await call(resizeJob, { job: id, ...asked.amounts });
    bill.resize(id, job.resources);
  } else if (asked.do === 'roll')
    await store.transaction(({ tables }) => rollUp(tables, asked.most));
  else if (asked.do === 'prune') await prune(service, asked.hours);
  else if (asked.do === 'rate') await say(service, bill, asked);
  else if (asked.do === 'config') await configure(service, bill, asked);
  else await move(service, bill, asked);
}

async function prune({ call, clock }: TestService, hours: number): Promise<void> {
  const before = new Date(clock.now() - hours * HOUR).toISOString();
  for (let after: number | null = 0; after !== null;) {
    after = (await call(pruneUsage, { before, after })).next;
  }
}

async function say(
  { call, clock, store }: TestService,
  bill: Bill,
  asked: Step & { readonly do: 'rate' },
): Promise<void> {
  const { resource, pool, price: micro } = asked;
  const pruned = await store.read((tables) => tables.rollup.get());
  const now = clock.now();
  const near = now + asked.hours * HOUR;
  const whole = Math.floor(near / HOUR) * HOUR;
  const at = asked.isExact && near >= now ? near + 1 : Math.max(whole, pruned.prunedBefore);
  const from = new Date(at).toISOString();
  const subject = { resource, pool: pool ?? undefined, from };
  if (micro !== null) await call(setRate, { ...subject, price_micro: micro });
  else if (bill.hasRate(resource, pool)) await call(unsetRate, subject);
  else return;
  bill.rate(resource, pool, at, micro);
}

async function configure(
  { call }: TestService,
  bill: Bill,
  { cpu, multiplier }: Step & { readonly do: 'config' },
): Promise<void> {
  const document = settingsDocument(defaultSettings);
  await call(applySettings, {
    ...{ resources },
    burst_capacity: { ...document.burst_capacity, cost_multiplier: multiplier / 1e6 } as never,
    cost_tracking: { ...document.cost_tracking, hourly_rate_cpu: cpu / 1e6 },
  });
  bill.config(cpu, multiplier);
}

async function move(
  { call }: TestService,
  bill: Bill,
  asked: Step & { readonly do: 'move' },
): Promise<void> {
  const [name, under] = [TENANTS[asked.tenant] ?? '', TENANTS[asked.under] ?? ''];
  const parent = asked.under < asked.tenant ? under : null;
  await call(updateTenant, { tenant: name, parent, force: true });
  bill.move(name, parent);
}

async function compare({ call, clock }: TestService, bill: Bill): Promise<void> {
  const ask = {
    from: '2026-11-20T00:00:00Z',
    to: new Date(Math.ceil((clock.now() + 1) / HOUR) * HOUR).toISOString(),
  };
  const own = await call(reportCost, { ...ask, by: 'day' });
  const days = own.periods.map(({ begins_at: begins }) => Date.parse(begins));
  const told = own.rows.map(({ name, cost_micro: cost, periods }) => [name, { cost, periods }]);
  expect(Object.fromEntries(told)).toEqual(bill.byTenant(days));
  expect(own.total_micro).toBe(bill.total());
  const tree = await call(reportCost, { ...ask, tree: true });
  const below = tree.rows.map(({ name, cost_micro: cost }) => [name, cost]);
  expect(Object.fromEntries(below)).toEqual(bill.byTree());
  const pools = await call(reportCost, { ...ask, group: 'pool' });
  const inPools = pools.rows.map(({ name, cost_micro: cost }) => [name, cost]);
  expect(Object.fromEntries(inPools)).toEqual(bill.byPool());
  const labels = await call(reportCost, { ...ask, group: 'label:team' });
  expect(labels.total_micro).toBe(bill.total());
  for (const { name, kind, cost_micro: cost } of labels.rows) {
    if (kind === 'named') expect(cost).toBeLessThanOrEqual(bill.ofLabel(name));
  }
}
