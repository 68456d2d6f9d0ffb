import fc from 'fast-check';
import { expect, it } from 'vitest';
import { admitJob, releaseJob, resizeJob } from '../../src/service/jobs.ts';
import { createPool } from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { usageHistory } from '../../src/service/usage-history.ts';
import { pruneUsage } from '../../src/service/usage-prune.ts';
import { rollUp } from '../../src/service/usage-rollup.ts';
import { Bill } from '../helpers/bill.ts';
import { idOf } from '../helpers/job.ts';
import { testService, type TestService } from '../helpers/service.ts';
import { makeTenant } from '../helpers/tenant.ts';

const HOUR = 3_600_000;
const TENANTS = ['a', 'b', 'c'];
const POOLS = ['default', 'fast'];

const admitted = fc.record({
  do: fc.constant('admit' as const),
  tenant: fc.nat({ max: 2 }),
  pool: fc.constantFrom(...POOLS),
  cpu: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(2_600_000_001)),
  gpu: fc.nat({ max: 2 }),
  ttl: fc.option(fc.integer({ min: 1, max: 30_000 })),
});
const step = fc.oneof(
  { weight: 4, arbitrary: admitted },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), job: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('resize' as const),
      job: fc.nat(),
      cpu: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat({ max: 999 }), fc.integer({ min: 1, max: 5 * HOUR }), fc.constant(HOUR)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      tenant: fc.integer({ min: 1, max: 2 }),
      under: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('roll' as const),
      most: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('prune' as const), hours: fc.nat({ max: 20 }) }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

it('tells of every tenant, resource and pool what looking at every job and moment comes to', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 45 }),
      fc.nat(9),
      async (steps, hours) => {
        const service = await testService();
        try {
          const bill = await begin(service);
          for (const each of steps) await take(service, bill, each);
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

async function begin({ call, clock }: TestService): Promise<Bill> {
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
    const amounts = { cpu_m: asked.cpu, ...(asked.gpu > 0 && { gpu: asked.gpu }) };
    const ttl = asked.ttl === null ? {} : { ttl_seconds: asked.ttl };
    const job = await call(admitJob, { tenant, pool: asked.pool, ...amounts, ...ttl });
    if (job.state === 'admitted') {
      bill.admit(idOf(job), tenant, asked.pool, job.resources, asked.ttl, null);
    }
  } else if (asked.do === 'release') {
    const id = bill.running(asked.job);
    if (id === undefined) return;
    await call(releaseJob, { job: id });
    bill.release(id);
  } else if (asked.do === 'resize') {
    const id = bill.running(asked.job);
    if (id === undefined) return;
    const job = await call(resizeJob, { job: id, cpu_m: asked.cpu });
    bill.resize(id, job.resources);
  } else if (asked.do === 'move') {
    const [name, under] = [TENANTS[asked.tenant] ?? '', TENANTS[asked.under] ?? ''];
    const parent = asked.under < asked.tenant ? under : null;
    await call(updateTenant, { tenant: name, parent, force: true });
    bill.move(name, parent);
  } else if (asked.do === 'roll') {
    await store.transaction(({ tables }) => rollUp(tables, asked.most));
  } else await prune(service, asked.hours);
}

async function prune({ call, clock }: TestService, hours: number): Promise<void> {
  const before = new Date(clock.now() - hours * HOUR).toISOString();
  for (let after: number | null = 0; after !== null;) {
    after = (await call(pruneUsage, { before, after })).next;
  }
}

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
