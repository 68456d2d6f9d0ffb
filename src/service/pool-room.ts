import type { PoolRow } from '../store/store.ts';
import type { Context } from './operation.ts';
import type { Room } from './promotion.ts';
import { fillsAt, type Filled } from './quota-notices.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** Where jobs may wait for room in a pool itself. */
export async function placesInPool({ tables }: At, pool: PoolRow): Promise<Room[]> {
  const scope = await tables.scopes.of({ tenant: null, pool: pool.key });
  if (scope === undefined) return [];
  // Also those that were retired: a job that waits may ask for one.
  const resources = await tables.resources.list();
  return resources.map(({ key }) => ({ scope: scope.key, resource: key }));
}

/** How full a pool itself is. */
export async function fillsOfPool(at: At, pool: PoolRow): Promise<Filled[]> {
  return fillsAt(at, await placesInPool(at, pool));
}

/** Where jobs wait because their tenants have as many in the pool as each may. */
export async function placesOfTenants({ tables }: At, pool: PoolRow): Promise<Room[]> {
  const inPool: Room[] = [];
  for (const place of await tables.waiting.places()) {
    const scope = await tables.scopes.byKey(place.scope);
    if (scope?.pool === pool.key && scope.tenant !== null) inPool.push(place);
  }
  return inPool;
}

/** Where room may have appeared through a change of a pool. */
export async function placesWithRoom(at: At, before: PoolRow, after: PoolRow): Promise<Room[]> {
  const inPool = await placesInPool(at, after);
  if (before.maxJobsPerTenant === after.maxJobsPerTenant) return inPool;
  return [...inPool, ...(await placesOfTenants(at, after))];
}
