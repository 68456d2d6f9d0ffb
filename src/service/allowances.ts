import type { Allowance, AncestorAllowance } from '../domain/quota.ts';
import { limitField, spokenName } from '../domain/resource.ts';
import { invalid } from '../domain/errors.ts';
import type { BurstRow, PoolRow, ResourceRow, Tables, TenantRow } from '../store/store.ts';
import {
  ceilingsOf,
  pathOf,
  type Overdue,
  type Path,
  type PathCeiling,
  type PathScope,
} from './ledger.ts';
import { nearest } from './nearest.ts';
import type { Context } from './operation.ts';
import { settingsInForce } from './settings-in-force.ts';

/** The limits and the use of one tenant, everywhere or in one pool, by resource of the catalogue. */
export interface TenantAllowances {
  readonly path: Path;
  /** What the limits are of. */
  readonly scope: PathScope;
  readonly own: readonly CatalogueAllowance[];
  /** The same of all that limits it too, nearest first. */
  readonly above: readonly AncestorAllowance[];
}

export interface CatalogueAllowance extends Allowance {
  readonly resource: ResourceRow;
  /** The burst session that makes of the limit what is in force. */
  readonly burst: BurstRow | undefined;
}

/**
 * How often the limits of a scope were changed. Everywhere a tenant begins with some, at 1; in a pool
 * with none, at 0, and its first job there is no change of them.
 */
export function limitVersion({ row, pool }: PathScope): number {
  if (row === undefined) return 0;
  return pool === null ? row.version : row.version - 1;
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

/** Limits in force and use of one tenant, and of all that limits it too. */
export async function allowancesOf(
  { tables, now }: Pick<Context, 'tables' | 'now'>,
  tenant: TenantRow,
  pool: PoolRow | undefined,
  catalogue: readonly ResourceRow[],
  overdue: Overdue,
): Promise<TenantAllowances> {
  const path = await pathOf(tables, tenant, pool);
  const scope = path.scopes[pool === undefined ? 0 : 1];
  if (scope === undefined) throw new Error(`the path of tenant row ${tenant.key} has no scope`);
  const arePoolsOn = pool !== undefined && (await settingsInForce(tables)).resourcePools.enabled;
  const { ceilings } = await ceilingsOf({ tables, now }, path, catalogue, {
    arePoolsOn,
    overdue,
  });
  const allowanceOf = (ceiling: PathCeiling, i: number): CatalogueAllowance => {
    // Ceilings come scope by scope, each in the order of the catalogue.
    const resource = catalogue[i % catalogue.length];
    if (resource === undefined) throw new Error('a ceiling of no resource');
    const { limit, base, isOwn, used, burst } = ceiling;
    return { resource, limit: base ?? limit, inForce: limit, isOwn, used, burst };
  };
  const all = ceilings.map((ceiling, i) => ({ ceiling, allowance: allowanceOf(ceiling, i) }));
  return {
    path,
    scope,
    own: all.flatMap(({ ceiling, allowance }) => (ceiling.scope === scope ? [allowance] : [])),
    above: all.flatMap(({ ceiling, allowance }) => {
      const { tenant: name, pool: poolName } = ceiling.scope;
      return ceiling.scope === scope ? [] : [{ ...allowance, tenant: name, pool: poolName }];
    }),
  };
}

export function sameResource<T extends Allowance>(of: Allowance, among: readonly T[]): T[] {
  return among.filter(({ resource }) => resource.name === of.resource.name);
}
