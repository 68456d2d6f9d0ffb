import type { Key, Tables } from '../store/store.ts';

/** So many scopes are looked at in one step, which takes some milliseconds. */
export const SCOPES_AT_ONCE = 10_000;

export interface WeighedTenant {
  readonly tenant: Key;
  /** The largest part of anything in use that it holds, from 0 to 1. */
  readonly weight: number;
}

/** A step on the way through all scopes. */
export interface WeighingStep {
  readonly heaviest: readonly WeighedTenant[];
  /** From where to go on; null at the end. */
  readonly next: Key | null;
}

/**
 * The tenants that hold most, among those of the next scopes. There is no index by use, since every
 * admission would have to keep it: whoever wants to know the largest of all goes from step to step.
 */
export async function weighTenants(
  tables: Tables,
  after: Key,
  most: number,
): Promise<WeighingStep> {
  const to = after + SCOPES_AT_ONCE;
  const totals = await totalsOf(tables);
  const weights = new Map<Key, number>();
  // What nobody holds anything of is not looked for.
  for (const [resource, total] of totals) {
    for (const row of await tables.balances.heaviestWithin(after, to, resource, most)) {
      const { tenant, used } = row;
      weights.set(tenant, Math.max(used / Math.max(used, total), weights.get(tenant) ?? 0));
    }
  }
  const weighed = [...weights].map(([tenant, weight]) => ({ tenant, weight }));
  const next = to < (await tables.scopes.last()) ? to : null;
  return { heaviest: heaviestOf(weighed, most), next };
}

export function heaviestOf(weighed: readonly WeighedTenant[], most: number): WeighedTenant[] {
  return weighed.toSorted((a, b) => b.weight - a.weight || a.tenant - b.tenant).slice(0, most);
}

/** What all jobs together hold: every job is in some pool. */
export async function totalsOf(tables: Tables): Promise<Map<Key, number>> {
  const totals = new Map<Key, number>();
  for (const { resource, used } of await tables.balances.ofPools()) {
    if (used > 0) totals.set(resource, (totals.get(resource) ?? 0) + used);
  }
  return totals;
}
