import { invalid } from '../domain/errors.ts';
import type { Key, Tables, TenantFilter, TenantRow } from '../store/store.ts';
import { ancestorsOf } from './tenant-lookup.ts';

/** How many siblings are read at once. */
const SIBLINGS = 100;
/** A page looks at so many tenants at most, however few of them its filter lets through. */
const VISITS_MAX = 5_000;

export interface TreeRow extends TenantRow {
  /** Levels below where the walk began. */
  readonly depth: number;
}

export interface TreePage {
  readonly rows: TreeRow[];
  /** The tenant after which the next page goes on; undefined at the end. */
  readonly stoppedAt: Key | undefined;
}

/** The children of one tenant (null: the roots) that were not visited yet. */
interface Level {
  readonly parent: Key | null;
  pending: TenantRow[];
  lastName: string;
}

/**
 * A page of the tree below `filter.parent` (else of all roots), parents before their children,
 * siblings by name. Going on needs only the tenant visited last, since even a deleted one keeps
 * its place; the cost is that of the rows looked at, not of the tree.
 */
export async function walkTree(
  tables: Tables,
  filter: TenantFilter,
  after: Key | undefined,
  limit: number,
): Promise<TreePage> {
  const levels = await levelsAfter(tables, filter.parent ?? null, after);
  const rows: TreeRow[] = [];
  let visited: Key | undefined;
  for (let visits = 0; visits < VISITS_MAX && rows.length < limit; visits++) {
    const tenant = await nextOf(tables, levels);
    if (tenant === undefined) return { rows, stoppedAt: undefined };
    const depth = levels.length - 1;
    levels.push({ parent: tenant.key, pending: [], lastName: '' });
    visited = tenant.key;
    if (await passes(tables, filter, tenant)) rows.push({ ...tenant, depth });
  }
  return { rows, stoppedAt: visited };
}

async function nextOf(tables: Tables, levels: Level[]): Promise<TenantRow | undefined> {
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    if (level.pending.length === 0) {
      level.pending = await tables.tenants.children(level.parent, level.lastName, SIBLINGS);
    }
    const tenant = level.pending.shift();
    if (tenant !== undefined) {
      level.lastName = tenant.name;
      return tenant;
    }
    levels.pop();
  }
  return undefined;
}

/** Where the walk stood after it had visited a tenant: one level for each step down to it. */
async function levelsAfter(
  tables: Tables,
  top: Key | null,
  after: Key | undefined,
): Promise<Level[]> {
  const last = after === undefined ? undefined : await tables.tenants.byKey(after);
  if (last === undefined) return [{ parent: top, pending: [], lastName: '' }];
  const line = [last, ...(await ancestorsOf(tables, last))];
  const depth = line.findIndex(({ parent }) => parent === top);
  if (depth < 0) {
    throw invalid(
      'The cursor does not belong to this list.',
      'Leave it out to begin at the first page.',
    );
  }
  const down = line.slice(0, depth + 1).reverse();
  const levels = down.map(({ parent, name }) => ({ parent, pending: [], lastName: name }));
  return [...levels, { parent: last.key, pending: [], lastName: '' }];
}

async function passes(tables: Tables, filter: TenantFilter, tenant: TenantRow): Promise<boolean> {
  if (filter.status !== undefined && tenant.status !== filter.status) return false;
  if (filter.namePrefix !== undefined && !tenant.name.startsWith(filter.namePrefix)) return false;
  const wanted = Object.entries(filter.labels ?? {});
  if (wanted.length === 0) return true;
  const labels = await tables.tenants.labels(tenant.key);
  return wanted.every(([key, value]) => labels[key] === value);
}
