import type * as z from 'zod';
import { bindingAncestor, freeOf } from '../domain/quota.ts';
import { limitField, usageField } from '../domain/resource.ts';
import type { ResourceRow, Tables, TenantRow } from '../store/store.ts';
import { allowancesOf, ancestorAllowances, sameResource } from './allowances.ts';
import { toInstant } from './schemas/common.ts';
import type { QuotaChangeResponse, QuotaResponse } from './schemas/quota.ts';

export type QuotaView = z.output<ReturnType<typeof QuotaResponse>>;

export type QuotaChangeView = z.output<ReturnType<typeof QuotaChangeResponse>>;

/** The quota document of a tenant: limits in force, use, and who above it binds first. */
export async function viewQuota(
  tables: Tables,
  tenant: TenantRow,
  catalogue: readonly ResourceRow[],
): Promise<QuotaView> {
  const { scope, own } = await allowancesOf(tables, tenant.key, catalogue);
  const above = await ancestorAllowances(tables, tenant, catalogue);
  const binding = own.flatMap((allowance) => {
    const ancestor = bindingAncestor(allowance, sameResource(allowance, above));
    if (ancestor === undefined) return [];
    const { tenant: name, limit, used } = ancestor;
    const bound = { tenant: name, limit, used, free: freeOf(ancestor) };
    return [[limitField(allowance.resource.name), bound] as const];
  });
  const limits = own.map(({ resource, limit }) => [limitField(resource.name), limit] as const);
  const uses = own.map(({ resource, used }) => [usageField(resource.name), used] as const);
  const unset = own.filter(({ isOwn }) => !isOwn).map(({ resource }) => limitField(resource.name));
  return {
    tenant_id: tenant.id,
    tenant_name: tenant.name,
    ...Object.fromEntries(limits),
    unset,
    units: Object.fromEntries(catalogue.map(({ name, unit }) => [limitField(name), unit])),
    current_usage: Object.fromEntries(uses),
    bound_by: Object.fromEntries(binding),
    version: scope.version,
    updated_at: toInstant(scope.updatedAt),
  } as QuotaView;
}
