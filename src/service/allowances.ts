import type { Allowance, AncestorAllowance } from '../domain/quota.ts';
import { limitField, spokenName } from '../domain/resource.ts';
import { invalid } from '../domain/errors.ts';
import type { Key, ResourceRow, ScopeRow, Tables, TenantRow } from '../store/store.ts';
import { nearest } from './nearest.ts';
import { ancestorsOf } from './tenant-lookup.ts';

/** The limits and the use of one tenant, by resource of the catalogue. */
export interface TenantAllowances {
  readonly scope: ScopeRow;
  readonly own: readonly CatalogueAllowance[];
}

export interface CatalogueAllowance extends Allowance {
  readonly resource: ResourceRow;
}

/** The resources that there are, in the order of the catalogue. */
export async function catalogueOf(tables: Tables): Promise<ResourceRow[]> {
  const resources = await tables.resources.list();
  return resources.filter(({ retired }) => !retired);
}

/** @throws invalid when the field is of no resource of the catalogue. */
export function resourceOfField(catalogue: readonly ResourceRow[], field: string): ResourceRow {
  const resource = catalogue.find(({ name }) => limitField(name) === field);
  if (resource !== undefined) return resource;
  const fields = catalogue.map(({ name }) => limitField(name));
  const spoken = catalogue.find(({ name }) => spokenName(name) === field);
  const suggestion = spoken ? limitField(spoken.name) : nearest(field, fields);
  const known = fields.join(', ');
  throw invalid(
    `There is no resource "${field}".`,
    suggestion === undefined
      ? `There are: ${known}.`
      : `Did you mean ${suggestion}? There are: ${known}.`,
  );
}

async function scopeOf(tables: Tables, tenant: Key): Promise<ScopeRow> {
  const scope = await tables.quotas.scopeOf(tenant);
  if (scope === undefined) throw new Error(`tenant row ${tenant} has no scope`);
  return scope;
}

/** Limits in force and use of one tenant. */
export async function allowancesOf(
  tables: Tables,
  tenant: Key,
  catalogue: readonly ResourceRow[],
): Promise<TenantAllowances> {
  const scope = await scopeOf(tables, tenant);
  const limits = new Map(
    (await tables.quotas.limits(scope.key)).map(({ resource, limit }) => [resource, limit]),
  );
  const uses = new Map(
    (await tables.balances.used(scope.key)).map(({ resource, used }) => [resource, used]),
  );
  const own = catalogue.map((resource) => {
    const limit = limits.get(resource.key);
    return {
      resource,
      limit: limit === undefined ? resource.defaultLimit : limit,
      isOwn: limit !== undefined,
      used: uses.get(resource.key) ?? 0,
    };
  });
  return { scope, own };
}

/** The same of every tenant above, nearest first. */
export async function ancestorAllowances(
  tables: Tables,
  tenant: TenantRow,
  catalogue: readonly ResourceRow[],
): Promise<readonly AncestorAllowance[]> {
  const above: AncestorAllowance[] = [];
  for (const ancestor of await ancestorsOf(tables, tenant)) {
    const { own } = await allowancesOf(tables, ancestor.key, catalogue);
    above.push(...own.map((allowance) => ({ ...allowance, tenant: ancestor.name })));
  }
  return above;
}

export function sameResource<T extends Allowance>(of: Allowance, among: readonly T[]): T[] {
  return among.filter(({ resource }) => resource.name === of.resource.name);
}
