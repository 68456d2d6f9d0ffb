import { capacitiesOf, countedUse, decayedUse } from '../domain/fair-share.ts';
import { roomOf } from '../domain/pool.ts';
import type { Settings } from '../domain/settings.ts';
import type {
  Key,
  Place,
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

/** What tenants use of a pool, as far as it counts for their turn. */
export interface FairUse {
  readonly resources: readonly ResourceRow[];
  /** In the order of the resources. */
  readonly capacities: readonly number[];
  /** Of each of these tenants what it and all below it use, in the order of the resources. */
  ofEach(tenants: readonly Key[]): Promise<number[][]>;
  /** What all directly below a tenant use, with those below them. */
  ofChildren(tenant: Key): Promise<number[]>;
}

type At = Pick<Context, 'tables' | 'now'>;

/** For reads, without what is overdue. */
export async function fairUseIn(at: At, pool: PoolRow, overdue?: Overdue): Promise<FairUse> {
  const { tables } = at;
  const settings = await settingsInForce(tables);
  const resources = (await tables.resources.list()).filter(({ retired }) => !retired);
  const halfLife = halfLifeOf(settings);
  const measure = { resources, halfLife, overdue };
  const ofEach = (tenants: readonly (Key | null)[]) => useAt(at, pool, tenants, measure);
  const usedInPool = async () => (await ofEach([null]))[0] ?? [];
  return {
    resources,
    capacities: await capacitiesIn(tables, pool, resources, settings, usedInPool),
    ofEach,
    async ofChildren(tenant) {
      if (halfLife === undefined && overdue?.isAny !== true) {
        const sums = await tables.balances.ofChildren(tenant, pool.key);
        return resources.map(({ key }) => sums.find(({ resource }) => resource === key)?.used ?? 0);
      }
      const children = (await childrenOf(tables, tenant)).map(({ key }) => key);
      const sums = resources.map(() => 0);
      for (const uses of await ofEach(children)) {
        for (const [i, used] of uses.entries()) sums[i] = (sums[i] ?? 0) + used;
      }
      return sums;
    },
  };
}

async function capacitiesIn(
  tables: Tables,
  pool: PoolRow,
  resources: readonly ResourceRow[],
  { resourcePools }: Settings,
  usedInPool: () => Promise<number[]>,
): Promise<readonly number[]> {
  const perWorker = resourcePools.enabled ? await tables.pools.resources(pool.key) : [];
  const limits = resources.map(({ key, name }) => {
    if (!resourcePools.enabled) return null;
    if (name === 'jobs') return pool.maxJobs;
    return roomOf(pool, perWorker.find(({ resource }) => resource === key)?.amount).limit;
  });
  const isLimiting = limits.some((limit) => limit !== null);
  return capacitiesOf(limits, isLimiting ? [] : await usedInPool());
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
): Promise<number[][]> {
  const scopes = await tables.scopes.ofEach(tenants.map((tenant) => ({ tenant, pool: pool.key })));
  const places = scopes.flatMap((scope) =>
    scope === undefined ? [] : resources.map(({ key }) => ({ scope: scope.key, resource: key })),
  );
  const held = await tables.balances.usedAt(places);
  const recent = halfLife === undefined ? [] : await tables.recentUse.at(places);
  let next = 0;
  const useOf = (place: Place, at: number) => {
    const [used, row] = [held[at] ?? 0, recent[at]];
    const present = used - (overdue?.of(place.scope, place.resource) ?? 0);
    if (halfLife === undefined || row === undefined) return present;
    return countedUse(present, decayedUse(row.amount, used, now - row.measuredAt, halfLife));
  };
  return scopes.map((scope) =>
    resources.map(({ key: resource }) =>
      scope === undefined ? 0 : useOf({ scope: scope.key, resource }, next++),
    ),
  );
}

/**
 * Writes down what was used until now, before it changes: of each scope of a tenant in a pool. Where
 * only the present counts there is nothing to write.
 */
export async function measureUse(
  { tables, now }: At,
  scopes: readonly Key[],
  charges: readonly ResourceAmount[],
): Promise<void> {
  const halfLife = halfLifeOf(await settingsInForce(tables));
  if (halfLife === undefined) return;
  const places = scopes.flatMap((scope) => charges.map(({ resource }) => ({ scope, resource })));
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
