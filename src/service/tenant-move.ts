import { conflict } from '../domain/errors.ts';
import { formatAmount } from '../domain/quantity.ts';
import { MAX_AMOUNT, spokenName } from '../domain/resource.ts';
import type {
  Key,
  ResourceRow,
  ScopeRow,
  ScopeUse,
  Tables,
  TenantRow,
  WaitingRow,
} from '../store/store.ts';
import { scopeKeyOf, ceilingsOf, uncountable, type PathCeiling, type PathScope } from './ledger.ts';
import { measureUse } from './fair-use.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import { distinct, promote, wake, type Room } from './promotion.ts';
import { noticeMore } from './quota-notices.ts';
import { settingsInForce } from './settings-in-force.ts';
import { ancestorsOf, existing } from './tenant-lookup.ts';
import { giveUp } from './reservations.ts';
import { sendStranded, waitingJob } from './waiting.ts';

/**
 * Carries what a tenant and all below it use from the tenants that were above it to those that are
 * now. Those that are above it before and after keep it.
 * @throws conflict when somebody above it would be over a limit, unless that is accepted, or would
 *   use more than can be counted.
 */
export async function carryUsage(
  context: Context,
  before: TenantRow,
  after: TenantRow,
  isOverAccepted: boolean,
): Promise<void> {
  const { tables } = context;
  const old = await ancestorsOf(tables, before);
  const next = await ancestorsOf(tables, after);
  const left = old.filter(({ key }) => !next.some((other) => other.key === key));
  const joined = next.filter(({ key }) => !old.some((other) => other.key === key));
  const carried = await usesOf(tables, before.key);
  const resources = await tables.resources.list();
  for (const tenant of left) await takeAway(context, tenant, carried);
  for (const tenant of joined) {
    await requireRoom(context, before, tenant, carried, isOverAccepted);
    await add(context, tenant, carried);
  }
  const places = await placesOf(tables, left, resources);
  await giveUp(tables, async ({ job, scope }) => {
    if (!places.some((place) => place.scope === scope)) return false;
    return isBelow(tables, (await waitingJob(tables, job)).tenant, before);
  });
  const room = await wake(tables, places);
  // Of the moved, who waits for room at tenants that are no longer above is looked at again.
  const isMoved = ({ tenant }: WaitingRow) => isBelow(tables, tenant, before);
  const doors: Room[] = [];
  for (const place of room) doors.push(...(await sendStranded(context, place, isMoved)));
  await promote(context, distinct([...room, ...doors]));
}

async function placesOf(
  tables: Tables,
  tenants: readonly TenantRow[],
  resources: readonly ResourceRow[],
): Promise<Room[]> {
  const places: Room[] = [];
  for (const tenant of tenants) {
    for (const { key: scope } of await tables.scopes.ofTenant(tenant.key)) {
      places.push(...resources.map(({ key: resource }) => ({ scope, resource })));
    }
  }
  return places;
}

async function isBelow(tables: Tables, key: Key, moved: TenantRow): Promise<boolean> {
  const tenant = await existing(tables, key);
  const line = [tenant, ...(await ancestorsOf(tables, tenant))];
  return line.some((each) => each.key === moved.key);
}

/** What is used in one scope of the tenant: everywhere, or in a pool. */
interface Carried {
  readonly scope: ScopeRow;
  readonly uses: readonly ScopeUse[];
}

async function usesOf(tables: Tables, tenant: Key): Promise<Carried[]> {
  const scopes = await tables.scopes.ofTenant(tenant);
  const uses = await tables.balances.used(scopes.map(({ key }) => key));
  return scopes.map((scope) => ({
    scope,
    uses: uses.filter((use) => use.scope === scope.key && use.used > 0),
  }));
}

