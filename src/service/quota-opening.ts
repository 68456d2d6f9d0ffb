import type { Limit } from '../domain/quota.ts';
import { limitField } from '../domain/resource.ts';
import type { Key, ResourceRow } from '../store/store.ts';
import { catalogueOf, resourceOfField } from './allowances.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

/** What a new tenant is given, by field of the quota document. */
export type InitialLimits = Readonly<Record<string, Limit | undefined>>;

/** Gives a new tenant its scope and limits: those that were sent, else those of the default quota. */
export async function openQuota(
  context: Context,
  tenant: Key,
  sent: InitialLimits,
): Promise<Record<string, Limit>> {
  const { tables, now } = context;
  const catalogue = await catalogueOf(tables);
  const { defaultTenantQuota } = await settingsInForce(tables);
  const limits = new Map<ResourceRow, Limit>();
  for (const resource of catalogue) {
    const limit = defaultTenantQuota[resource.name];
    if (limit !== undefined) limits.set(resource, limit);
  }
  for (const [field, limit] of Object.entries(sent)) {
    if (limit !== undefined) limits.set(resourceOfField(catalogue, field), limit);
  }
  const scope = await tables.scopes.insert({ tenant, pool: null }, now);
  for (const [resource, limit] of limits) await tables.quotas.setLimit(scope, resource.key, limit);
  return Object.fromEntries([...limits].map(([{ name }, limit]) => [limitField(name), limit]));
}
