import { conflict } from '../domain/errors.ts';
import type { TenantStatus } from '../domain/tenant.ts';
import type { Tables, TenantRow } from '../store/store.ts';
import { recordEvent } from './event-log.ts';
import { expectVersion, type Context } from './operation.ts';
import { ancestorsOf, findTenant } from './tenant-lookup.ts';
import { viewTenant, type TenantView } from './tenant-view.ts';

export async function requireFreeName(tables: Tables, name: string): Promise<void> {
  const other = await tables.tenants.byName(name);
  if (other !== undefined) throw conflict(`A tenant named ${name} exists already (${other.id}).`);
}

/** Leaf first, so that no tenant ever stands under a deleted one. */
export async function deleteSubtree(context: Context, tenant: TenantRow): Promise<void> {
  const { tables } = context;
  const order = [tenant];
  for (const above of order) {
    order.push(...(await tables.tenants.children(above.key, '', Number.MAX_SAFE_INTEGER)));
  }
  order.reverse();
  for (const doomed of order) await deleteOne(context, doomed);
}

async function deleteOne(context: Context, tenant: TenantRow): Promise<void> {
  const { tables, now } = context;
  const before = await viewTenant(tables, tenant);
  await tables.tenants.replaceLabels(tenant.key, {});
  await tables.tenants.update({
    ...tenant,
    version: tenant.version + 1,
    updatedAt: now,
    deletedAt: now,
  });
  await recordEvent(context, {
    operation: 'tenant.delete',
    tenant: tenant.id,
    object: tenant.id,
    before: { ...settableFields(before), status: before.status },
    after: null,
  });
}

export async function setStatus(
  context: Context,
  reference: string,
  status: TenantStatus,
): Promise<TenantView> {
  const tenant = await findTenant(context.tables, reference);
  expectVersion(context, tenant.version, tenant.name);
  const before = await viewTenant(context.tables, tenant);
  return saveTenant(context, `tenant.${verbOf(status)}`, before, { ...tenant, status });
}

export function verbOf(status: TenantStatus): 'suspend' | 'resume' {
  return status === 'suspended' ? 'suspend' : 'resume';
}

/** Writes a changed tenant with its event; what is equal to before is no change. */
export async function saveTenant(
  context: Context,
  operationName: string,
  before: TenantView,
  changed: TenantRow,
): Promise<TenantView> {
  const { tables } = context;
  const difference = differingFields(before, await viewTenant(tables, changed));
  if (difference === undefined) return before;
  const saved = { ...changed, version: changed.version + 1, updatedAt: context.now };
  await tables.tenants.update(saved);
  await recordEvent(context, {
    operation: operationName,
    tenant: saved.id,
    object: saved.id,
    ...difference,
  });
  return viewTenant(tables, saved);
}

/** The parent that a change leads to. @throws conflict when the tenant would be above itself. */
export async function parentAfter(
  tables: Tables,
  tenant: TenantRow,
  reference: string | null | undefined,
): Promise<number | null> {
  if (reference === undefined) return tenant.parent;
  if (reference === null) return null;
  const parent = await findTenant(tables, reference);
  const line = [parent, ...(await ancestorsOf(tables, parent))];
  if (!line.some(({ key }) => key === tenant.key)) return parent.key;
  throw conflict(
    parent.key === tenant.key
      ? `${tenant.name} cannot be its own parent.`
      : `${tenant.name} cannot move under ${parent.name}, which is below it.`,
  );
}

type SettableFields = Pick<TenantView, 'name' | 'email' | 'parent' | 'weight' | 'labels'>;

export function settableFields(tenant: TenantView): SettableFields {
  const { name, email, parent, weight, labels } = tenant;
  return { name, email, parent, weight, labels };
}

function differingFields(before: TenantView, after: TenantView) {
  const old: Record<string, unknown> = {};
  const next: Record<string, unknown> = {};
  for (const field of ['name', 'email', 'parent', 'weight', 'labels', 'status'] as const) {
    // Labels come sorted by key, so equal ones have equal texts.
    if (JSON.stringify(before[field]) === JSON.stringify(after[field])) continue;
    old[field] = before[field];
    next[field] = after[field];
  }
  return Object.keys(next).length === 0 ? undefined : { before: old, after: next };
}
