import type * as z from 'zod';
import type { Key, Labels, Tables, TenantRow } from '../store/store.ts';
import { toInstant } from './schemas/common.ts';
import type { TenantResponse } from './schemas/tenant.ts';
import { existing } from './tenant-lookup.ts';

export type TenantView = z.output<ReturnType<typeof TenantResponse>>;

/** Tenants as they are answered; a parent that several of them share is read once. */
export function tenantViews(tables: Tables): (tenant: TenantRow) => Promise<TenantView> {
  const names = new Map<Key, string>();
  const nameOf = async (key: Key) => {
    const name = names.get(key) ?? (await existing(tables, key)).name;
    names.set(key, name);
    return name;
  };
  return async (tenant) => {
    const parent = tenant.parent === null ? null : await nameOf(tenant.parent);
    return view(tenant, parent, await tables.tenants.labels(tenant.key));
  };
}

export function viewTenant(tables: Tables, tenant: TenantRow): Promise<TenantView> {
  return tenantViews(tables)(tenant);
}

function view(tenant: TenantRow, parent: string | null, labels: Labels): TenantView {
  return {
    id: tenant.id,
    name: tenant.name,
    email: tenant.email,
    parent,
    weight: tenant.weight,
    labels,
    status: tenant.status,
    created_at: toInstant(tenant.createdAt),
    updated_at: toInstant(tenant.updatedAt),
    version: tenant.version,
  };
}
