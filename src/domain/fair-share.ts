import type { Limit } from './quota.ts';

/**
 * How the jobs that wait in a pool are ordered. weighted_fair: between tenants the lowest weighted
 * dominant share first, within one priority, then age; fifo: age; priority: priority, then age.
 */
export const strategies = ['weighted_fair', 'fifo', 'priority'] as const;

export type Strategy = (typeof strategies)[number];

/** Shares are compared in thousand-millionths, so that a replay gives the same order. */
const PRECISION = 1e9;

/** How much of a pool a tenant has, by the resource of which it has most. */
export interface Share {
  /** From 0; 1 is all of the pool for a weight of 1. */
  readonly share: number;
  /** Position of that resource; undefined where nothing is used. */
  readonly dominant: number | undefined;
}

/**
 * The weighted dominant share: the largest of used ÷ capacity over the resources, ÷ weight
 * (A. Ghodsi et al., Dominant Resource Fairness, NSDI 2011, §3 and §4.3). Both lists are in the order
 * of the same resources, in base units; a capacity of 0 takes its resource out.
 */
export function dominantShare(
  used: readonly number[],
  capacities: readonly number[],
  weight: number,
): Share {
  let most = 0;
  let dominant: number | undefined;
  for (const [i, capacity] of capacities.entries()) {
    const part = capacity > 0 ? (used[i] ?? 0) / capacity : 0;
    if (part <= most) continue;
    most = part;
    dominant = i;
  }
  return { share: Math.round((most / weight) * PRECISION) / PRECISION, dominant };
}

/**
 * What shares are measured against: what the pool has. A resource that it does not limit is not
 * scarce there, and counts only where it limits none: then against what is used of it in all.
 */
export function capacitiesOf(
  limits: readonly Limit[],
  usedInPool: readonly number[],
): readonly number[] {
  const isLimiting = limits.some((limit) => limit !== null);
  return isLimiting ? limits.map((limit) => limit ?? 0) : usedInPool;
}

/** Who competes for the next place in the line, with the job that would get it. */
export interface Contender {
  readonly share: number;
  /** By age: the older has the smaller number. */
  readonly job: number;
}

/** The order between tenants: the lower share first, then the older job. Negative: a comes first. */
export function compareShares(a: Contender, b: Contender): number {
  return a.share - b.share || a.job - b.job;
}

/**
 * The smallest weight, at most `most`, with which somebody comes before another; undefined where none
 * does: who has nothing is as far in front as weights bring.
 */
export function weightToPass(
  { used, job }: { readonly used: readonly number[]; readonly job: number },
  capacities: readonly number[],
  other: Contender,
  most: number,
): number | undefined {
  const passes = (weight: number) =>
    compareShares({ share: dominantShare(used, capacities, weight).share, job }, other) < 0;
  if (!passes(most)) return undefined;
  let [low, high] = [0, most];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (passes(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** A job in the line of its tenant. */
export interface Queued {
  readonly priority: number;
  readonly job: number;
}

/** Priority, the highest first, then age. Negative: a comes first. */
export function comparePriorities(a: Queued, b: Queued): number {
  return b.priority - a.priority || a.job - b.job;
}

/**
 * Use in the past, of which after one half-life one half counts: what it was, and since then `used`
 * all the time. Exact for uneven intervals, since two in turn give what one gives over both:
 * amount × β + used × (1 − β) with β = 0.5^(elapsed ÷ half-life). Times in milliseconds.
 */
export function decayedUse(
  amount: number,
  used: number,
  elapsed: number,
  halfLife: number,
): number {
  const kept = 0.5 ** (Math.max(0, elapsed) / halfLife);
  return amount * kept + used * (1 - kept);
}

/**
 * What counts against a tenant: what it had, or what it has where that is more, so that nobody takes
 * everything while the past has not caught up with them.
 */
export function countedUse(present: number, recent: number): number {
  return Math.max(present, recent);
}
