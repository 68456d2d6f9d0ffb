import { crossingOf, isFarBelow, type Fill, type NoticeLevel } from '../domain/quota-notice.ts';
import type { Key, Place, ScopeRow, Tables, Use } from '../store/store.ts';
import type { TenantAllowances } from './allowances.ts';
import { recordEvent } from './event-log.ts';
import { scopeKeyOf, type Charge, type PathCeilings } from './ledger.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { limitInForceAt } from './room.ts';
import { settingsInForce } from './settings-in-force.ts';
import { asSystem } from './system.ts';
import { existing } from './tenant-lookup.ts';

type At = Pick<Context, 'tables' | 'now'>;

/** How full a place was, and how full a change has made it. */
export interface Shift {
  readonly place: Place;
  readonly before: Fill;
  readonly after: Fill;
}

/**
 * Tells of the places that what was charged has brought near their limits. The numbers are those that
 * the decision was made from: mostly none is near, and nothing is read or written.
 */
export async function noticeCharge(
  context: Context,
  { ceilings }: PathCeilings,
  charges: readonly Charge[],
): Promise<void> {
  const { quotaNotices } = await settingsInForce(context.tables);
  if (!quotaNotices.enabled) return;
  const shifts: Shift[] = [];
  for (const { scope, resource, used, limit } of ceilings) {
    const charge = charges.find(({ name }) => name === resource);
    if (charge === undefined || charge.amount <= 0) continue;
    const after = { used: used + charge.amount, limit };
    if (isFarBelow(after, quotaNotices)) continue;
    const key = scope.key ?? (await scopeKeyOf(context, scope.subject));
    const place = { scope: key, resource: charge.resource };
    shifts.push({ place, before: { used, limit }, after });
  }
  if (shifts.length > 0) await notice(context, shifts);
}

/** The same for limits of a tenant that were changed. */
export async function noticeLimits(
  context: Context,
  present: TenantAllowances,
  after: TenantAllowances,
): Promise<void> {
  const scope = present.scope.key;
  // Of what had no scope yet nothing was ever used.
  if (scope === undefined) return;
  const shifts = after.own.flatMap(({ resource, used, inForce }, i): Shift[] => {
    const before = present.own[i];
    if (before === undefined || before.inForce === inForce) return [];
    const place = { scope, resource: resource.key };
    return [{ place, before: { used, limit: before.inForce }, after: { used, limit: inForce } }];
  });
  await notice(context, shifts);
}

/** A place, and how full it is. */
export interface Filled extends Fill {
  readonly place: Place;
}

/** How full places are, before something makes other limits of theirs. */
export async function fillsAt(at: At, places: readonly Place[]): Promise<Filled[]> {
  const uses = await at.tables.balances.usedAt(places);
  const fills: Filled[] = [];
  for (const [i, place] of places.entries()) {
    fills.push({ place, used: uses[i] ?? 0, limit: await limitInForceAt(at, place) });
  }
  return fills;
}

/** Tells of a scope that uses so much more than before, if that is near a limit of it. */
export async function noticeMore(
  context: Context,
  scope: Key,
  more: readonly Use[],
): Promise<void> {
  const places = more.map(({ resource }) => ({ scope, resource }));
  const fills = await fillsAt(context, places);
  await notice(
    context,
    fills.map(({ place, used, limit }, i): Shift => {
      const before = { used: used - (more[i]?.used ?? 0), limit };
      return { place, before, after: { used, limit } };
    }),
  );
}

/** Tells of the places that are near their limits since they were looked at. */
export async function noticeSince(context: Context, before: readonly Filled[]): Promise<void> {
  const places = before.map(({ place }) => place);
  const fills = await fillsAt(context, places);
  await notice(
    context,
    fills.flatMap((after, i): Shift[] => {
      const then = before[i];
      return then === undefined ? [] : [{ place: after.place, before: then, after }];
    }),
  );
}

/** Tells of what has crossed a threshold, once, and remembers it with the change itself. */
export async function notice(context: Context, shifts: readonly Shift[]): Promise<void> {
  const { tables } = context;
  const { quotaNotices } = await settingsInForce(tables);
  if (!quotaNotices.enabled) return;
  const near = shifts.filter(({ after }) => !isFarBelow(after, quotaNotices));
  if (near.length === 0) return;
  const told = await tables.quotaNotices.levelsAt(near.map(({ place }) => place));
  for (const [i, { place, before, after }] of near.entries()) {
    const { level, isNotice } = crossingOf(told[i], before, after, quotaNotices);
    if (level !== told[i]) await remember(tables, place, level);
    if (isNotice && level !== undefined) await tell(context, place, level, after);
  }
}

async function remember(
  { quotaNotices }: Tables,
  place: Place,
  level: NoticeLevel | undefined,
): Promise<void> {
  if (level === undefined) await quotaNotices.remove(place);
  else await quotaNotices.put(place, level);
}

async function tell(
  context: Context,
  place: Place,
  level: NoticeLevel,
  { used, limit }: Fill,
): Promise<void> {
  const { tables } = context;
  const scope = await tables.scopes.byKey(place.scope);
  if (scope === undefined) throw new Error(`there is no scope ${place.scope}`);
  const { tenant, pool } = await namesOf(tables, scope);
  await recordEvent(asSystem(context), {
    operation: 'quota.notice',
    tenant,
    object: tenant ?? pool ?? '',
    before: null,
    after: { pool, resource: await resourceName(tables, place.resource), level, used, limit },
  });
}

/** The id of a tenant and the name of a pool, by which events have them. */
async function namesOf(tables: Tables, { tenant, pool }: ScopeRow) {
  return {
    tenant: tenant === null ? null : (await existing(tables, tenant)).id,
    pool: pool === null ? null : (await existingPool(tables, pool)).name,
  };
}

async function resourceName(tables: Tables, resource: Key): Promise<string> {
  const row = (await tables.resources.list()).find(({ key }) => key === resource);
  if (row === undefined) throw new Error(`there is no resource ${resource}`);
  return row.name;
}
