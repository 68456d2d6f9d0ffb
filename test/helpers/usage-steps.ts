import fc from 'fast-check';
import { admitJob, releaseJob, resizeJob } from '../../src/service/jobs.ts';
import { createPool } from '../../src/service/pools.ts';
import { setQuota } from '../../src/service/quotas.ts';
import { updateTenant } from '../../src/service/tenants.ts';
import { pruneUsage } from '../../src/service/usage-prune.ts';
import { rollUp } from '../../src/service/usage-rollup.ts';
import { Bill } from './bill.ts';
import { idOf } from './job.ts';
import type { TestService } from './service.ts';
import { makeTenant } from './tenant.ts';

const HOUR = 3_600_000;

export const POOLS = ['default', 'fast'];

const does = <Name extends string>(name: Name) => fc.constant(name);

type Amounts = Readonly<Record<string, number>>;

/** What jobs, tenants and those who sum up and remove them do; the amounts are a test's own. */
export function usageSteps<A extends Amounts>(
  tenants: number,
  amounts: fc.Arbitrary<A>,
  most: { readonly ttl: number; readonly wait: number; readonly prune: number },
) {
  const ms = fc.oneof(
    fc.nat({ max: 999 }),
    fc.integer({ min: 1, max: most.wait }),
    fc.constant(HOUR),
  );
  return [
    {
      weight: 4,
      arbitrary: fc.record({
        ...{ do: does('admit'), tenant: fc.nat({ max: tenants - 1 }) },
        ...{ pool: fc.constantFrom(...POOLS), amounts },
        ttl: fc.option(fc.integer({ min: 1, max: most.ttl })),
        label: fc.option(fc.constantFrom('x', 'y')),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: does('release'), job: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ do: does('resize'), job: fc.nat(), amounts }) },
    { weight: 6, arbitrary: fc.record({ do: does('wait'), ms }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: does('move'),
        tenant: fc.integer({ min: 1, max: tenants - 1 }),
        under: fc.nat({ max: tenants - 1 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: does('roll'), most: fc.integer({ min: 1, max: 9 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: does('prune'), hours: fc.nat({ max: most.prune }) }),
    },
  ] as const;
}

export type UsageStep = ReturnType<typeof usageSteps>[number]['arbitrary'] extends infer A
  ? A extends fc.Arbitrary<infer S>
    ? S
    : never
  : never;

/** Tenants without limits, two pools, and a bill on which nothing stands yet. */
export async function beginBill({ call, clock }: TestService, tenants: readonly string[]) {
  await call(createPool, { id: 'fast', max_size: 1 });
  const bill = new Bill(clock.now);
  for (const name of tenants) {
    await makeTenant(call, name);
    const unlimited = { cpu_m: null, memory_mb: null, gpu: null, max_concurrent_jobs: null };
    await call(setQuota, { tenant: name, ...unlimited });
    bill.tenant(name);
  }
  return bill;
}

/** Does it, and writes on the bill what it comes to. */
export async function takeStep(
  service: TestService,
  bill: Bill,
  tenants: readonly string[],
  asked: UsageStep,
): Promise<void> {
  const { call, clock, store } = service;
  if (asked.do === 'wait') clock.advance(asked.ms);
  else if (asked.do === 'roll') {
    await store.transaction(({ tables }) => rollUp(tables, asked.most));
  } else if (asked.do === 'prune') await prune(service, asked.hours);
  else if (asked.do === 'admit') {
    const tenant = tenants[asked.tenant] ?? '';
    const labels = asked.label === null ? {} : { team: asked.label };
    const more = { ttl_seconds: asked.ttl ?? undefined, labels };
    const job = await call(admitJob, { tenant, pool: asked.pool, ...asked.amounts, ...more });
    if (job.state !== 'admitted') return;
    bill.admit(idOf(job), tenant, asked.pool, job.resources, asked.ttl, asked.label);
  } else if (asked.do === 'move') {
    const [name, under] = [tenants[asked.tenant] ?? '', tenants[asked.under] ?? ''];
    const parent = asked.under < asked.tenant ? under : null;
    await call(updateTenant, { tenant: name, parent, force: true });
    bill.move(name, parent);
  } else {
    const id = bill.running(asked.job);
    if (id === undefined) return;
    if (asked.do === 'release') {
      await call(releaseJob, { job: id });
      bill.release(id);
    } else {
      const job = await call(resizeJob, { job: id, ...asked.amounts });
      bill.resize(id, job.resources);
    }
  }
}

export async function prune({ call, clock }: TestService, hours: number): Promise<void> {
  const before = new Date(clock.now() - hours * HOUR).toISOString();
  for (let after: number | null = 0; after !== null;) {
    after = (await call(pruneUsage, { before, after })).next;
  }
}
