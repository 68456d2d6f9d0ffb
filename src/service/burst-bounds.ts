import { conflict, type HodeiError } from '../domain/errors.ts';
import {
  burstDay,
  burstRefusal,
  MAX_BURST_MINUTES,
  type BurstBounds,
  type BurstRefusal,
  type Period,
} from '../domain/burst.ts';
import type { BurstCapacity } from '../domain/burst-capacity.ts';
import type { BurstRow, Key, TenantRow } from '../store/store.ts';
import type { Context } from './operation.ts';
import { toInstant } from './schemas/common.ts';
import { settingsInForce } from './settings-in-force.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

type At = Pick<Context, 'tables' | 'now'>;

export function boundsOf(capacity: BurstCapacity): BurstBounds {
  return {
    cooldownMinutes: capacity.cooldownMinutes,
    mostAtOnce: capacity.mostAtOnce,
    mostPerDay: capacity.mostPerTenantAndDay,
  };
}

/** When sessions of a tenant, and of everybody, were or are to be in force. */
export async function periodsOf(
  { tables, now }: At,
  tenant: Key,
): Promise<{ readonly ofTenant: Period[]; readonly all: Period[] }> {
  // A day and the longest cooldown back, nothing that has ended matters any more.
  const since = now - MAX_BURST_MINUTES * 60_000 - DAY_MS;
  const ofTenant = (await tables.bursts.ofTenant(tenant, since)).flatMap(periodOf);
  const all = (await tables.bursts.standing()).flatMap(({ burst }) => periodOf(burst));
  return { ofTenant, all };
}

/** Of what was approved; what nobody has agreed to takes no time. */
function periodOf({ state, startsAt, endsAt, endedAt }: BurstRow): Period[] {
  const isAgreed = state === 'approved' || state === 'active' || state === 'ended';
  if (!isAgreed || startsAt === null || endsAt === null) return [];
  return [{ startsAt, endsAt: endedAt ?? endsAt }];
}

/** @throws conflict, with the numbers, when no session of the tenant can be then. */
export async function requireWithinBounds(
  at: At,
  tenant: TenantRow,
  wanted: Period,
): Promise<void> {
  const { burstCapacity } = await settingsInForce(at.tables);
  const bounds = boundsOf(burstCapacity);
  const { ofTenant, all } = await periodsOf(at, tenant.key);
  const refusal = burstRefusal(wanted, ofTenant, all, bounds);
  if (refusal !== undefined) throw refused(tenant, refusal, bounds);
}

/** @throws conflict when as many requests wait for an answer as there may be sessions in a day. */
export async function requireFewRequests(at: At, tenant: TenantRow): Promise<void> {
  const { burstCapacity } = await settingsInForce(at.tables);
  const most = burstCapacity.mostPerTenantAndDay;
  if (most === null) return;
  const own = await at.tables.bursts.ofTenant(tenant.key, at.now);
  const open = own.filter(({ state, lapsesAt }) => state === 'requested' && lapsesAt > at.now);
  if (open.length < most) return;
  throw conflict(
    `${tenant.name} has as many unanswered requests as it may have sessions in a day: ${most} (max_per_tenant_per_day).`,
    'Take one back: hodei burst cancel ID',
  );
}

function refused(tenant: TenantRow, refusal: BurstRefusal, bounds: BurstBounds): HodeiError {
  if (refusal.bound === 'cooldown') {
    const { other, earliest } = refusal;
    return conflict(
      `${tenant.name} has a session from ${inSeconds(other.startsAt)} to ${inSeconds(other.endsAt)}, and between two of them are ${bounds.cooldownMinutes} min (burst_cooldown_minutes).`,
      `The next one can begin at ${inSeconds(earliest)}: --at ${inSeconds(earliest)}`,
    );
  }
  if (refusal.bound === 'per_day') {
    return conflict(
      `${tenant.name} has as many sessions that begin on ${refusal.day} (UTC) as it may: ${bounds.mostPerDay} (max_per_tenant_per_day).`,
      `Let it begin on ${burstDay(Date.parse(refusal.day) + DAY_MS)} or later: --at`,
    );
  }
  return conflict(
    `At that time there are as many sessions as there may be: ${bounds.mostAtOnce} (max_concurrent_burst_sessions).`,
    'See which: hodei burst list',
  );
}

/** As people read and type it; never before the moment itself. */
function inSeconds(time: number): string {
  return toInstant(Math.ceil(time / 1000) * 1000).replace('.000Z', 'Z');
}
