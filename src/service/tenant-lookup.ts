import { conflict, HodeiError, notFound } from '../domain/errors.ts';
import { isTenantId, looksLikeTenantId } from '../domain/tenant.ts';
import type { Key, Tables, TenantRow } from '../store/store.ts';
import { nearest } from './nearest.ts';
import type { Context } from './operation.ts';

/** How many names on either side of a mistyped one are compared with it. */
const NEIGHBOURS = 200;

/**
 * The tenant that an id or a name stands for. Ids come before names.
 * @throws not_found with the nearest name there is.
 */
export async function findTenant(tables: Tables, reference: string): Promise<TenantRow> {
  const tenant = isTenantId(reference)
    ? await living(tables, reference)
    : await tables.tenants.byName(reference);
  if (tenant !== undefined) return tenant;
  throw await tenantNotFound(tables, reference);
}

/**
 * As `findTenant`, to change it: its limits, its weight, where it stands and whether it is there. That
 * of the tenant to which somebody is bound is decided above it.
 * @throws forbidden for that one.
 */
export async function findTenantToChange(
  { tables, reach }: Pick<Context, 'tables' | 'reach'>,
  reference: string,
): Promise<TenantRow> {
  const tenant = await findTenant(tables, reference);
  if (tenant.key !== reach.root) return tenant;
  throw new HodeiError(
    'forbidden',
    `You are bound to ${tenant.name}: who stands above it changes it.`,
    {
      hint: 'What is below it is yours to change.',
    },
  );
}

/** As `findTenant`, and also by the unique beginning of an id: for operations that only read. */
export async function findTenantToRead(tables: Tables, reference: string): Promise<TenantRow> {
  if (!looksLikeTenantId(reference) || isTenantId(reference)) return findTenant(tables, reference);
  const [tenant, other] = await tables.tenants.byIdPrefix(reference, 2);
  if (tenant === undefined) throw await tenantNotFound(tables, reference);
  if (other !== undefined) {
    throw conflict(
      `Several tenants' ids begin with ${reference}.`,
      'Give more of the id, or the name.',
    );
  }
  return tenant;
}

/** As `findTenantToRead`, and also a deleted one by its id: its history stays. */
export async function findTenantOrTombstone(tables: Tables, reference: string): Promise<TenantRow> {
  const tombstone = isTenantId(reference) ? await tables.tenants.byId(reference) : undefined;
  return tombstone ?? findTenantToRead(tables, reference);
}

async function living(tables: Tables, id: string): Promise<TenantRow | undefined> {
  const tenant = await tables.tenants.byId(id);
  return tenant?.deletedAt === null ? tenant : undefined;
}

async function tenantNotFound(tables: Tables, reference: string): Promise<HodeiError> {
  const names = await tables.tenants.namesAround(reference.toLowerCase(), NEIGHBOURS);
  const suggestion = nearest(reference, names);
  return notFound(
    `Tenant not found: ${reference}`,
    suggestion === undefined
      ? 'See which there are: hodei tenant list'
      : `Did you mean ${suggestion}?`,
  );
}

/** The tenants above this one, from its parent up to the root. */
export async function ancestorsOf(tables: Tables, tenant: TenantRow): Promise<TenantRow[]> {
  const ancestors: TenantRow[] = [];
  let above = tenant.parent;
  while (above !== null) {
    const ancestor = await existing(tables, above);
    ancestors.push(ancestor);
    above = ancestor.parent;
  }
  return ancestors;
}

export async function existing(tables: Tables, key: Key): Promise<TenantRow> {
  const tenant = await tables.tenants.byKey(key);
  if (tenant === undefined) throw new Error(`tenant row ${key} is gone`);
  return tenant;
}
