import { invalid } from './errors.ts';
import { formatAmount, type LimitChange } from './quantity.ts';
import { MAX_AMOUNT, spokenName, type Resource } from './resource.ts';

/** A ceiling in base units; null is unlimited. */
export type Limit = number | null;

/** One resource of one tenant: its limit and what is used of it, in base units. */
export interface Allowance {
  readonly resource: Resource;
  readonly limit: Limit;
  /** The limit with what a burst session makes of it for a while. */
  readonly inForce: Limit;
  /** Whether the limit is the tenant's own; else it is the resource's default. */
  readonly isOwn: boolean;
  readonly used: number;
}

/** What limits an allowance too: a tenant above it, a tenant in a pool, or (tenant null) the pool. */
export interface AncestorAllowance extends Allowance {
  readonly tenant: string | null;
  readonly pool: string | null;
}

/** What may still be taken; null when unlimited, 0 when at or over the limit. */
export function freeOf(allowance: Allowance): Limit {
  return allowance.inForce === null ? null : Math.max(0, allowance.inForce - allowance.used);
}

/** By how much the use exceeds the limit in force; 0 when it does not. */
export function overBy(allowance: Allowance): number {
  return allowance.inForce === null ? 0 : Math.max(0, allowance.used - allowance.inForce);
}

/**
 * The limit that a change leads to, in base units.
 * @throws invalid when a relative change starts from unlimited or leaves 0 … 2^53-1.
 */
export function changeLimit(current: Limit, change: LimitChange, resource: Resource): Limit {
  if (change.kind === 'set') return change.limit;
  const name = spokenName(resource.name);
  if (current === null) {
    throw invalid(
      `${name} is unlimited, and unlimited cannot be changed by an amount.`,
      'Say the limit itself.',
    );
  }
  const limit = current + change.delta;
  if (limit < 0) {
    const less = formatAmount(-change.delta, resource);
    throw invalid(`${name} is ${formatAmount(current, resource)} and cannot become ${less} less.`);
  }
  if (limit > MAX_AMOUNT) {
    throw invalid(
      `${name} would exceed the largest limit there is, ${MAX_AMOUNT} ${resource.unit}.`,
    );
  }
  return limit;
}

/** The ancestor that leaves less of a resource than the tenant's own limit does; the tightest. */
export function bindingAncestor(
  own: Allowance,
  ancestors: readonly AncestorAllowance[],
): AncestorAllowance | undefined {
  let tightest: AncestorAllowance | undefined;
  for (const ancestor of ancestors) {
    if (isTighter(freeOf(ancestor), freeOf(tightest ?? own))) tightest = ancestor;
  }
  return tightest;
}

/** The nearest ancestor whose limit is lower than the tenant's: so much the tenant can never use. */
export function lowerAncestor(
  own: Allowance,
  ancestors: readonly AncestorAllowance[],
): AncestorAllowance | undefined {
  return ancestors.find((ancestor) => isTighter(ancestor.limit, own.limit));
}

function isTighter(a: Limit, b: Limit): boolean {
  if (a === null) return false;
  return b === null || a < b;
}
