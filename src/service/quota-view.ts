import type * as z from 'zod';
import { bindingAncestor, freeOf } from '../domain/quota.ts';
import { limitField, usageField } from '../domain/resource.ts';
import type { TenantRow } from '../store/store.ts';
import { viewRaised } from './burst-view.ts';
import { limitVersion, sameResource, type TenantAllowances } from './allowances.ts';
import { toInstant } from './schemas/common.ts';
import type { QuotaChangeResponse, QuotaResponse } from './schemas/quota.ts';

export type QuotaView = z.output<ReturnType<typeof QuotaResponse>>;

export type QuotaChangeView = z.output<ReturnType<typeof QuotaChangeResponse>>;

/** The quota document of a tenant: limits in force, use, and who above it binds first. */
export function viewQuota(
  tenant: TenantRow,
  { path, scope, own, above }: TenantAllowances,
): QuotaView {
  const binding = own.flatMap((allowance) => {
    const ancestor = bindingAncestor(allowance, sameResource(allowance, above));
    if (ancestor === undefined) return [];
    const { tenant: name, pool, inForce: limit, used } = ancestor;
    const bound = { tenant: name, pool, limit, used, free: freeOf(ancestor) };
    return [[limitField(allowance.resource.name), bound] as const];
  });
  const limits = own.map(({ resource, limit }) => [limitField(resource.name), limit] as const);
  const uses = own.map(({ resource, used }) => [usageField(resource.name), used] as const);
  const units = own.map(({ resource: { name, unit } }) => [limitField(name), unit] as const);
  const unset = own.filter(({ isOwn }) => !isOwn).map(({ resource }) => limitField(resource.name));
  const version = limitVersion(scope);
  const changedAt = version === 0 ? undefined : scope.row?.updatedAt;
  return {
    tenant_id: tenant.id,
    tenant_name: tenant.name,
    pool: path.pool?.name ?? null,
    ...Object.fromEntries(limits),
    unset,
    units: Object.fromEntries(units),
    current_usage: Object.fromEntries(uses),
    bound_by: Object.fromEntries(binding),
    ...viewRaised(own, limitField),
    version,
    updated_at: toInstant(changedAt ?? tenant.createdAt),
  } as QuotaView;
}
