import { conflict } from '../domain/errors.ts';
import { DEFAULT_POOL, sizeAfter, type PoolDefinition } from '../domain/pool.ts';
import type { Settings } from '../domain/settings.ts';
import type { PoolRow, ResourceRow, Tables } from '../store/store.ts';
import { catalogueOf } from './allowances.ts';
import type { Context } from './operation.ts';
import { buryPool, insertPool, livingIn, sayLiving, writePool } from './pool-changes.ts';
import { blankPool, differingFields, stateOf } from './pool-definition.ts';
import { fillsOfPool } from './pool-room.ts';
import { noticeSince } from './quota-notices.ts';

/**
 * Makes the pools those of the settings, the catalogue of which is written already. The event is
 * that of the settings.
 * @throws conflict when jobs live in a pool that is no longer listed.
 */
export async function writePools(context: Context, { resourcePools }: Settings): Promise<void> {
  const { tables } = context;
  const catalogue = await catalogueOf(tables);
  const present = await everyPool(tables);
  const listed = new Set(resourcePools.pools.map(({ name }) => name));
  for (const pool of present) {
    if (pool.source === 'config' && !listed.has(pool.name)) await removeUnlisted(context, pool);
  }
  for (const definition of resourcePools.pools) {
    const pool = present.find(({ name }) => name === definition.name);
    await writeListed(context, definition, pool, catalogue);
  }
  await writeDefault(context, resourcePools);
}

function everyPool(tables: Tables): Promise<PoolRow[]> {
  return tables.pools.list('', Number.MAX_SAFE_INTEGER);
}

async function removeUnlisted(context: Context, pool: PoolRow): Promise<void> {
  const living = await livingIn(context.tables, pool);
  if (living === 0) return buryPool(context, pool);
  throw conflict(
    `${sayLiving(living, pool)}, which the configuration does not list any more.`,
    `Let nothing new start and wait for them to end, then apply it: hodei pool hold ${pool.name}`,
  );
}

/** A pool of the settings; one of the same name becomes it, and stays held or grown. */
async function writeListed(
  context: Context,
  definition: PoolDefinition,
  pool: PoolRow | undefined,
  catalogue: readonly ResourceRow[],
): Promise<void> {
  const size = sizeAfter(definition, pool?.size ?? definition.minSize, undefined);
  const after = { ...definition, size };
  if (pool === undefined) {
    await insertPool(context, after, 'config');
    return;
  }
  const before = await stateOf(context.tables, pool, catalogue);
  if (pool.source === 'config' && differingFields(before, after) === undefined) return;
  const fills = await fillsOfPool(context, pool);
  await writePool(context, { ...pool, source: 'config' }, after, catalogue);
  await noticeSince(context, fills);
}

/** The pool that is there without any configured goes with the first ones, and comes back after. */
async function writeDefault(
  context: Context,
  { enabled, pools, defaultPoolType }: Settings['resourcePools'],
): Promise<void> {
  const { tables } = context;
  const usual = await tables.pools.byName(DEFAULT_POOL);
  if (usual === undefined) {
    const [any] = await tables.pools.list('', 1);
    if (enabled && any !== undefined) return;
    const blank = blankPool(DEFAULT_POOL, defaultPoolType);
    await insertPool(context, { ...blank, size: blank.minSize }, 'built_in');
    return;
  }
  const isReplaced = enabled && pools.length > 0 && usual.source === 'built_in';
  if (isReplaced && (await livingIn(tables, usual)) === 0) await buryPool(context, usual);
}
