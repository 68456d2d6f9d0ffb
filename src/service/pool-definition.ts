import type * as z from 'zod';
import { invalid } from '../domain/errors.ts';
import {
  DEFAULT_POOL_SIZE,
  requireCountable,
  roomOf,
  type PoolDefinition,
  type PoolType,
} from '../domain/pool.ts';
import { usageField } from '../domain/resource.ts';
import type { PoolRow, ResourceAmount, ResourceRow, Tables } from '../store/store.ts';
import { resourceOfField } from './allowances.ts';
import type { UpdatePoolRequest } from './schemas/pool.ts';

/** A pool as people set it: its definition, and how many workers there are now. */
export interface PoolState extends PoolDefinition {
  readonly size: number;
}

/** What a request says of a pool; what is left out stays as it is. */
export type PoolFields = Pick<
  z.output<ReturnType<typeof UpdatePoolRequest>>,
  'name' | 'type' | 'min_size' | 'max_size' | 'provider' | 'resources' | 'quotas'
>;

/** What a pool is of which nothing is said. */
export function blankPool(name: string, type: PoolType): PoolDefinition {
  return {
    name,
    title: name,
    type,
    minSize: DEFAULT_POOL_SIZE,
    maxSize: DEFAULT_POOL_SIZE,
    provider: null,
    resources: {},
    maxConcurrentJobs: null,
    maxJobsPerTenant: null,
  };
}

/** The pool of a row, without resources that the catalogue does not have. */
export async function stateOf(
  tables: Tables,
  row: PoolRow,
  catalogue: readonly ResourceRow[],
): Promise<PoolState> {
  const amounts = new Map(
    (await tables.pools.resources(row.key)).map(({ resource, amount }) => [resource, amount]),
  );
  const there = catalogue.flatMap(({ key, name }) => {
    const amount = amounts.get(key);
    return amount === undefined ? [] : [[name, amount] as const];
  });
  const { name, title, type, minSize, maxSize, size, provider } = row;
  return {
    ...{ name, title, type, minSize, maxSize, size, provider },
    resources: Object.fromEntries(there),
    maxConcurrentJobs: row.maxJobs,
    maxJobsPerTenant: row.maxJobsPerTenant,
  };
}

/** The inverse of `stateOf`: what of a state stands in the row, and what beside it. */
export function rowFields({ resources: _, maxConcurrentJobs, ...fields }: PoolState) {
  return { ...fields, maxJobs: maxConcurrentJobs };
}

export function rowAmounts(
  { resources }: PoolState,
  catalogue: readonly ResourceRow[],
): ResourceAmount[] {
  return catalogue.flatMap(({ key, name }) => {
    const amount = resources[name];
    return amount === undefined ? [] : [{ resource: key, amount }];
  });
}

/**
 * A definition with what a request says of it.
 * @throws invalid when it names a resource that there is not, or more than can be counted.
 */
export function defined(
  catalogue: readonly ResourceRow[],
  before: PoolDefinition,
  { name, type, min_size, max_size, provider, resources, quotas }: PoolFields,
): PoolDefinition {
  const after: PoolDefinition = {
    ...before,
    title: name ?? before.title,
    type: type ?? before.type,
    minSize: min_size ?? before.minSize,
    maxSize: max_size ?? before.maxSize,
    provider: orBefore(provider, before.provider),
    resources: resources === undefined ? before.resources : workerOf(catalogue, resources),
    maxConcurrentJobs: orBefore(quotas?.max_concurrent_jobs, before.maxConcurrentJobs),
    maxJobsPerTenant: orBefore(quotas?.max_jobs_per_tenant, before.maxJobsPerTenant),
  };
  requireCountable(after);
  return after;
}

/** Null is something that can be said: none, or unlimited. */
function orBefore<T>(said: T | undefined, before: T): T {
  return said === undefined ? before : said;
}

/** What a worker has, in the order of the catalogue. */
function workerOf(
  catalogue: readonly ResourceRow[],
  resources: Readonly<Record<string, number>>,
): Record<string, number> {
  const countable = catalogue.filter(({ name }) => name !== 'jobs');
  const amounts = new Map<ResourceRow, number>();
  for (const [name, amount] of Object.entries(resources)) {
    if (['jobs', 'max_concurrent_jobs', usageField('jobs')].includes(name)) {
      throw invalid(
        `${name} is nothing that a worker has.`,
        'Jobs in a pool are limited by quotas.max_concurrent_jobs: --max-concurrent-jobs 20',
      );
    }
    amounts.set(resourceOfField(countable, name), amount);
  }
  const inOrder = countable.flatMap((resource) => {
    const amount = amounts.get(resource);
    return amount === undefined ? [] : [[resource.name, amount] as const];
  });
  return Object.fromEntries(inOrder);
}

/** What people set of a pool, as documents and events write it. */
export function settableFields(pool: PoolState) {
  return {
    name: pool.title,
    type: pool.type,
    min_size: pool.minSize,
    max_size: pool.maxSize,
    size: pool.size,
    provider: pool.provider,
    resources: { ...pool.resources },
    quotas: {
      max_concurrent_jobs: pool.maxConcurrentJobs,
      max_jobs_per_tenant: pool.maxJobsPerTenant,
    },
  };
}

/** The fields that differ, for an event; undefined where none does. */
export function differingFields(before: PoolState, after: PoolState) {
  const [old, next] = [settableFields(before), settableFields(after)];
  const fields = (Object.keys(old) as (keyof typeof old)[]).filter(
    // Resources stand in the order of the catalogue, so equal ones have equal texts.
    (field) => JSON.stringify(old[field]) !== JSON.stringify(next[field]),
  );
  if (fields.length === 0) return undefined;
  const only = (of: typeof old) => Object.fromEntries(fields.map((field) => [field, of[field]]));
  return { before: only(old), after: only(next) };
}

/** What all workers have together, by name of resource; what is not here is not limited. */
export function capacityOf(
  pool: PoolState,
  catalogue: readonly ResourceRow[],
): Record<string, number> {
  const limited = catalogue.flatMap(({ name }) => {
    const limit =
      name === 'jobs' ? pool.maxConcurrentJobs : roomOf(pool, pool.resources[name]).limit;
    return limit === null ? [] : [[name, limit] as const];
  });
  return Object.fromEntries(limited);
}
