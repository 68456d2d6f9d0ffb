import { conflict } from '../domain/errors.ts';
import { sizeAfter, type PoolDefinition, type PoolSource } from '../domain/pool.ts';
import type { PoolRow, ResourceRow, Tables } from '../store/store.ts';
import { catalogueOf } from './allowances.ts';
import { dropBursts } from './burst-settlement.ts';
import { recordEvent } from './event-log.ts';
import type { Context } from './operation.ts';
import {
  defined,
  differingFields,
  rowAmounts,
  rowFields,
  settableFields,
  stateOf,
  type PoolFields,
  type PoolState,
} from './pool-definition.ts';
import { fillsOfPool } from './pool-room.ts';
import { noticeSince } from './quota-notices.ts';
import { existing } from './tenant-lookup.ts';

type At = Pick<Context, 'tables' | 'now'>;

export async function requireFreePoolName(tables: Tables, name: string): Promise<void> {
  if ((await tables.pools.byName(name)) === undefined) return;
  throw conflict(`A pool named ${name} exists already.`, `Change it: hodei pool update ${name}`);
}

/** Writes a new pool, without an event. */
export async function insertPool(
  { tables, now }: At,
  state: PoolState,
  source: PoolSource,
): Promise<PoolRow> {
  const row: Omit<PoolRow, 'key'> = {
    ...rowFields(state),
    status: 'active',
    heldUntil: null,
    heldReason: null,
    source,
    version: 1,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  };
  const key = await tables.pools.insert(row);
  await tables.pools.replaceResources(key, rowAmounts(state, await catalogueOf(tables)));
  return { ...row, key };
}

/** Writes what changed of a pool, without an event. */
export async function writePool(
  { tables, now }: At,
  pool: PoolRow,
  state: PoolState,
  catalogue: readonly ResourceRow[],
): Promise<PoolRow> {
  const saved = { ...pool, ...rowFields(state), version: pool.version + 1, updatedAt: now };
  await tables.pools.update(saved);
  await tables.pools.replaceResources(saved.key, rowAmounts(state, catalogue));
  return saved;
}

/** So many sessions are read together. */
const DROPPED_AT_ONCE = 100;

/**
 * Makes a pool a tombstone, which nothing resumes, without an event; its name is free. What was lent
 * in it goes with it.
 */
export async function buryPool(context: Context, pool: PoolRow): Promise<void> {
  const { tables, now } = context;
  const filter = { states: ['requested', 'approved', 'active'] as const, pool: pool.key, now };
  for (let page = await living(); page.length > 0; page = await living()) {
    await dropBursts(context, page);
  }
  function living() {
    return tables.bursts.list(filter, undefined, DROPPED_AT_ONCE);
  }
  await tables.pools.update({
    ...pool,
    heldUntil: null,
    heldReason: null,
    version: pool.version + 1,
    updatedAt: now,
    deletedAt: now,
  });
}

/** Changes a pool as an update asks; what is equal to before is no change. */
export async function changePool(
  context: Context,
  pool: PoolRow,
  { size, ...fields }: PoolFields & { readonly size?: number | undefined },
): Promise<PoolRow> {
  const catalogue = await catalogueOf(context.tables);
  const before = await stateOf(context.tables, pool, catalogue);
  // What was read is sent back with what shall change: a size that is so already asks for nothing.
  const asked = size === pool.size ? undefined : size;
  const definition = defined(catalogue, before, fields);
  if (pool.source === 'config') requireNothingOfConfig(before, definition, asked);
  const after = { ...definition, size: sizeAfter(definition, pool.size, asked) };
  const difference = differingFields(before, after);
  if (difference === undefined) return pool;
  const fills = await fillsOfPool(context, pool);
  const source = pool.source === 'built_in' ? 'operator' : pool.source;
  const saved = await writePool(context, { ...pool, source }, after, catalogue);
  await recordEvent(context, {
    operation: 'pool.update',
    tenant: null,
    object: pool.name,
    ...difference,
  });
  await noticeSince(context, fills);
  return saved;
}

/** The config file says how large a dynamic pool may become; how large it is now it does not say. */
function requireNothingOfConfig(
  before: PoolState,
  after: PoolDefinition,
  askedSize: number | undefined,
): void {
  const isChanged = differingFields(before, { ...after, size: before.size }) !== undefined;
  const isFixedSize = askedSize !== undefined && after.type === 'static';
  if (isChanged || isFixedSize) throw writtenInConfig(before.name);
}

function writtenInConfig(name: string) {
  return conflict(
    `Pool ${name} is written in the config file.`,
    'Change it there, then: hodei config apply',
  );
}

/** @throws conflict where it is the config file's, where jobs live in it, and of the last one. */
export async function removePool(context: Context, pool: PoolRow): Promise<void> {
  const { tables } = context;
  if (pool.source === 'config') throw writtenInConfig(pool.name);
  await requireNoJobs(context, pool);
  const some = await tables.pools.list('', 2);
  if (some.length === 1) {
    throw conflict(
      `${pool.name} is the last pool there is, and every job runs in one.`,
      'Create another one first: hodei pool create …',
    );
  }
  const before = await stateOf(tables, pool, await catalogueOf(tables));
  await buryPool(context, pool);
  await recordEvent(context, {
    operation: 'pool.delete',
    tenant: null,
    object: pool.name,
    before: { ...settableFields(before), status: pool.status },
    after: null,
  });
}

async function requireNoJobs({ tables, now }: At, pool: PoolRow): Promise<void> {
  const living = await livingIn(tables, pool);
  if (living === 0) return;
  const states = ['admitted', 'queued'] as const;
  const [job] = await tables.jobs.list({ states, pool: pool.key, now }, undefined, 1);
  const example = job && `${job.jobId ?? job.id} of ${(await existing(tables, job.tenant)).name}`;
  throw conflict(
    `${sayLiving(living, pool)}${example === undefined ? '' : `, such as ${example}`}.`,
    `Let nothing new start, then release or cancel them: hodei pool hold ${pool.name}`,
  );
}

/** How many jobs run or wait in a pool. */
export async function livingIn({ jobs }: Tables, { key }: PoolRow): Promise<number> {
  return (await jobs.countIn(key, 'admitted')) + (await jobs.countIn(key, 'queued'));
}

export function sayLiving(count: number, { name }: PoolRow): string {
  return count === 1 ? `1 job lives in pool ${name}` : `${count} jobs live in pool ${name}`;
}
