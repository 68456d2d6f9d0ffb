import { invalid, notFound } from '../domain/errors.ts';
import { DEFAULT_POOL } from '../domain/pool.ts';
import type { Settings } from '../domain/settings.ts';
import type { Key, PoolRow, Tables } from '../store/store.ts';
import { nearest } from './nearest.ts';
import { settingsInForce } from './settings-in-force.ts';

/** So many pools are named to somebody who has to choose. */
const NAMED = 20;

/** @throws not_found with the nearest id there is. */
export async function findPool(tables: Tables, reference: string): Promise<PoolRow> {
  const pool = await tables.pools.byName(reference);
  if (pool !== undefined) return pool;
  const names = (await tables.pools.list('', 1_000)).map(({ name }) => name);
  const suggestion = nearest(reference, names);
  throw notFound(
    `Pool not found: ${reference}`,
    suggestion === undefined
      ? 'See which there are: hodei pool list'
      : `Did you mean ${suggestion}?`,
  );
}

/** The pool in which limits are meant; undefined: those that hold everywhere. */
export async function limitedPool(
  tables: Tables,
  reference: string | undefined,
): Promise<PoolRow | undefined> {
  if (reference === undefined) return undefined;
  if (!(await settingsInForce(tables)).resourcePools.enabled) throw poolsAreOff();
  return findPool(tables, reference);
}

/**
 * The pool of a request: the one it names, else `default`, else the only one there is.
 * @throws invalid when there are several to choose from, or pools are switched off.
 */
export async function poolOfRequest(
  tables: Tables,
  { resourcePools }: Settings,
  reference: string | undefined,
): Promise<PoolRow> {
  if (!resourcePools.enabled && reference !== undefined && reference !== DEFAULT_POOL) {
    throw poolsAreOff();
  }
  if (reference !== undefined) return findPool(tables, reference);
  const usual = await tables.pools.byName(DEFAULT_POOL);
  if (usual !== undefined) return usual;
  const pools = await tables.pools.list('', NAMED + 1);
  const [only, other] = pools;
  if (only !== undefined && other === undefined) return only;
  const names = pools.slice(0, NAMED).map(({ name }) => name);
  throw invalid(
    'Which pool? The request names none, and there is none called default.',
    names.length === 0
      ? 'Create one: hodei pool create default'
      : `There are: ${names.join(', ')}.`,
  );
}

export function poolsAreOff() {
  return invalid(
    'Pools are switched off.',
    'Switch them on with resource_pools.enabled: true, then hodei config apply.',
  );
}

export async function existingPool(tables: Tables, key: Key): Promise<PoolRow> {
  const pool = await tables.pools.byKey(key);
  if (pool === undefined) throw new Error(`pool row ${key} is gone`);
  return pool;
}

const POOLS_AT_ONCE = 500;

/** In the order of their ids. */
export async function allPools(tables: Tables): Promise<PoolRow[]> {
  const pools: PoolRow[] = [];
  for (let after = ''; ;) {
    const page = await tables.pools.list(after, POOLS_AT_ONCE);
    pools.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < POOLS_AT_ONCE) return pools;
    after = last.name;
  }
}
