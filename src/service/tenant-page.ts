import * as z from 'zod';
import { invalid } from '../domain/errors.ts';
import { parseLabel } from '../domain/tenant.ts';
import type { Labels, Tables, TenantFilter, TenantRow } from '../store/store.ts';
import { cutPage, decodeCursor, decodeNumber, encodeCursor, type Page } from './cursor.ts';
import { lazy, type Context } from './operation.ts';
import { queryBoolean, tenantReference } from './schemas/common.ts';
import { tenantStatus } from './schemas/tenant.ts';
import { findTenantToRead } from './tenant-lookup.ts';
import { walkTree } from './tenant-tree.ts';

/** Which tenants a list is of. */
export const tenantFilterInput = lazy(() => ({
  parent: tenantReference().optional().describe('Only children of this tenant.'),
  tree: queryBoolean()
    .default(false)
    .describe('In tree order, with everything below: of parent, or of all roots.'),
  status: tenantStatus().optional().describe('Only tenants of this status.'),
  label: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('key=value; several must all hold. Such a list is sorted by creation.'),
  name_prefix: z
    .string()
    .regex(/^[a-z0-9-]{1,63}$/, 'must be the beginning of a name: a-z, 0-9 and -')
    .optional()
    .describe('Only tenants whose name begins like this.'),
}));

export interface TenantPageInput {
  readonly parent?: string | undefined;
  /** Only tenants without a parent. */
  readonly roots?: boolean | undefined;
  readonly tree: boolean;
  readonly status?: TenantRow['status'] | undefined;
  readonly label?: string | string[] | undefined;
  readonly name_prefix?: string | undefined;
  readonly sort?: 'name' | 'created' | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export type Within = Pick<Context, 'tables' | 'reach'>;

export interface TenantPage {
  readonly tenants: readonly (TenantRow & { readonly depth?: number })[];
  readonly next: string | null;
}

export async function toTenantFilter(
  tables: Tables,
  input: Omit<TenantPageInput, 'sort'>,
): Promise<TenantFilter> {
  const parent =
    input.parent === undefined ? undefined : await findTenantToRead(tables, input.parent);
  return {
    ...(input.roots === true && { parent: null }),
    ...(parent && { parent: parent.key }),
    ...(input.status && { status: input.status }),
    ...(input.name_prefix && { namePrefix: input.name_prefix }),
    labels: toLabels(input.label),
  };
}

/** One page of tenants by name, by creation, or in tree order. */
export async function pageOfTenants(context: Within, input: TenantPageInput): Promise<TenantPage> {
  const { tables } = context;
  const filter = await toTenantFilter(tables, input);
  const hasLabels = Object.keys(filter.labels ?? {}).length > 0;
  if (input.tree) {
    if (input.sort !== undefined) throw invalid('A tree has an order of its own: leave sort out.');
    return pageOfTree(context, filter, input);
  }
  if (hasLabels && input.sort === 'name') {
    throw invalid('A list by label is sorted by creation: leave sort out.');
  }
  return hasLabels || input.sort === 'created'
    ? pageByCreation(tables, filter, input)
    : pageByName(tables, filter, input);
}

async function pageByName(
  tables: Tables,
  filter: TenantFilter,
  { cursor, limit }: TenantPageInput,
): Promise<TenantPage> {
  const [after] = cursor === undefined ? [] : decodeCursor('name', cursor, ['string']);
  const name = after === undefined ? undefined : String(after);
  const rows = await tables.tenants.listByName(filter, name, limit + 1);
  return toTenantPage(cutPage(rows, limit, 'name', (last) => [last.name]));
}

async function pageByCreation(
  tables: Tables,
  filter: TenantFilter,
  { cursor, limit }: TenantPageInput,
): Promise<TenantPage> {
  const key = decodeNumber('created', cursor);
  const rows = await tables.tenants.listByCreation(filter, key, limit + 1);
  return toTenantPage(cutPage(rows, limit, 'created', (last) => [last.key]));
}

async function pageOfTree(
  context: Within,
  filter: TenantFilter,
  { cursor, limit }: TenantPageInput,
): Promise<TenantPage> {
  const [after] = cursor === undefined ? [] : decodeCursor('tree', cursor, ['string']);
  const { rows, stoppedAt } = await walkTree(
    context,
    filter,
    after === undefined ? undefined : String(after),
    limit,
  );
  return {
    tenants: rows,
    next: stoppedAt === undefined ? null : encodeCursor('tree', [stoppedAt]),
  };
}

function toTenantPage({ rows, next }: Page<TenantRow>): TenantPage {
  return { tenants: rows, next };
}

function toLabels(label: string | string[] | undefined): Labels {
  const labels = new Map<string, string>();
  for (const text of [label ?? []].flat()) {
    const { key, value } = parseLabel(text);
    const other = labels.get(key);
    if (other !== undefined && other !== value) {
      throw invalid(
        `No tenant can have the label ${key} twice: ${key}=${other} and ${key}=${value}.`,
      );
    }
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}
