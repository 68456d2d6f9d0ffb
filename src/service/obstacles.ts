import type { ReasonCode } from '../domain/admission.ts';
import { statusAsOf } from '../domain/pool.ts';
import {
  UNTIL_ALLOWED,
  type JobRow,
  type Key,
  type Place,
  type ScopeRow,
  type TenantRow,
  type WaitingRow,
} from '../store/store.ts';
import { namesIn } from './job-view.ts';
import type { Context } from './operation.ts';
import { roomAt } from './room.ts';
import { settingsInForce } from './settings-in-force.ts';

/** What a job waits for, as it is noted with it: the first of what stands against it. */
export interface Awaited {
  readonly scope: { readonly tenant: string | null; readonly pool: string | null };
  readonly resource: string | null;
  readonly amount: number | null;
  readonly code: ReasonCode;
}

type At = Pick<Context, 'tables' | 'now'>;

/** So many places with new room are remembered, rarely more than a few. */
const WAKEUPS_LOOKED_AT = 1_000;

/** What waiting jobs wait for; what they share is read once. */
export async function awaitedIn(at: At): Promise<(job: JobRow) => Promise<Awaited>> {
  const { tables } = at;
  const names = namesIn(tables);
  const wakeups = await tables.wakeups.list(WAKEUPS_LOOKED_AT);
  const suspended = suspensions(names.tenant);
  const lackAt = lacks(at);
  return async (job) => {
    const above = await suspended(job.tenant);
    if (above !== undefined) {
      const scope = { tenant: above.name, pool: null };
      return { scope, resource: null, amount: null, code: 'suspended' };
    }
    const row = await tables.waiting.byJob(job.key);
    const place = row && (await tables.scopes.byKey(row.scope));
    if (row === undefined || place === undefined) throw new Error(`job ${job.key} does not wait`);
    const scope = {
      tenant: place.tenant === null ? null : (await names.tenant(place.tenant)).name,
      pool: place.pool === null ? null : (await names.pool(place.pool)).name,
    };
    if (row.amount === UNTIL_ALLOWED)
      return { scope, resource: null, amount: null, code: 'policy' };
    const isToBeLookedAt = wakeups.some((wakeup) => isSame(wakeup, row));
    if (row.amount > 0 && !isToBeLookedAt) {
      const resource = await names.resource(row.resource);
      return { scope, resource, amount: row.amount, code: await lackAt(row, place) };
    }
    const pool = await names.pool(job.pool);
    const { resourcePools } = await settingsInForce(tables);
    const isHeld = resourcePools.enabled && statusAsOf(pool, at.now) === 'held';
    const code = isHeld ? ('pool_held' as const) : ('waiting_ahead' as const);
    return { scope: { tenant: null, pool: pool.name }, resource: null, amount: null, code };
  };
}

function isSame(a: Place, b: Place): boolean {
  return a.scope === b.scope && a.resource === b.resource;
}

/** The nearest of a tenant and those above it that is suspended. */
function suspensions(tenantOf: (key: Key) => Promise<TenantRow>) {
  const known = new Map<Key, TenantRow | undefined>();
  return async function suspended(key: Key): Promise<TenantRow | undefined> {
    if (known.has(key)) return known.get(key);
    const tenant = await tenantOf(key);
    const above = tenant.parent === null ? undefined : await suspended(tenant.parent);
    const found = tenant.status === 'suspended' ? tenant : above;
    known.set(key, found);
    return found;
  };
}

/** Whether an amount is lacking because of a limit, or because room is kept for somebody else. */
function lacks(at: At) {
  const reservations = at.tables.reservations.list();
  return async (row: WaitingRow, scope: ScopeRow): Promise<ReasonCode> => {
    const kept = (await reservations).filter((each) => isSame(each, row) && each.job !== row.job);
    if (kept.length > 0 && (await roomAt(at, row, [])).free >= row.amount) return 'reserved';
    return scope.tenant === null ? 'over_capacity' : 'over_quota';
  };
}
