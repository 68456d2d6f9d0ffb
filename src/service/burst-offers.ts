import type { BurstOffer } from '../domain/admission.ts';
import { burstRefusal, type Period } from '../domain/burst.ts';
import { freePercentage } from '../domain/burst-capacity.ts';
import type { BurstRow, ScopeSubject, TenantRow } from '../store/store.ts';
import { boundsOf, periodsOf } from './burst-bounds.ts';
import type { PathScope } from './ledger.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** The sessions that could be opened for a tenant now, and that nobody has to agree to. */
export async function burstOffers(
  at: At,
  tenant: TenantRow,
  scopes: readonly PathScope[],
): Promise<BurstOffer<PathScope>[]> {
  const { tables, now } = at;
  const { burstCapacity } = await settingsInForce(tables);
  const percentage = freePercentage(burstCapacity);
  if (percentage === undefined) return [];
  const { ofTenant, all } = await periodsOf(at, tenant.key);
  const period = periodOf(burstCapacity.defaultPolicy.durationMinutes, now);
  if (burstRefusal(period, ofTenant, all, boundsOf(burstCapacity)) !== undefined) return [];
  const standing = await tables.bursts.standing();
  const own = scopes.filter(({ subject }) => subject.tenant === tenant.key);
  // Where a session stands already, none opens by itself.
  const free = own.filter(({ subject }) => !standing.some(({ burst }) => isOf(burst, subject)));
  return free.map((scope) => ({ scope, percentage }));
}

function isOf(burst: BurstRow, { tenant, pool }: ScopeSubject): boolean {
  return burst.tenant === tenant && burst.pool === pool;
}

function periodOf(minutes: number, now: number): Period {
  return { startsAt: now, endsAt: now + minutes * 60_000 };
}
