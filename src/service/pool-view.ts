import type * as z from 'zod';
import type { PoolRow, ResourceRow, Tables } from '../store/store.ts';
import { catalogueOf } from './allowances.ts';
import { overView, startedView, type Effects } from './effects.ts';
import type { Context } from './operation.ts';
import type { Overdue } from './ledger.ts';
import { overdueAsOf } from './overdue.ts';
import { capacityOf, settableFields, stateOf } from './pool-definition.ts';
import { holdAsOf } from './pool-hold.ts';
import type { Started } from './promotion.ts';
import { toInstant } from './schemas/common.ts';
import type { PoolChangeResponse, PoolResponse } from './schemas/pool.ts';

export type PoolView = z.output<ReturnType<typeof PoolResponse>>;

export type PoolChangeView = z.output<ReturnType<typeof PoolChangeResponse>>;

type At = Pick<Context, 'tables' | 'now'>;

/** Jobs whose time has run out, and that count no longer although nothing was written yet. */
const DUE_LOOKED_AT = 1_000;

/** Pools as they are answered; what they share is read once. */
export async function poolViews({
  tables,
  now,
}: At): Promise<(pool: PoolRow) => Promise<PoolView>> {
  const catalogue = await catalogueOf(tables);
  const overdue = await overdueAsOf(tables, now);
  const due = await tables.jobs.due(now, DUE_LOOKED_AT);
  const countIn = async ({ key }: PoolRow, state: 'queued' | 'admitted') => {
    const late = due.filter((job) => job.pool === key && job.state === state);
    return (await tables.jobs.countIn(key, state)) - late.length;
  };
  return async (pool) => {
    const state = await stateOf(tables, pool, catalogue);
    return {
      id: pool.name,
      ...settableFields(state),
      ...holdAsOf(pool, now),
      source: pool.source,
      capacity: capacityOf(state, catalogue),
      used: await usedOf(tables, pool, catalogue, overdue),
      units: Object.fromEntries(catalogue.map(({ name, unit }) => [name, unit])),
      jobs: await countIn(pool, 'admitted'),
      waiting: await countIn(pool, 'queued'),
      version: pool.version,
      created_at: toInstant(pool.createdAt),
      updated_at: toInstant(pool.updatedAt),
    };
  };
}

export async function viewPool(at: At, pool: PoolRow): Promise<PoolView> {
  return (await poolViews(at))(pool);
}

/**
 * The same with what is promised of it. That is summed over all tenants, so it is looked up for one
 * pool at a time, and never while others wait to write.
 */
export async function viewPoolWithPromises(at: At, pool: PoolRow): Promise<PoolView> {
  const catalogue = await catalogueOf(at.tables);
  const sums = new Map(
    (await at.tables.quotas.promised(pool.key)).map(({ resource, limit }) => [resource, limit]),
  );
  const promised = catalogue.map(({ key, name }) => [name, orNothing(sums.get(key))] as const);
  return { ...(await viewPool(at, pool)), promised: Object.fromEntries(promised) };
}

/** Without any tenant there is no sum. */
function orNothing(sum: number | null | undefined): number | null {
  return sum === undefined ? 0 : sum;
}

async function usedOf(
  tables: Tables,
  pool: PoolRow,
  catalogue: readonly ResourceRow[],
  overdue: Overdue,
): Promise<Record<string, number>> {
  const scope = await tables.scopes.of({ tenant: null, pool: pool.key });
  const balances = scope === undefined ? [] : await tables.balances.used([scope.key]);
  const used = new Map(balances.map((balance) => [balance.resource, balance.used]));
  const amounts = catalogue.map(({ key, name }) => {
    return [name, (used.get(key) ?? 0) - overdue.of(scope?.key, key)] as const;
  });
  return Object.fromEntries(amounts);
}

/** A changed pool, and what follows from the change. */
export async function viewChange(
  at: At & Pick<Context, 'reach'>,
  pool: PoolRow,
  started: readonly Started[],
): Promise<PoolChangeView> {
  const view = await viewPool(at, pool);
  const allowances = (await catalogueOf(at.tables)).map((resource) => ({
    resource,
    limit: view.capacity[resource.name] ?? null,
    inForce: view.capacity[resource.name] ?? null,
    isOwn: true,
    used: view.used[resource.name] ?? 0,
  }));
  const effects: Effects = {
    over: overView({ tenant: null, pool: pool.name }, allowances),
    started: await startedView(at, started),
  };
  return { ...view, effects };
}
