import { roomFor, statusAsOf } from '../domain/pool.ts';
import type { Limit } from '../domain/quota.ts';
import { MAX_AMOUNT } from '../domain/resource.ts';
import type { Key, Place, ReservationRow, ScopeRow, Tables } from '../store/store.ts';
import { liftsInForce } from './burst-lifts.ts';
import { keptAt } from './ledger.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** What may start at a place now. */
export interface RoomAt {
  /** Whether anything new starts there at all. */
  readonly isOpen: boolean;
  /** How much more of the resource there may be, beside what is kept for somebody; never negative. */
  readonly free: number;
}

/** What there is at a place for those who wait there, or for one for whom room is kept. */
export async function roomAt(
  at: At,
  { scope: key, resource }: Place,
  reserved: readonly ReservationRow[],
  holder?: Key,
): Promise<RoomAt> {
  const { tables } = at;
  const scope = await existingScope(tables, key);
  const limit = await limitInForceAt(at, { scope: key, resource });
  const [used = 0] = await tables.balances.usedAt([{ scope: key, resource }]);
  const kept = keptAt(reserved, key, resource, holder);
  const free = Math.max(0, (limit ?? MAX_AMOUNT) - used - kept);
  return { isOpen: await isOpen(at, scope), free };
}

/** The limit at a place as sessions make it. */
export async function limitInForceAt(at: At, { scope: key, resource }: Place): Promise<Limit> {
  const scope = await existingScope(at.tables, key);
  const written = await limitAt(at.tables, scope, resource);
  return (await liftsInForce(at)).lift(scope, resource, written).limit;
}

async function existingScope(tables: Tables, key: Key): Promise<ScopeRow> {
  const scope = await tables.scopes.byKey(key);
  if (scope === undefined) throw new Error(`there is no scope ${key}`);
  return scope;
}

async function limitAt(tables: Tables, scope: ScopeRow, resource: number): Promise<Limit> {
  const { resourcePools } = await settingsInForce(tables);
  // Switched off, pools limit nothing: not even where a limit in one was set.
  if (scope.pool !== null && !resourcePools.enabled) return null;
  const [own] = await tables.quotas.limitsAt([{ scope: scope.key, resource }]);
  if (own !== undefined) return own;
  const row = (await tables.resources.list()).find((each) => each.key === resource);
  if (row === undefined) throw new Error(`there is no resource ${resource}`);
  if (scope.pool === null) return row.defaultLimit;
  const pool = await tables.pools.byKey(scope.pool);
  if (pool === undefined) throw new Error(`there is no pool ${scope.pool}`);
  // Who waits at a tenant in a pool without a limit of its own is that tenant itself.
  if (scope.tenant !== null) return row.name === 'jobs' ? pool.maxJobsPerTenant : null;
  const perWorker = await tables.pools.resources(pool.key);
  const each = perWorker.find((amount) => amount.resource === resource);
  return roomFor(pool, row.name, each?.amount).limit;
}

async function isOpen({ tables, now }: At, { tenant, pool }: ScopeRow): Promise<boolean> {
  if (tenant !== null) return (await tables.tenants.byKey(tenant))?.status === 'active';
  if (pool === null || !(await settingsInForce(tables)).resourcePools.enabled) return true;
  const row = await tables.pools.byKey(pool);
  return row !== undefined && statusAsOf(row, now) === 'active';
}
