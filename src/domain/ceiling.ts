import type { Amounts } from './job.ts';
import type { Limit } from './quota.ts';
import { MAX_AMOUNT } from './resource.ts';

/** Names of what has a ceiling: a tenant (pool null), a tenant in a pool, or a pool (tenant null). */
export interface ScopeName {
  readonly tenant: string | null;
  readonly pool: string | null;
}

/** What has a ceiling, in words: `acme`, `acme in pool gpu`, `pool gpu`. */
export function scopeText({ tenant, pool }: ScopeName): string {
  if (tenant === null) return `pool ${pool}`;
  return pool === null ? tenant : `${tenant} in pool ${pool}`;
}

/** One resource of one scope: how much there may be, and how much there is. */
export interface Ceiling<Scope extends ScopeName = ScopeName> {
  readonly scope: Scope;
  readonly resource: string;
  readonly limit: Limit;
  /** The limit without the burst session that lifts it; null where none does. */
  readonly base: number | null;
  /** When that session ends, in epoch milliseconds. */
  readonly lentUntil?: number | undefined;
  /** The highest that the limit can become without a person: for a pool that of its largest size. */
  readonly most: Limit;
  readonly used: number;
  /** What is kept for a job that has waited too long, and for nobody else. */
  readonly kept: number;
}

/** A ceiling beside what is asked of it. */
export interface Check<Scope extends ScopeName = ScopeName> extends Ceiling<Scope> {
  readonly requested: number;
  /** 0 when it fits. */
  readonly overBy: number;
}

/** What is asked of every ceiling that the request touches; the others do not matter to it. */
export function examine<Scope extends ScopeName>(
  ceilings: readonly Ceiling<Scope>[],
  amounts: Amounts,
): Check<Scope>[] {
  const checks: Check<Scope>[] = [];
  for (const ceiling of ceilings) {
    const requested = amounts.get(ceiling.resource);
    if (requested === undefined) continue;
    // What takes nothing more is always allowed, also above a limit that was lowered.
    const { scope, resource, limit, base, lentUntil, most, used, kept } = ceiling;
    const overBy = requested <= 0 ? 0 : excess(limit, add(used, kept), requested);
    const lent = lentUntil === undefined ? {} : { lentUntil };
    checks.push({ scope, resource, limit, base, most, used, kept, requested, overBy, ...lent });
  }
  return checks;
}

/** Unlimited ends where amounts do. */
export function ceilingOf(limit: Limit): number {
  return limit ?? MAX_AMOUNT;
}

/** By how much used and requested exceed the limit; never rounded, and at most 2^53-1. */
export function excess(limit: Limit, used: number, requested: number): number {
  const free = ceilingOf(limit) - used;
  if (requested <= free) return 0;
  const over = BigInt(requested) - BigInt(free);
  return over > BigInt(MAX_AMOUNT) ? MAX_AMOUNT : Number(over);
}

/** Never above what can be counted. */
function add(amount: number, more: number): number {
  return Math.min(amount + more, MAX_AMOUNT);
}

/** A limit that would have to be so high. */
export interface Raise<Scope extends ScopeName = ScopeName> {
  readonly scope: Scope;
  readonly resource: string;
  readonly from: Limit;
  /** Null: there is no amount so high. */
  readonly to: Limit;
}

/** The smallest changes of limits that would admit the request as things are. */
export function smallestRaises<Scope extends ScopeName>(
  checks: readonly Check<Scope>[],
): Raise<Scope>[] {
  return checks
    .filter(({ overBy }) => overBy > 0)
    .map(({ scope, resource, limit, base, used, kept, requested }) => {
      const to = used + kept + requested;
      // What a session makes of it for a while is not what somebody would change.
      return { scope, resource, from: base ?? limit, to: to > MAX_AMOUNT ? null : to };
    });
}

/** The ceilings that the request fits under only because a burst session lifts them. */
export function liftedFor<C extends Ceiling>(ceilings: readonly C[], amounts: Amounts): C[] {
  return ceilings.filter(({ resource, base, used }) => {
    const requested = amounts.get(resource) ?? 0;
    return base !== null && requested > 0 && requested > base - used;
  });
}
