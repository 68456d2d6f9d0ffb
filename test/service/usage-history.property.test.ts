import fc from 'fast-check';
import { expect, it } from 'vitest';
import { usageHistory } from '../../src/service/usage-history.ts';
import type { Bill } from '../helpers/bill.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { beginBill, prune, takeStep, usageSteps } from '../helpers/usage-steps.ts';

const HOUR = 3_600_000;
const TENANTS = ['a', 'b', 'c'];
const amounts = fc.record(
  {
    cpu_m: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(2_600_000_001)),
    gpu: fc.integer({ min: 1, max: 2 }),
  },
  { requiredKeys: ['cpu_m'] },
);
const step = fc.oneof(
  ...usageSteps(TENANTS.length, amounts, { ttl: 30_000, wait: 5 * HOUR, prune: 20 }),
);

it('tells of every tenant, resource and pool what looking at every job and moment comes to', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 45 }),
      fc.nat(9),
      async (steps, hours) => {
        const service = await testService();
        try {
          const bill = await beginBill(service, TENANTS);
          for (const each of steps) await takeStep(service, bill, TENANTS, each);
          await compare(service, bill);
          await prune(service, hours);
          await compare(service, bill);
        } finally {
          await service.close();
        }
      },
    ),
    { numRuns: 40 },
  );
});

async function compare({ call, clock, store }: TestService, bill: Bill): Promise<void> {
  clock.advance(1);
  const now = clock.now();
  const { prunedBefore } = await store.read((tables) => tables.rollup.get());
  const begin = Math.floor(now / HOUR) * HOUR - 30 * HOUR;
  const edge = Math.min(Math.max(begin, prunedBefore), now);
  for (const tenant of [...TENANTS, null]) {
    for (const [resource, pool] of [
      ['cpu_m', null],
      ['gpu', 'fast'],
      ['jobs', null],
    ] as const) {
      const of = { resource, points: 4, ...(tenant && { tenant }), ...(pool && { pool }) };
      const told = await call(usageHistory, { ...of, from: new Date(begin).toISOString() });
      const stretches = [
        ...hoursOf((from, to) => bill.stretches(tenant, resource, pool, from, to), begin, edge),
        ...bill.stretches(tenant, resource, pool, edge, now),
      ];
      const { use, peak, p95, at } = profileOf(stretches, now - begin);
      expect(told.average).toBeCloseTo(use / (now - begin), 5);
      expect(told.peak).toBeCloseTo(peak, 5);
      expect(told.p95).toBeCloseTo(p95, 5);
      expect(told.peak_at).toBe(at === undefined ? null : new Date(at).toISOString());
      expect(told.from_hourly_averages).toBe(edge > begin);
      expect(told.exact_from).toBe(new Date(edge).toISOString());
      const { point_hours: hours, points } = told;
      const lasted = points.map((_, i) => Math.min(hours * HOUR, now - begin - i * hours * HOUR));
      const sum = points.reduce((all, { average }, i) => all + average * (lasted[i] ?? 0), 0);
      expect(sum / (now - begin)).toBeCloseTo(told.average, 4);
      expect(Math.max(...points.map((point) => point.peak))).toBe(told.peak);
    }
  }
}

type Stretch = ReturnType<Bill['stretches']>[number];

/** Where jobs were removed, the average of each hour stands for it. */
function hoursOf(
  stretchesOf: (from: number, to: number) => Stretch[],
  begin: number,
  edge: number,
): Stretch[] {
  const hours: Stretch[] = [];
  for (let from = begin; from < edge; from += HOUR) {
    const use = stretchesOf(from, from + HOUR).reduce(
      (sum, { ms, amount }) => sum + ms * amount,
      0,
    );
    hours.push({ begin: from, ms: HOUR, amount: use / HOUR });
  }
  return hours;
}

function profileOf(stretches: readonly Stretch[], ms: number) {
  const peak = Math.max(...stretches.map(({ amount }) => amount));
  const within = (most: number) =>
    stretches.filter(({ amount }) => amount <= most).reduce((sum, each) => sum + each.ms, 0);
  const enough = stretches.filter(({ amount }) => within(amount) * 100 >= 95 * ms);
  return {
    ...{ use: stretches.reduce((sum, each) => sum + each.ms * each.amount, 0), peak },
    p95: Math.min(...enough.map(({ amount }) => amount)),
    at: peak === 0 ? undefined : stretches.find(({ amount }) => amount === peak)?.begin,
  };
}
