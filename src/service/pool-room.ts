import type { Key, PoolRow } from '../store/store.ts';
import type { Context } from './operation.ts';
import type { Room } from './promotion.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** Where jobs may wait for room in a pool itself. */
export async function placesInPool({ tables }: At, pool: PoolRow): Promise<Room[]> {
  const scope = await tables.scopes.of({ tenant: null, pool: pool.key });
  if (scope === undefined) return [];
  // Also those that were retired: a job that waits may ask for one.
  const resources = await tables.resources.list();
  return resources.map(({ key }) => ({ scope: scope.key, resource: key }));
}

/** So many waiting jobs are read at once. */
const PAGE = 500;

/** Where jobs wait because their tenants have as many in the pool as each may. */
export async function placesOfTenants({ tables, now }: At, pool: PoolRow): Promise<Room[]> {
  const places = new Map<string, Room>();
  let before: Key | undefined;
  do {
    const filter = { states: ['queued' as const], pool: pool.key, now };
    const page = await tables.jobs.list(filter, before, PAGE);
    for (const { blocked } of page) {
      if (blocked !== null) places.set(`${blocked.scope} ${blocked.resource}`, blocked);
    }
    before = page.length === PAGE ? page.at(-1)?.key : undefined;
  } while (before !== undefined);
  const inPool: Room[] = [];
  for (const place of places.values()) {
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
