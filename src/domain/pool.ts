import { invalid } from './errors.ts';
import { nameProblem, nearestName } from './name.ts';
import type { Limit } from './quota.ts';
import { MAX_AMOUNT } from './resource.ts';

/** static: always its largest size; dynamic: some size between the smallest and the largest. */
export const poolTypes = ['static', 'dynamic'] as const;

export type PoolType = (typeof poolTypes)[number];

/** The most workers that a pool can have. */
export const MAX_POOL_SIZE = 1_000_000;
/** The smallest and the largest size of a pool of which nothing is said. */
export const DEFAULT_POOL_SIZE = 1;

/** A pool as the settings describe it. */
export interface PoolDefinition {
  /** By which requests name it. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  readonly type: PoolType;
  /** Workers. */
  readonly minSize: number;
  readonly maxSize: number;
  /** Where the workers come from: a label, which decides nothing. */
  readonly provider: string | null;
  /** What one worker has, by name of resource; what is not here the pool does not limit. */
  readonly resources: Readonly<Record<string, number>>;
  readonly maxConcurrentJobs: Limit;
  readonly maxJobsPerTenant: Limit;
}

/** What is wrong with the name of a pool, which documents call its id; or undefined. */
export function poolNameProblem(name: string): string | undefined {
  return nameProblem("a pool's id", name);
}

/** The nearest good name to a bad one, to suggest it; undefined when nothing is left of it. */
export function nearestPoolName(text: string): string | undefined {
  return nearestName(text) || undefined;
}

export type PoolStatus = 'active' | 'held';

/** What a pool is at a moment: held no longer where the time is over, although nobody wrote it yet. */
export function statusAsOf(
  { status, heldUntil }: { readonly status: PoolStatus; readonly heldUntil: number | null },
  now: number,
): PoolStatus {
  return status === 'held' && heldUntil !== null && heldUntil <= now ? 'active' : status;
}

/** Who wrote a pool: hodei itself, the config file, or somebody with a command. */
export type PoolSource = 'built_in' | 'config' | 'operator';

/** The pool of a request that names none; without any pool configured the only one there is. */
export const DEFAULT_POOL = 'default';

/** The room of a pool for one resource, in base units: now, and when it has grown. */
export interface Room {
  readonly limit: Limit;
  readonly most: Limit;
}

/** The room for what its workers have; never above 2^53-1, which the definition was checked for. */
export function roomOf(
  pool: { readonly size: number; readonly maxSize: number },
  perWorker: number | undefined,
): Room {
  if (perWorker === undefined) return { limit: null, most: null };
  return { limit: perWorker * pool.size, most: perWorker * pool.maxSize };
}

/** The same for any resource: jobs are not what workers have, but what the pool says there may be. */
export function roomFor(
  pool: { readonly size: number; readonly maxSize: number; readonly maxJobs: Limit },
  resource: string,
  perWorker: number | undefined,
): Room {
  if (resource === 'jobs') return { limit: pool.maxJobs, most: pool.maxJobs };
  return roomOf(pool, perWorker);
}

/**
 * How many workers a pool has after a change: those that are asked for, else those that it had, as
 * far as its bounds allow.
 * @throws invalid where the bounds cross, or do not allow what is asked for.
 */
export function sizeAfter(
  { name, type, minSize, maxSize }: Pick<PoolDefinition, 'name' | 'type' | 'minSize' | 'maxSize'>,
  present: number,
  asked: number | undefined,
): number {
  if (minSize > maxSize)
    throw invalid(`min_size ${minSize} is above max_size, which is ${maxSize}.`);
  if (type === 'static') {
    if (asked === undefined || asked === maxSize) return maxSize;
    throw invalid(
      `A static pool always has max_size workers: ${name} has ${maxSize}, not ${asked}.`,
      `Say --max-size ${asked} instead, or make it dynamic: --type dynamic.`,
    );
  }
  if (asked === undefined) return Math.min(Math.max(present, minSize), maxSize);
  if (asked >= minSize && asked <= maxSize) return asked;
  throw invalid(
    `${name} has ${minSize} to ${maxSize} workers, and ${asked} is outside of that.`,
    'Change min_size or max_size with it.',
  );
}

/** Whether so many workers have no more together than can be counted. */
export function isCountable(perWorker: number, workers: number): boolean {
  // The product of two numbers would be rounded where it matters.
  return BigInt(perWorker) * BigInt(workers) <= MAX_AMOUNT;
}

/** @throws invalid where all workers together would have more than can be counted. */
export function requireCountable({
  resources,
  maxSize,
}: Pick<PoolDefinition, 'resources' | 'maxSize'>): void {
  for (const [name, amount] of Object.entries(resources)) {
    if (isCountable(amount, maxSize)) continue;
    throw invalid(
      `${name}: ${amount} in each of ${maxSize} workers is above ${MAX_AMOUNT}, the most there is.`,
    );
  }
}
