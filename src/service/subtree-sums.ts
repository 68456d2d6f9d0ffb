import { databaseError } from '../domain/errors.ts';
import type { Key, Tables, TenantLink } from '../store/store.ts';

/** Amounts by pool (null: everywhere) and resource. */
export type Holding = Map<Key | null, Map<Key, number>>;

export function addTo(holding: Holding, pool: Key | null, resource: Key, amount: number): void {
  const ofPool = holding.get(pool);
  if (ofPool === undefined) holding.set(pool, new Map([[resource, amount]]));
  else ofPool.set(resource, (ofPool.get(resource) ?? 0) + amount);
}

/**
 * What is held by each tenant that has others below it, together with all of these. Such tenants
 * are few, and are kept as columns of numbers; a tenant without others below it is never kept.
 */
export interface SubtreeSums {
  isAbove(tenant: Key): boolean;
  /** Of a tenant above others, who it stands under. */
  place(link: TenantLink): void;
  /** To a tenant above others; those above it in turn get it from `rollUp`. */
  add(tenant: Key, holding: Holding): void;
  /**
   * Adds to each tenant what all below it hold.
   * @returns the tenants above others, each before those above it.
   */
  rollUp(): Key[];
  of(tenant: Key): Holding;
}

const LINKS_AT_ONCE = 10_000;

/** Finds out who has others below, with nothing added to them yet. */
export async function openSubtreeSums(tables: Tables): Promise<SubtreeSums> {
  const indexes = new Map<Key, number>();
  for await (const links of pagesOfLinks(tables, LINKS_AT_ONCE)) {
    for (const { parent } of links) {
      if (parent !== null && !indexes.has(parent)) indexes.set(parent, indexes.size);
    }
  }
  return subtreeSums(indexes);
}

/** All tenants that there ever were, page by page in order of key. */
export async function* pagesOfLinks(
  { tenants }: Tables,
  limit: number,
): AsyncGenerator<TenantLink[]> {
  for (let after: Key | undefined = 0; after !== undefined;) {
    const links: TenantLink[] = await tenants.links(after, limit);
    if (links.length > 0) yield links;
    after = links.at(-1)?.key;
  }
}

const NONE = -1;

function subtreeSums(indexes: ReadonlyMap<Key, number>): SubtreeSums {
  const keys = [...indexes.keys()];
  const parents = new Int32Array(keys.length).fill(NONE);
  const columns = new Map<Key | null, Map<Key, Float64Array>>();
  const columnOf = (pool: Key | null, resource: Key): Float64Array => {
    const ofPool = columns.get(pool) ?? new Map<Key, Float64Array>();
    columns.set(pool, ofPool);
    const column = ofPool.get(resource) ?? new Float64Array(keys.length);
    ofPool.set(resource, column);
    return column;
  };
  const indexOf = (tenant: Key): number => {
    const index = indexes.get(tenant);
    if (index === undefined) throw new Error(`nobody stands under tenant row ${tenant}`);
    return index;
  };
  return {
    isAbove: (tenant) => indexes.has(tenant),
    place({ key, parent }) {
      if (parent !== null) parents[indexOf(key)] = indexOf(parent);
    },
    add(tenant, holding) {
      const index = indexOf(tenant);
      for (const [pool, amounts] of holding) {
        for (const [resource, amount] of amounts) increase(columnOf(pool, resource), index, amount);
      }
    },
    rollUp() {
      const order = childrenFirst(parents);
      for (const ofPool of columns.values()) {
        for (const column of ofPool.values()) rollUp(column, order, parents);
      }
      return Array.from(order, (index) => keys[index] ?? 0);
    },
    of(tenant) {
      const index = indexOf(tenant);
      const holding: Holding = new Map();
      for (const [pool, ofPool] of columns) {
        for (const [resource, column] of ofPool) {
          const amount = column[index] ?? 0;
          if (amount > 0) addTo(holding, pool, resource, amount);
        }
      }
      return holding;
    },
  };
}

function increase(column: Float64Array, index: number, amount: number): void {
  column[index] = (column[index] ?? 0) + amount;
}

function rollUp(column: Float64Array, order: Int32Array, parents: Int32Array): void {
  for (const index of order) {
    const parent = parents[index] ?? NONE;
    if (parent !== NONE) increase(column, parent, column[index] ?? 0);
  }
}

/**
 * All indexes, each before its parent's.
 * @throws database when somebody stands under itself, so that there is no such order.
 */
function childrenFirst(parents: Int32Array): Int32Array {
  const awaited = new Int32Array(parents.length);
  for (const parent of parents) if (parent !== NONE) awaited[parent] = (awaited[parent] ?? 0) + 1;
  const order = new Int32Array(parents.length);
  let length = 0;
  for (const [index, children] of awaited.entries()) if (children === 0) order[length++] = index;
  for (let done = 0; done < length; done++) {
    const parent = parents[order[done] ?? 0] ?? NONE;
    if (parent === NONE) continue;
    const left = (awaited[parent] ?? 0) - 1;
    awaited[parent] = left;
    if (left === 0) order[length++] = parent;
  }
  if (length === order.length) return order;
  throw databaseError('some tenants stand in a circle, each below the next', {
    hint: 'Something other than hodei changed it.',
  });
}
