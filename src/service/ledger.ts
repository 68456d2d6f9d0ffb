import { scopeText, type Ceiling, type ScopeName } from '../domain/ceiling.ts';
import { conflict, type HodeiError } from '../domain/errors.ts';
import { roomFor } from '../domain/pool.ts';
import type { Limit } from '../domain/quota.ts';
import { MAX_AMOUNT } from '../domain/resource.ts';
import type {
  BurstRow,
  Key,
  PoolRow,
  ReservationRow,
  ResourceAmount,
  ResourceRow,
  ScopeRow,
  ScopeSubject,
  Tables,
  TenantRow,
} from '../store/store.ts';
import { liftsInForce } from './burst-lifts.ts';
import { measureUse, type Overdue } from './fair-use.ts';
import type { Context } from './operation.ts';
import { ancestorsOf } from './tenant-lookup.ts';

export type { Overdue } from './fair-use.ts';

/** A scope on a path, with its row where it has one already. */
export interface PathScope extends ScopeName {
  readonly key: Key | undefined;
  readonly row: ScopeRow | undefined;
  readonly subject: ScopeSubject;
}

/** All that a job of one tenant in one pool charges; without a pool, what is limited everywhere. */
export interface Path {
  /** The tenant, then those above it, nearest first. */
  readonly line: readonly TenantRow[];
  readonly pool: PoolRow | undefined;
  /** Tenant and tenant in the pool, the same for each above it, then the pool. */
  readonly scopes: readonly PathScope[];
}

export interface PathCeiling extends Ceiling<PathScope> {
  /** Whether the limit was set for this scope; else it is a default. */
  readonly isOwn: boolean;
  /** The burst session that lifts the limit. */
  readonly burst: BurstRow | undefined;
  /** Whether its balance has a row. */
  readonly hasBalance: boolean;
}

/** A path with what there is and what there may be of some resources. */
export interface PathCeilings extends Path {
  readonly ceilings: readonly PathCeiling[];
}

export async function pathOf(
  tables: Tables,
  tenant: TenantRow,
  pool: PoolRow | undefined,
): Promise<Path> {
  const line = tenant.parent === null ? [tenant] : [tenant, ...(await ancestorsOf(tables, tenant))];
  const named: NamedSubject[] = [];
  const add = (of: TenantRow | undefined, inPool: PoolRow | undefined) => {
    const subject = { tenant: of?.key ?? null, pool: inPool?.key ?? null };
    named.push({ subject, tenant: of?.name ?? null, pool: inPool?.name ?? null });
  };
  for (const each of line) {
    add(each, undefined);
    if (pool !== undefined) add(each, pool);
  }
  if (pool !== undefined) add(undefined, pool);
  const rows = await tables.scopes.ofEach(named.map(({ subject }) => subject));
  const scopes = named.map(({ subject, tenant: name, pool: poolName }, i): PathScope => {
    const row = rows[i];
    return { key: row?.key, row, subject, tenant: name, pool: poolName };
  });
  return { line, pool, scopes };
}

interface NamedSubject extends ScopeName {
  readonly subject: ScopeSubject;
}

/** The scope of a subject, which is given one where it has none yet. */
export async function scopeKeyOf(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  subject: ScopeSubject,
): Promise<Key> {
  return (await tables.scopes.of(subject))?.key ?? tables.scopes.insert(subject, now);
}

export interface CeilingOptions {
  /** Whether pools are switched on; else they limit nothing. */
  readonly arePoolsOn: boolean;
  /** Of reads: what is used by jobs whose time has run out. */
  readonly overdue?: Overdue;
  /** The waiting job that asks: what is kept for it is not kept from it. */
  readonly job?: Key;
}

/** What there is and what there may be of the resources, on every scope of the path. */
export async function ceilingsOf(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  path: Path,
  resources: readonly ResourceRow[],
  { arePoolsOn, overdue, job }: CeilingOptions,
): Promise<PathCeilings> {
  const places = path.scopes.flatMap(({ key: scope }) =>
    scope === undefined ? [] : resources.map(({ key: resource }) => ({ scope, resource })),
  );
  const limits = await tables.quotas.limitsAt(places);
  const uses = await tables.balances.usedAt(places);
  const reserved = await tables.reservations.list();
  const lifts = await liftsInForce({ tables, now });
  const { pool } = path;
  const isLimiting = arePoolsOn && pool !== undefined;
  const perWorker = isLimiting ? await tables.pools.resources(pool.key) : [];
  const ceilings: PathCeiling[] = [];
  let next = 0;
  for (const scope of path.scopes) {
    for (const resource of resources) {
      const place = scope.key === undefined ? -1 : next++;
      // Switched off, pools limit nothing: not even where a limit in one was set.
      const own = arePoolsOn || scope.pool === null ? limits[place] : undefined;
      const used = uses[place];
      const room =
        own === undefined
          ? unsetLimit(path, scope, resource, { arePoolsOn, perWorker })
          : { limit: own, most: own };
      const lifted = lifts.lift(scope.subject, resource.key, room.limit);
      ceilings.push({
        scope,
        resource: resource.name,
        limit: lifted.limit,
        base: lifted.base,
        lentUntil: lifted.burst?.endsAt ?? undefined,
        // Of a pool as a whole that of its largest size.
        most: scope.subject.tenant === null ? room.most : lifted.most,
        burst: lifted.burst,
        isOwn: own !== undefined,
        used: (used ?? 0) - (overdue?.of(scope.key, resource.key) ?? 0),
        kept: keptAt(reserved, scope.key, resource.key, job),
        hasBalance: used !== undefined,
      });
    }
  }
  return { line: path.line, pool, scopes: path.scopes, ceilings };
}

