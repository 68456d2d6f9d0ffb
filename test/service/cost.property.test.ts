import fc from 'fast-check';
import { expect, it } from 'vitest';
import { defaultSettings, settingsDocument } from '../../src/domain/settings.ts';
import { reportCost } from '../../src/service/costs.ts';
import { setRate, unsetRate } from '../../src/service/rates.ts';
import { applySettings } from '../../src/service/settings.ts';
import type { Bill } from '../helpers/bill.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { beginBill, POOLS, takeStep, usageSteps } from '../helpers/usage-steps.ts';

const HOUR = 3_600_000;
const TENANTS = ['a', 'b', 'c', 'd'];
const priced = fc.constantFrom('cpu_m', 'memory_mb', 'gpu', 'gpu.h100', 'jobs', 'burst');
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
  ...usageSteps(TENANTS.length, amounts, { ttl: 90_000, wait: 30 * HOUR, prune: 60 }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('rate' as const),
      resource: priced,
      pool: fc.option(fc.constantFrom(...POOLS)),
      price: fc.option(price),
      hours: fc.integer({ min: -40, max: 40 }),
      isExact: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('config' as const), cpu: price, multiplier: price }),
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

async function begin(service: TestService): Promise<Bill> {
  await service.call(applySettings, { resources });
  return beginBill(service, TENANTS);
}

async function take(service: TestService, bill: Bill, asked: Step): Promise<void> {
  if (asked.do === 'rate') await say(service, bill, asked);
  else if (asked.do === 'config') await configure(service, bill, asked);
  else await takeStep(service, bill, TENANTS, asked);
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
