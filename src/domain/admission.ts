import type { Amounts } from './job.ts';
import type { Limit } from './quota.ts';
import { MAX_AMOUNT } from './resource.ts';

/** The closed list of reasons why a job was not admitted at once. */
export const reasonCodes = [
  'suspended',
  'impossible',
  'over_quota',
  'over_capacity',
  'pool_held',
  'waiting_ahead',
] as const;

export type ReasonCode = (typeof reasonCodes)[number];

/** What each reason means, for people. */
export const reasonMeanings: Readonly<Record<ReasonCode, string>> = {
  suspended: 'the tenant or one above it is suspended: nothing new starts there',
  impossible: 'it is more than would fit if nothing else ran: waiting would not help',
  over_quota: 'a limit of the tenant, or of one above it, leaves less',
  over_capacity: 'the pool has less room',
  pool_held: 'the pool is held: nothing new starts in it',
  waiting_ahead: 'jobs that wait longer have not been looked at yet',
};

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
  /** The highest that the limit can become without a person: for a pool that of its largest size. */
  readonly most: Limit;
  readonly used: number;
}

/** A ceiling beside what is asked of it. */
export interface Check<Scope extends ScopeName = ScopeName> extends Ceiling<Scope> {
  readonly requested: number;
  /** 0 when it fits. */
  readonly overBy: number;
}

/** A reason of a decision; numbers are null where it is none of amount. */
export interface Violation<Scope extends ScopeName = ScopeName> {
  readonly scope: Scope;
  readonly resource: string | null;
  readonly limit: Limit;
  readonly used: number | null;
  readonly requested: number | null;
  readonly overBy: number | null;
  readonly code: ReasonCode;
}

/** All that a decision depends on. */
export interface Situation<Scope extends ScopeName = ScopeName> {
  readonly amounts: Amounts;
  /** Of every scope on the path, nearest first, then the pool. */
  readonly ceilings: readonly Ceiling<Scope>[];
  /** The nearest suspended scope of the tenant's line. */
  readonly suspended: Scope | undefined;
  /** The scope of the pool, where it is held. */
  readonly held: Scope | undefined;
  /** The scope in which jobs that wait longer must be looked at first. */
  readonly preceded: Scope | undefined;
  readonly onFull: OnFull;
}

export type OnFull = 'reject' | 'queue';

export type Decision<Scope extends ScopeName = ScopeName> =
  | { readonly outcome: 'admitted' }
  | {
      readonly outcome: 'queued' | 'rejected';
      readonly code: ReasonCode;
      /** Whether the same request could be admitted later without anybody raising a limit. */
      readonly isRetryable: boolean;
      readonly violations: readonly Violation<Scope>[];
    };

/**
 * Decides a request by the ladder: suspended, impossible, fits, else all that stands against it.
 * The one function behind admit, check, explain and promotion.
 */
export function decide<Scope extends ScopeName>(situation: Situation<Scope>): Decision<Scope> {
  const { suspended, onFull } = situation;
  if (suspended !== undefined) return refused('suspended', [reasonOf(suspended, 'suspended')]);
  const checks = examine(situation.ceilings, situation.amounts);
  const impossible = checks.filter((check) => check.requested > ceilingOf(check.most));
  if (impossible.length > 0) {
    return refused(
      'impossible',
      impossible.map((check) => violationOf(check, check.most, 'impossible')),
    );
  }
  const violations = violationsOf(situation, checks);
  const [first] = violations;
  if (first === undefined) return { outcome: 'admitted' };
  const outcome = onFull === 'queue' ? 'queued' : 'rejected';
  return { outcome, code: first.code, isRetryable: true, violations };
}

function refused<Scope extends ScopeName>(
  code: ReasonCode,
  violations: readonly Violation<Scope>[],
): Decision<Scope> {
  return { outcome: 'rejected', code, isRetryable: false, violations };
}

function violationsOf<Scope extends ScopeName>(
  { held, preceded }: Situation<Scope>,
  checks: readonly Check<Scope>[],
): Violation<Scope>[] {
  const over = checks.filter(({ overBy }) => overBy > 0);
  return [
    ...over.map((check) => violationOf(check, check.limit, codeOf(check.scope))),
    ...(held === undefined ? [] : [reasonOf(held, 'pool_held')]),
    ...(preceded === undefined ? [] : [reasonOf(preceded, 'waiting_ahead')]),
  ];
}

function codeOf({ tenant }: ScopeName): ReasonCode {
  return tenant === null ? 'over_capacity' : 'over_quota';
}

function violationOf<Scope extends ScopeName>(
  { scope, resource, used, requested }: Check<Scope>,
  limit: Limit,
  code: ReasonCode,
): Violation<Scope> {
  // What is impossible is so with nothing used.
  const overBy = excess(limit, code === 'impossible' ? 0 : used, requested);
  return { scope, resource, limit, used, requested, overBy, code };
}

function reasonOf<Scope extends ScopeName>(scope: Scope, code: ReasonCode): Violation<Scope> {
  const none = { resource: null, limit: null, used: null, requested: null, overBy: null };
  return { scope, ...none, code };
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
    const overBy = requested <= 0 ? 0 : excess(ceiling.limit, ceiling.used, requested);
    const { scope, resource, limit, most, used } = ceiling;
    checks.push({ scope, resource, limit, most, used, requested, overBy });
  }
  return checks;
}

/** Unlimited ends where amounts do. */
function ceilingOf(limit: Limit): number {
  return limit ?? MAX_AMOUNT;
}

/** By how much used and requested exceed the limit; never rounded, and at most 2^53-1. */
function excess(limit: Limit, used: number, requested: number): number {
  const free = ceilingOf(limit) - used;
  if (requested <= free) return 0;
  const over = BigInt(requested) - BigInt(free);
  return over > BigInt(MAX_AMOUNT) ? MAX_AMOUNT : Number(over);
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
    .map(({ scope, resource, limit, used, requested }) => {
      const to = used + requested;
      return { scope, resource, from: limit, to: to > MAX_AMOUNT ? null : to };
    });
}