/**
 * What is kept in a scope for others than this job. Of two for whom room is kept there, what is kept
 * for the younger does not hold back the older: else each would wait for the other.
 */
export function keptAt(
  reserved: readonly ReservationRow[],
  scope: Key | undefined,
  resource: Key,
  job: Key | undefined,
): number {
  const holder = reserved.some((row) => row.job === job) ? job : undefined;
  let kept = 0;
  for (const row of reserved) {
    if (row.scope !== scope || row.resource !== resource) continue;
    if (holder === undefined || row.job < holder) kept += row.amount;
  }
  return Math.min(kept, MAX_AMOUNT);
}

interface PoolRoom {
  readonly arePoolsOn: boolean;
  readonly perWorker: readonly { readonly resource: Key; readonly amount: number }[];
}

/** What holds in a scope for which no limit was set: of a pool its room, of a tenant the default. */
function unsetLimit(
  { pool, line }: Path,
  scope: PathScope,
  resource: ResourceRow,
  { arePoolsOn, perWorker }: PoolRoom,
): { limit: Limit; most: Limit } {
  if (scope.pool === null) return { limit: resource.defaultLimit, most: resource.defaultLimit };
  if (pool === undefined || !arePoolsOn) return { limit: null, most: null };
  if (scope.tenant === null) {
    const each = perWorker.find((amount) => amount.resource === resource.key);
    return roomFor(pool, resource.name, each?.amount);
  }
  // What one tenant may run there; not what all below a tenant may run together.
  const isFirst = scope.subject.tenant === line[0]?.key;
  const limit = resource.name === 'jobs' && isFirst ? pool.maxJobsPerTenant : null;
  return { limit, most: limit };
}

/** An amount of one resource; negative where less is charged. */
export interface Charge extends ResourceAmount {
  readonly name: string;
}

/** Charges a path: the balances that there are in one statement, the others begin. */
export async function charge(
  at: Pick<Context, 'tables' | 'now'>,
  { scopes, ceilings }: PathCeilings,
  charges: readonly Charge[],
): Promise<void> {
  const { tables, now } = at;
  const keys: Key[] = [];
  for (const { key, subject } of scopes)
    keys.push(key ?? (await tables.scopes.insert(subject, now)));
  await measureUse(at, () => sharedKeys(scopes, keys), charges);
  if (ceilings.every(({ hasBalance }) => hasBalance)) return tables.balances.add(keys, charges);
  for (const { resource, name, amount } of charges) {
    const of = ceilings.filter((ceiling) => ceiling.resource === name);
    for (const [i, key] of keys.entries()) {
      if (of[i]?.hasBalance === true) await tables.balances.add([key], [{ resource, amount }]);
      else await tables.balances.insert(key, resource, amount);
    }
  }
}

/** More would be used in a scope than can be counted; a limit, where there is one, is less. */
export function uncountable(scope: ScopeName, resource: string): HodeiError {
  return conflict(
    `${scopeText(scope)} would use more than ${MAX_AMOUNT} of ${resource}, ` +
      'which is the most that can be counted.',
  );
}

/** The scopes of tenants in the pool, whose use decides whose turn it is. */
function sharedKeys(scopes: readonly PathScope[], keys: readonly (Key | undefined)[]): Key[] {
  return keys.flatMap((key, i) => {
    const { tenant, pool } = scopes[i]?.subject ?? { tenant: null, pool: null };
    return key === undefined || tenant === null || pool === null ? [] : [key];
  });
}

/** Gives back what a job of the path held; its balances are all there. */
export async function discharge(
  at: Pick<Context, 'tables' | 'now'>,
  { scopes }: Path,
  charges: readonly ResourceAmount[],
): Promise<void> {
  const all = scopes.map(({ key }) => key);
  await measureUse(at, () => sharedKeys(scopes, all), charges);
  const keys = all.filter((key) => key !== undefined);
  const back = charges.map(({ resource, amount }) => ({ resource, amount: -amount }));
  await at.tables.balances.add(keys, back);
}