async function takeAway(
  context: Context,
  tenant: TenantRow,
  carried: readonly Carried[],
): Promise<void> {
  const { tables } = context;
  for (const { scope, uses } of carried) {
    const from = await tables.scopes.of({ tenant: tenant.key, pool: scope.pool });
    if (from === undefined) continue;
    await measureCarried(context, from.key, scope, uses);
    for (const { resource, used } of uses) {
      await tables.balances.add([from.key], [{ resource, amount: -used }]);
    }
  }
}

/** @throws conflict where a tenant that is above now would be over a limit, or could not count it. */
async function requireRoom(
  at: Pick<Context, 'tables' | 'now'>,
  moved: TenantRow,
  above: TenantRow,
  carried: readonly Carried[],
  isOverAccepted: boolean,
): Promise<void> {
  const resources = await at.tables.resources.list();
  for (const { scope, uses } of carried) {
    const ceilings = await ceilingsAt(at, above, scope.pool, resources);
    for (const { resource: key, used } of uses) {
      const at = resources.findIndex((each) => each.key === key);
      const [resource, ceiling] = [resources[at], ceilings[at]];
      if (resource === undefined || ceiling === undefined) continue;
      if (used > MAX_AMOUNT - ceiling.used) throw uncountable(ceiling.scope, resource.name);
      const free = ceiling.limit === null ? used : ceiling.limit - ceiling.used;
      if (used > free && !isOverAccepted) {
        throw wouldBeOver(moved, ceiling.scope, resource, used, free);
      }
    }
  }
}

/** What a tenant may have and has of each resource, everywhere or in one pool. */
async function ceilingsAt(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  tenant: TenantRow,
  inPool: Key | null,
  resources: readonly ResourceRow[],
): Promise<readonly PathCeiling[]> {
  const pool = inPool === null ? undefined : await existingPool(tables, inPool);
  const subject = { tenant: tenant.key, pool: inPool };
  const row = await tables.scopes.of(subject);
  const scope = { key: row?.key, row, subject, tenant: tenant.name, pool: pool?.name ?? null };
  const arePoolsOn = (await settingsInForce(tables)).resourcePools.enabled;
  // Nobody asks for anything here, so that what one tenant may run in the pool does not matter.
  const path = { line: [], pool, scopes: [scope] };
  return (await ceilingsOf({ tables, now }, path, resources, { arePoolsOn })).ceilings;
}

function wouldBeOver(
  moved: TenantRow,
  { tenant, pool }: PathScope,
  resource: ResourceRow,
  used: number,
  free: number,
) {
  const [where, there] = pool === null ? ['', ''] : [` in pool ${pool}`, ' there'];
  const uses = `${formatAmount(used, resource)} of ${spokenName(resource.name)}${where}`;
  const left = formatAmount(Math.max(0, free), resource);
  return conflict(
    `${moved.name} uses ${uses}, and ${tenant} has ${left} left${there}.`,
    'Raise the limit there first, or move it all the same: --force',
  );
}

async function add(
  context: Context,
  tenant: TenantRow,
  carried: readonly Carried[],
): Promise<void> {
  const { tables } = context;
  for (const { scope, uses } of carried) {
    if (uses.length === 0) continue;
    const subject = { tenant: tenant.key, pool: scope.pool };
    const to = await scopeKeyOf(context, subject);
    await measureCarried(context, to, scope, uses);
    const there = new Set((await tables.balances.used([to])).map(({ resource }) => resource));
    for (const { resource, used } of uses) {
      if (there.has(resource)) {
        await tables.balances.add([to], [{ resource, amount: used }]);
      } else await tables.balances.insert(to, resource, used);
    }
    await noticeMore(context, to, uses);
  }
}

/** What was used in a pool until now, before it changes by what is carried. */
async function measureCarried(
  context: Context,
  key: Key,
  { pool }: ScopeRow,
  uses: Carried['uses'],
): Promise<void> {
  if (pool === null) return;
  const changed = uses.map(({ resource, used }) => ({ resource, amount: used }));
  await measureUse(context, () => [key], changed);
}
