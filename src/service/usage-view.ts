import type * as z from 'zod';
import type { Key, ResourceRow, ScopeRow, Tables, TenantRow } from '../store/store.ts';
import { liftsInForce, type Lifts } from './burst-lifts.ts';
import type { Overdue } from './ledger.ts';
import type { Context } from './operation.ts';
import { existingPool } from './pool-lookup.ts';
import type { UsageResponse } from './schemas/usage.ts';

export type UsageView = z.output<ReturnType<typeof UsageResponse>>;

type Amounts = Record<string, number>;

/** What tenants hold now; the name of a pool that several of them share is read once. */
export function usageViews(
  at: Pick<Context, 'tables' | 'now'>,
  catalogue: readonly ResourceRow[],
  overdue: Overdue,
): (tenant: TenantRow) => Promise<UsageView> {
  const { tables } = at;
  const poolNames = new Map<Key, string>();
  const nameOf = async (key: Key) => {
    const name = poolNames.get(key) ?? (await existingPool(tables, key)).name;
    poolNames.set(key, name);
    return name;
  };
  const units = byResource(catalogue, ({ unit }) => unit);
  return async (tenant) => {
    const scopes = await tables.scopes.ofTenant(tenant.key);
    const everywhere = scopes.find(({ pool }) => pool === null);
    const lifts = await liftsInForce(at);
    const usedIn = await usesOf(tables, scopes, catalogue, overdue);
    const pools = [];
    for (const scope of scopes) {
      const used = usedIn(scope);
      const isUsed = Object.values(used).some((amount) => amount !== 0);
      if (scope.pool !== null && isUsed) pools.push({ pool: await nameOf(scope.pool), used });
    }
    return {
      tenant: tenant.name,
      tenant_id: tenant.id,
      total: usedIn(everywhere),
      pools: pools.sort((a, b) => (a.pool < b.pool ? -1 : 1)),
      limits: await limitsOf(tables, everywhere, catalogue, lifts),
      units: { ...units },
    };
  };
}

async function usesOf(
  tables: Tables,
  scopes: readonly ScopeRow[],
  catalogue: readonly ResourceRow[],
  overdue: Overdue,
): Promise<(scope: ScopeRow | undefined) => Amounts> {
  const balances = await tables.balances.used(scopes.map(({ key }) => key));
  return (scope) =>
    byResource(catalogue, ({ key }) => {
      const balance = balances.find((each) => each.scope === scope?.key && each.resource === key);
      return (balance?.used ?? 0) - overdue.of(scope?.key, key);
    });
}

async function limitsOf(
  tables: Tables,
  everywhere: ScopeRow | undefined,
  catalogue: readonly ResourceRow[],
  lifts: Lifts,
): Promise<UsageView['limits']> {
  const own = everywhere === undefined ? [] : await tables.quotas.limits([everywhere.key]);
  return byResource(catalogue, ({ key, defaultLimit }) => {
    const set = own.find(({ resource }) => resource === key);
    const limit = set === undefined ? defaultLimit : set.limit;
    return everywhere === undefined ? limit : lifts.lift(everywhere, key, limit).limit;
  });
}

function byResource<T>(
  catalogue: readonly ResourceRow[],
  valueOf: (resource: ResourceRow) => T,
): Record<string, T> {
  return Object.fromEntries(catalogue.map((resource) => [resource.name, valueOf(resource)]));
}
