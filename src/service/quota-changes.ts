import { changeLimit, lowerAncestor, type Limit } from '../domain/quota.ts';
import type { LimitChange } from '../domain/quantity.ts';
import { limitField } from '../domain/resource.ts';
import { settingsInForce } from './settings-in-force.ts';
import type { Key, ResourceRow, TenantRow } from '../store/store.ts';
import {
  allowancesOf,
  ancestorAllowances,
  catalogueOf,
  resourceOfField,
  sameResource,
  type CatalogueAllowance,
  type TenantAllowances,
} from './allowances.ts';
import { recordEvent } from './event-log.ts';
import { expectVersion, type Context } from './operation.ts';

/** A limit as sent: base units, null for unlimited, `+4` or `-2` relative to what is. */
export type SentLimit = number | null | string;

/** By field of the quota document. */
export type SentLimits = Readonly<Record<string, SentLimit | undefined>>;

interface ResourceChange {
  readonly resource: string;
  readonly before: Limit;
  readonly after: Limit;
}

interface LimitWarning {
  readonly resource: string;
  readonly tenant: string;
  readonly limit: Limit;
}

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
  const scope = await tables.quotas.insertScope(tenant, now);
  for (const [resource, limit] of limits) await tables.quotas.setLimit(scope, resource.key, limit);
  return Object.fromEntries([...limits].map(([{ name }, limit]) => [limitField(name), limit]));
}

/** What a call really changed, and which ancestors make it less than it seems. */
export interface LimitOutcome {
  readonly changes: ResourceChange[];
  readonly warnings: LimitWarning[];
}

/** Sets the limits that were sent and records the event. */
export async function setLimits(
  context: Context,
  tenant: TenantRow,
  sent: SentLimits,
  unset: readonly string[],
): Promise<LimitOutcome> {
  const { tables } = context;
  const catalogue = await catalogueOf(tables);
  const present = await allowancesOf(tables, tenant.key, catalogue);
  const { scope, own } = present;
  expectVersion(context, scope.version, `The quota of ${tenant.name}`);
  for (const field of unset) resourceOfField(catalogue, field);
  const changed: CatalogueAllowance[] = [];
  for (const [field, value] of Object.entries(sent)) {
    if (value === undefined) continue;
    const resource = resourceOfField(catalogue, field);
    const before = own.find((allowance) => allowance.resource === resource);
    if (before === undefined || (unset.includes(field) && value === before.limit)) continue;
    const limit = changeLimit(before.limit, toChange(value), resource);
    if (before.isOwn && limit === before.limit) continue;
    await tables.quotas.setLimit(scope.key, resource.key, limit);
    changed.push({ ...before, isOwn: true, limit });
  }
  return recordLimits(context, tenant, 'quota.set', present, changed);
}

/** Takes a tenant's own limit away, so that the resource's default holds. */
export async function unsetLimit(
  context: Context,
  tenant: TenantRow,
  field: string,
): Promise<LimitOutcome> {
  const { tables } = context;
  const catalogue = await catalogueOf(tables);
  const resource = resourceOfField(catalogue, field);
  const present = await allowancesOf(tables, tenant.key, catalogue);
  const { scope, own } = present;
  expectVersion(context, scope.version, `The quota of ${tenant.name}`);
  const before = own.find((allowance) => allowance.resource === resource);
  if (before?.isOwn !== true) return { changes: [], warnings: [] };
  await tables.quotas.unsetLimit(scope.key, resource.key);
  const after = { ...before, isOwn: false, limit: resource.defaultLimit };
  return recordLimits(context, tenant, 'quota.unset', present, [after]);
}

async function recordLimits(
  context: Context,
  tenant: TenantRow,
  operationName: string,
  { scope, own }: TenantAllowances,
  changed: readonly CatalogueAllowance[],
): Promise<LimitOutcome> {
  if (changed.length === 0) return { changes: [], warnings: [] };
  const { tables, now } = context;
  const before = changed.flatMap((after) => sameResource(after, own));
  await recordEvent(context, {
    operation: operationName,
    tenant: tenant.id,
    object: tenant.id,
    before: limitRecord(before),
    after: limitRecord(changed),
  });
  await tables.quotas.touch({ ...scope, version: scope.version + 1, updatedAt: now });
  const changes = changed.map((after, i) => ({
    resource: after.resource.name,
    before: before[i]?.limit ?? null,
    after: after.limit,
  }));
  const resources = changed.map(({ resource }) => resource);
  const above = await ancestorAllowances(tables, tenant, resources);
  return { changes, warnings: warningsOf(changed, above) };
}

/** An event says `unset`, not the default: that may be another one by the time it is read. */
function limitRecord(allowances: readonly CatalogueAllowance[]): Record<string, Limit | 'unset'> {
  return Object.fromEntries(
    allowances.map(({ resource, limit, isOwn }) => [
      limitField(resource.name),
      isOwn ? limit : ('unset' as const),
    ]),
  );
}

function warningsOf(
  changed: readonly CatalogueAllowance[],
  above: Parameters<typeof lowerAncestor>[1],
): LimitWarning[] {
  return changed.flatMap((allowance) => {
    const ancestor = lowerAncestor(allowance, sameResource(allowance, above));
    if (ancestor === undefined) return [];
    const { tenant, limit } = ancestor;
    return [{ resource: allowance.resource.name, tenant, limit }];
  });
}

function toChange(value: SentLimit): LimitChange {
  return typeof value === 'string'
    ? { kind: 'add', delta: Number(value) }
    : { kind: 'set', limit: value };
}
