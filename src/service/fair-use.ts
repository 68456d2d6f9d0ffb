import { capacitiesOf, countedUse, decayedUse } from '../domain/fair-share.ts';
import { roomFor } from '../domain/pool.ts';
import type { Limit } from '../domain/quota.ts';
import type { Settings } from '../domain/settings.ts';
import type {
  Key,
  PoolRow,
  ResourceAmount,
  ResourceRow,
  Tables,
  TenantRow,
} from '../store/store.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

const MINUTE_MS = 60_000;

/** The half-life of use in the past, in milliseconds; undefined where only the present counts. */
export function halfLifeOf({ scheduling }: Settings): number | undefined {
  const { fairQueuing } = scheduling;
  const isCounted = fairQueuing.enabled && fairQueuing.windowMinutes > 0;
  return isCounted ? fairQueuing.windowMinutes * MINUTE_MS : undefined;
}

/** What jobs still hold on paper although their time has run out. */
export interface Overdue {
  readonly isAny: boolean;
  of(scope: Key | undefined, resource: Key): number;
}

/** What somebody uses, and used in the past where that counts, in the order of the resources. */
export interface Use {
  readonly present: readonly number[];
  readonly recent: readonly number[];
}

/** What tenants use of a pool, as far as it counts for their turn. */
export interface FairUse {
  readonly resources: readonly ResourceRow[];
  /** In the order of the resources. */
  readonly capacities: readonly number[];
  /** The pool limits nothing, so that what is used of it is its capacity. */
  readonly isRelative: boolean;
  /** Of each of these tenants what it and all below it use. */
  ofEach(tenants: readonly Key[]): Promise<Use[]>;
  /** What all directly below a tenant use, with those below them. */
  ofChildren(tenant: Key): Promise<Use>;
}

/** What counts of it, in the same order. */
export function countedOf({ present, recent }: Use): number[] {
  return present.map((used, i) => countedUse(used, recent[i] ?? 0));
}

type At = Pick<Context, 'tables' | 'now'>;

/** For reads, without what is overdue. */
export async function fairUseIn(at: At, pool: PoolRow, overdue?: Overdue): Promise<FairUse> {
  const { tables } = at;
  const settings = await settingsInForce(tables);
  const resources = (await tables.resources.list()).filter(({ retired }) => !retired);
  const halfLife = halfLifeOf(settings);
  const limits = await limitsIn(tables, pool, resources, settings);
  const isRelative = limits.every((limit) => limit === null);
  const measure = { resources, halfLife, overdue };
  const ofEach = (tenants: readonly (Key | null)[]) => useAt(at, pool, tenants, measure);
  const [inPool] = isRelative ? await ofEach([null]) : [];
  return {
    resources,
    capacities: capacitiesOf(limits, inPool?.present ?? []),
    isRelative,
    ofEach,
    async ofChildren(tenant) {
      if (halfLife === undefined && overdue?.isAny !== true) {
        const sums = await tables.balances.ofChildren(tenant, pool.key);
        const sumOf = ({ key }: ResourceRow) => sums.find(({ resource }) => resource === key)?.used;
        return { present: resources.map((resource) => sumOf(resource) ?? 0), recent: [] };
      }
      const children = (await childrenOf(tables, tenant)).map(({ key }) => key);
      let sum: Use = { present: resources.map(() => 0), recent: resources.map(() => 0) };
      for (const { present, recent } of await ofEach(children)) {
        sum = { present: added(sum.present, present), recent: added(sum.recent, recent) };
      }
      return sum;
    },
  };
}

export function added(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value + (b[i] ?? 0));
}

async function limitsIn(
  tables: Tables,
  pool: PoolRow,
  resources: readonly ResourceRow[],
  { resourcePools }: Settings,
): Promise<Limit[]> {
  const perWorker = resourcePools.enabled ? await tables.pools.resources(pool.key) : [];
  return resources.map(({ key, name }) => {
    if (!resourcePools.enabled) return null;
    const each = perWorker.find(({ resource }) => resource === key);
    return roomFor(pool, name, each?.amount).limit;
  });
}

const PAGE = 500;

async function childrenOf(tables: Tables, tenant: Key): Promise<TenantRow[]> {
  const children: TenantRow[] = [];
  for (let after = ''; ;) {
    const page = await tables.tenants.children(tenant, after, PAGE);
    children.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return children;
    after = last.name;
  }
}

interface Measure {
  readonly resources: readonly ResourceRow[];
  readonly halfLife: number | undefined;
  readonly overdue: Overdue | undefined;
}

async function useAt(
  { tables, now }: At,
  pool: PoolRow,
  tenants: readonly (Key | null)[],
  { resources, halfLife, overdue }: Measure,
): Promise<Use[]> {
  const scopes = await tables.scopes.ofEach(tenants.map((tenant) => ({ tenant, pool: pool.key })));
  const places = scopes.flatMap((scope) =>
    scope === undefined ? [] : resources.map(({ key }) => ({ scope: scope.key, resource: key })),
  );
  const held = await tables.balances.usedAt(places);
  const rows = halfLife === undefined ? [] : await tables.recentUse.at(places);
  const present = places.map((place, i) => {
    return (held[i] ?? 0) - (overdue?.of(place.scope, place.resource) ?? 0);
  });
  const recent = rows.map((row, i) => {
    const used = present[i] ?? 0;
    if (halfLife === undefined || row === undefined) return used;
    return decayedUse(row.amount, used, now - row.measuredAt, halfLife);
  });
  let next = 0;
  return scopes.map((scope) => {
    if (scope === undefined) return { present: resources.map(() => 0), recent: [] };
    const from = next;
    next += resources.length;
    return { present: present.slice(from, next), recent: recent.slice(from, next) };
  });
}

/**
 * Writes down what was used until now, before it changes: of each scope of a tenant in a pool. Where
 * only the present counts there is nothing to write.
 */
export async function measureUse(
  { tables, now }: At,
  scopes: () => readonly Key[],
  charges: readonly ResourceAmount[],
): Promise<void> {
  const halfLife = halfLifeOf(await settingsInForce(tables));
  if (halfLife === undefined) return;
  const places = scopes().flatMap((scope) => charges.map(({ resource }) => ({ scope, resource })));
  const uses = await tables.balances.usedAt(places);
  const rows = await tables.recentUse.at(places);
  for (const [i, place] of places.entries()) {
    const [used, row] = [uses[i] ?? 0, rows[i]];
    // What was used before anybody measured it, is taken for having been used as long.
    const amount =
      row === undefined ? used : decayedUse(row.amount, used, now - row.measuredAt, halfLife);
    await tables.recentUse.put({ ...place, amount, measuredAt: now });
  }
}
