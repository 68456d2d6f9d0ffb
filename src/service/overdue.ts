import type { Tables } from '../store/store.ts';
import { pathOf, type Overdue } from './ledger.ts';
import { existingPool } from './pool-lookup.ts';
import { existing } from './tenant-lookup.ts';

/** More than so many are not looked at: by then the next write, or the sweeper, is long overdue too. */
const LOOKED_AT = 1_000;

const nothing: Overdue = { isAny: false, of: () => 0 };

/** For reads, which show what is overdue as of now without writing it. */
export async function overdueAsOf(tables: Tables, now: number): Promise<Overdue> {
  const due = await tables.jobs.due(now, LOOKED_AT);
  const late = due.filter(({ state }) => state === 'admitted');
  if (late.length === 0) return nothing;
  const sums = new Map<string, number>();
  for (const job of late) {
    const tenant = await existing(tables, job.tenant);
    const { scopes } = await pathOf(tables, tenant, await existingPool(tables, job.pool));
    for (const { resource, amount } of await tables.jobs.amounts(job.key)) {
      for (const { key } of scopes) {
        const place = `${key} ${resource}`;
        sums.set(place, (sums.get(place) ?? 0) + amount);
      }
    }
  }
  return { isAny: true, of: (scope, resource) => sums.get(`${scope} ${resource}`) ?? 0 };
}
