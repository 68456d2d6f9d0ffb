import type * as z from 'zod';
import { capacitiesOf, dominantShare } from '../domain/fair-share.ts';
import type { Key, PoolRow, ResourceRow, Tables, TenantRow } from '../store/store.ts';
import { catalogueOf } from './allowances.ts';
import { fairUseIn } from './fair-use.ts';
import type { Overdue } from './ledger.ts';
import { totalsOf } from './metric-tenants.ts';
import type { Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { capacityOf, stateOf } from './pool-definition.ts';
import { allPools } from './pool-lookup.ts';
import type { UsageTopResponse } from './schemas/usage.ts';
import { settingsInForce } from './settings-in-force.ts';
import { existing } from './tenant-lookup.ts';
import { usageViews, type UsageView } from './usage-view.ts';

export type UsageTop = z.output<ReturnType<typeof UsageTopResponse>>;

export type UsageTopTenant = UsageTop['tenants'][number];

/** What shares are measured against, in the order of the resources. */
interface Measure {
  readonly resources: readonly ResourceRow[];
  readonly capacities: readonly number[];
}

/** Whose shares are asked for. */
export interface TopSubject {
  /** It and those directly below it; undefined: the roots. */
  readonly tenant: TenantRow | undefined;
  /** Of this pool; undefined: of all pools together. */
  readonly pool: PoolRow | undefined;
  readonly limit: number;
}

/** The tenants that have most of a pool, or of all of them. */
export async function topOf(context: Context, subject: TopSubject): Promise<UsageTop> {
  const { tables, now } = context;
  const { tenant, pool, limit } = subject;
  const catalogue = await catalogueOf(tables);
  const overdue = await overdueAsOf(tables, now);
  const measure =
    pool === undefined
      ? await measureOfAll(tables, catalogue, overdue)
      : await fairUseIn(context, pool, overdue);
  const share = shares(measure, pool, usageViews(context, catalogue, overdue));
  const found = await heaviestOf(context, measure, subject);
  const below: UsageTopTenant[] = [];
  for (const key of found) {
    below.push(await share(await existing(tables, key), tenant === undefined ? 0 : 1));
  }
  below.sort((a, b) => b.share - a.share || (a.tenant < b.tenant ? -1 : 1));
  return {
    tenants: [...(tenant === undefined ? [] : [await share(tenant, 0)]), ...below.slice(0, limit)],
    has_more: below.length > limit,
    units: Object.fromEntries(catalogue.map(({ name, unit }) => [name, unit])),
  };
}

/**
 * All who could be among the first: whose share is large, has much of the resource of which it has
 * most. To who is bound to a tenant, that one is the only root.
 */
async function heaviestOf(
  { tables, reach }: Context,
  { resources, capacities }: Measure,
  { tenant, pool, limit }: TopSubject,
): Promise<Set<Key>> {
  if (tenant === undefined && reach.root !== undefined) return new Set([reach.root]);
  const found = new Set<Key>();
  for (const [i, { key }] of resources.entries()) {
    if (capacities[i] === 0) continue;
    const place = [tenant?.key ?? null, pool?.key ?? null] as const;
    const heaviest = await tables.balances.heaviest(...place, key, limit + 1);
    for (const each of heaviest) found.add(each.tenant);
  }
  return found;
}

function shares(
  { resources, capacities }: Measure,
  pool: PoolRow | undefined,
  view: (tenant: TenantRow) => Promise<UsageView>,
) {
  return async (tenant: TenantRow, depth: number): Promise<UsageTopTenant> => {
    const usage = await view(tenant);
    const inPool = usage.pools.find((part) => part.pool === pool?.name)?.used;
    const used = pool === undefined ? usage.total : (inPool ?? {});
    const amounts = resources.map(({ name }) => used[name] ?? 0);
    const { share, dominant } = dominantShare(amounts, capacities, tenant.weight);
    const resource = dominant === undefined ? undefined : resources[dominant];
    const { units: _units, ...held } = usage;
    return {
      ...held,
      depth,
      weight: tenant.weight,
      share,
      dominant:
        dominant === undefined || resource === undefined
          ? null
          : {
              resource: resource.name,
              used: amounts[dominant] ?? 0,
              capacity: capacities[dominant] ?? 0,
            },
    };
  };
}

/**
 * What all pools together have. Where some limit a resource and others do not, there is at least as
 * much of it as is used.
 */
async function measureOfAll(
  tables: Tables,
  resources: readonly ResourceRow[],
  overdue: Overdue,
): Promise<Measure> {
  const { resourcePools } = await settingsInForce(tables);
  const limits = new Map<string, number>();
  const late = new Map<Key, number>();
  for (const pool of await allPools(tables)) {
    const capacity = capacityOf(await stateOf(tables, pool, resources), resources);
    const scope = await tables.scopes.of({ tenant: null, pool: pool.key });
    for (const { key, name } of resources) {
      const limit = resourcePools.enabled ? capacity[name] : undefined;
      if (limit !== undefined) limits.set(name, (limits.get(name) ?? 0) + limit);
      late.set(key, (late.get(key) ?? 0) + overdue.of(scope?.key, key));
    }
  }
  const held = await totalsOf(tables);
  const used = resources.map(({ key }) => (held.get(key) ?? 0) - (late.get(key) ?? 0));
  const together = resources.map(({ name }, i) => {
    const limit = limits.get(name);
    return limit === undefined ? null : Math.max(limit, used[i] ?? 0);
  });
  return { resources, capacities: capacitiesOf(together, used) };
}
