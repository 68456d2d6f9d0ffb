import type { Key, Tables, TenantFilter, TenantRow } from '../store/store.ts';
import { foreignCursor } from './cursor.ts';
import type { Context } from './operation.ts';

type Within = Pick<Context, 'tables' | 'reach'>;

/** How many siblings are read at once. */
const SIBLINGS = 100;
/** A page looks at so many tenants at most, however few of them its filter lets through. */
const VISITS_MAX = 5_000;
/** So many levels a place tells as they stood, so that it fits a cursor; more are looked up. */
const LEVELS_TOLD = 16;

export interface TreeRow extends TenantRow {
  /** Levels below where the walk began. */
  readonly depth: number;
}

export interface TreePage {
  readonly rows: TreeRow[];
  /** Where the next page goes on; undefined at the end. */
  readonly stoppedAt: string | undefined;
}

/** The children of one tenant (null: the roots) that were not visited yet. */
interface Level {
  readonly parent: Key | null;
  pending: TenantRow[];
  lastName: string;
}

/**
 * A page of the tree below `filter.parent` (else of all roots), parents before their children,
 * siblings by name. Going on needs only the names visited last on each level, whatever became of
 * them since; the cost is that of the rows looked at, not of the tree.
 */
export async function walkTree(
  context: Within,
  filter: TenantFilter,
  after: string | undefined,
  limit: number,
): Promise<TreePage> {
  const { tables } = context;
  const levels = await levelsAt(context, filter.parent ?? null, after);
  const rows: TreeRow[] = [];
  for (let visits = 0; visits < VISITS_MAX && rows.length < limit; visits++) {
    const tenant = await nextOf(tables, levels);
    if (tenant === undefined) return { rows, stoppedAt: undefined };
    const depth = levels.length - 1;
    levels.push({ parent: tenant.key, pending: [], lastName: '' });
    if (await passes(tables, filter, tenant)) rows.push({ ...tenant, depth });
  }
  return { rows, stoppedAt: placeOf(levels) };
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

function placeOf(levels: readonly Level[]): string {
  const told = levels.slice(-LEVELS_TOLD);
  return told.map(({ parent, lastName }) => `${parent ?? 0}/${lastName}`).join('/');
}

/** Where the walk stood. The levels as told hold: no rename or move since then shifts them. */
async function levelsAt(
  context: Within,
  top: Key | null,
  place: string | undefined,
): Promise<Level[]> {
  if (place === undefined) return [{ parent: top, pending: [], lastName: '' }];
  const told = [...place.matchAll(/(\d+)\/([^/]*)/g)].map(([, parent, lastName = '']) => ({
    parent: Number(parent) || null,
    pending: [],
    lastName,
  }));
  const [highest] = told;
  if (highest === undefined || placeOf(told) !== place) throw foreignCursor();
  for (const { parent } of told) {
    if (parent !== null && !(await context.reach.includes(parent))) throw foreignCursor();
  }
  return [...(await levelsDownTo(context, top, highest.parent)), ...told];
}

/** One level for each step from the top down to a tenant, as the tree is now. */
async function levelsDownTo(context: Within, top: Key | null, key: Key | null): Promise<Level[]> {
  if (key === top) return [];
  const tenant = key === null ? undefined : await context.tables.tenants.byKey(key);
  if (tenant === undefined) throw foreignCursor();
  const { name } = tenant;
  // Of what is within reach it is the root.
  const parent = tenant.key === context.reach.root ? null : tenant.parent;
  const above = await levelsDownTo(context, top, parent);
  return [...above, { parent, pending: [], lastName: name }];
}

async function passes(tables: Tables, filter: TenantFilter, tenant: TenantRow): Promise<boolean> {
  if (filter.status !== undefined && tenant.status !== filter.status) return false;
  if (filter.namePrefix !== undefined && !tenant.name.startsWith(filter.namePrefix)) return false;
  const wanted = Object.entries(filter.labels ?? {});
  if (wanted.length === 0) return true;
  const labels = await tables.tenants.labels(tenant.key);
  return wanted.every(([key, value]) => labels[key] === value);
}
