import type * as z from 'zod';
import { invalid } from '../domain/errors.ts';
import { pricedUnit, unitHours } from '../domain/money.ts';
import { periodOf, type Period, type PeriodAsk } from '../domain/period.ts';
import type { Limit } from '../domain/quota.ts';
import { MAX_AMOUNT } from '../domain/resource.ts';
import { READERS } from '../domain/role.ts';
import { bucketHours, ProfileMeter, type Profile } from '../domain/usage-profile.ts';
import type { PoolRow, ResourceRow, Tables, TenantRow } from '../store/store.ts';
import { allowancesOf } from './allowances.ts';
import { operation, type Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { findPool } from './pool-lookup.ts';
import { findResource } from './resource-lookup.ts';
import { toInstant } from './schemas/common.ts';
import { UsageHistoryInput, UsageHistoryResponse } from './schemas/usage-history.ts';
import { existing, findTenantOrTombstone } from './tenant-lookup.ts';
import { usageHistoryExample } from './usage-examples.ts';
import { exactFrom, stepsOfUse } from './use-steps.ts';

export type UsageHistory = z.output<ReturnType<typeof UsageHistoryResponse>>;

export const usageHistory = operation({
  name: 'usage.history',
  summary: 'Average, peak, p95 and sum of what was used over a time, against the limit',
  method: 'GET',
  path: '/usage/history',
  roles: READERS,
  reach: 'tenant',
  isReadOnly: true,
  isVersioned: false,
  input: UsageHistoryInput,
  output: UsageHistoryResponse,
  example: {
    input: { tenant: 'acme', resource: 'cpu_m', last: '7d', points: 3 },
    output: usageHistoryExample,
  },

  async run(context, input) {
    const { tables, now, reach } = context;
    const resource = await findResource(tables, input.resource);
    const pool = input.pool === undefined ? undefined : await findPool(tables, input.pool);
    const tenant = await tenantOf(context, input.tenant);
    const period = periodUntilNow(input, now);
    const scope = {
      ...{ root: tenant?.key ?? reach.root, resource: resource.key },
      pool: pool?.key,
    };
    const hours = bucketHours(period, input.points);
    const meter = new ProfileMeter(period, hours);
    await stepsOfUse(tables, scope, period, now, (step) => meter.add(step));
    return {
      ...{ tenant: tenant?.name ?? null, tenant_id: tenant?.id ?? null, pool: pool?.name ?? null },
      ...{ resource: resource.name, unit: resource.unit },
      ...{ from: toInstant(period.from), to: toInstant(period.to) },
      ...viewProfile(meter.profile, await limitNow(context, tenant, pool, resource), resource),
      ...(await viewExactness(tables, period)),
      point_hours: hours,
    };
  },
});

/** Who is bound to a tenant asks about that one, where none is named. */
async function tenantOf(
  { tables, reach }: Context,
  reference: string | undefined,
): Promise<TenantRow | undefined> {
  if (reference !== undefined) return findTenantOrTombstone(tables, reference);
  return reach.root === undefined ? undefined : existing(tables, reach.root);
}

/** Nothing that is still to come counts, least of all in an average. */
function periodUntilNow(ask: PeriodAsk, now: number): Period {
  const isSaid = [ask.month, ask.last, ask.from, ask.to].some((way) => way !== undefined);
  const { from, to } = periodOf(isSaid ? ask : { last: '7d' }, now);
  if (from >= now) throw invalid('That time has not begun yet.');
  return { from, to: Math.min(to, now) };
}

async function limitNow(
  { tables, now }: Context,
  tenant: TenantRow | undefined,
  pool: PoolRow | undefined,
  resource: ResourceRow,
): Promise<Limit> {
  if (tenant === undefined || tenant.deletedAt !== null) return null;
  const overdue = await overdueAsOf(tables, now);
  const limits: number[] = [];
  for (const where of pool === undefined ? [undefined] : [undefined, pool]) {
    const { own } = await allowancesOf({ tables, now }, tenant, where, [resource], overdue);
    const limit = own[0]?.inForce ?? null;
    if (limit !== null) limits.push(limit);
  }
  return limits.length === 0 ? null : Math.min(...limits);
}

function viewProfile(profile: Profile, limit: Limit, resource: ResourceRow) {
  const { use, average, peak, peakAt, p95, buckets } = profile;
  if (peak > MAX_AMOUNT) throw invalid('That is too much use to be told exactly.');
  const share = (amount: number) =>
    limit === null || limit === 0 ? null : toMillionths(amount / limit);
  return {
    limit,
    ...{ average: toMillionths(average), average_share: share(average) },
    ...{ peak: toMillionths(peak), peak_share: share(peak) },
    peak_at: peakAt === undefined ? null : toInstant(peakAt),
    ...{ p95: toMillionths(p95), p95_share: share(p95) },
    unit_hours: toMillionths(unitHours(use, pricedUnit(resource))),
    points: buckets.map((bucket) => ({
      begins_at: toInstant(bucket.from),
      average: toMillionths(bucket.average),
      peak: toMillionths(bucket.peak),
    })),
  };
}

/** Numbers with a fraction are told to the millionth; amounts are whole anyway. */
function toMillionths(value: number): number {
  return Number.isSafeInteger(value) ? value : Number(value.toFixed(6));
}

async function viewExactness(
  tables: Tables,
  period: Period,
): Promise<Pick<UsageHistory, 'from_hourly_averages' | 'exact_from'>> {
  const edge = await exactFrom(tables, period);
  return { from_hourly_averages: edge > period.from, exact_from: toInstant(edge) };
}
