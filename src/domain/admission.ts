import type { Amounts } from './job.ts';
import type { Limit } from './quota.ts';
import type { Verdict } from './policy.ts';
import { MAX_AMOUNT } from './resource.ts';

/** The closed list of reasons why a job was not admitted at once. */
export const reasonCodes = [
  'suspended',
  'impossible',
  'over_quota',
  'over_capacity',
  'pool_held',
  'waiting_ahead',
  'reserved',
  'policy',
  'queue_full',
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
  reserved: 'the room that there is, is kept for a job that has waited too long',
  policy: 'a policy rule says so',
  queue_full: 'as many jobs wait in the pool as may',
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
  /** What is kept for a job that has waited too long, and for nobody else. */
  readonly kept: number;
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
  /** The scope of the pool. */
  readonly pool: Scope | undefined;
  /** The nearest suspended scope of the tenant's line. */
  readonly suspended: Scope | undefined;
  /** The scope of the pool, where it is held. */
  readonly held: Scope | undefined;
  /** The scope in which jobs that wait longer must be looked at first. */
  readonly preceded: Scope | undefined;
  readonly onFull: OnFull;
  /** Whether no more may wait. */
  readonly isQueueFull: boolean;
  /** The first policy rule that matches the request. */
  readonly verdict: Verdict | undefined;
  /** The first one that matches what stands against it. */
  onViolation(violations: readonly Violation<Scope>[]): Verdict | undefined;
}

export type OnFull = 'reject' | 'queue';

export type Decision<Scope extends ScopeName = ScopeName> =
  | {
      readonly outcome: 'admitted';
      /** Whether a rule let it in above limits. */
      readonly isOverride: boolean;
      /** The policy rule that had a part in it. */
      readonly verdict: Verdict | undefined;
    }
  | {
      readonly outcome: 'queued' | 'rejected';
      readonly code: ReasonCode;
      /** Whether the same request could be admitted later without anybody raising a limit. */
      readonly isRetryable: boolean;
      readonly violations: readonly Violation<Scope>[];
      readonly verdict: Verdict | undefined;
    };

/**
 * Decides a request by the ladder: suspended, refused by a rule, impossible, fits, else all that
 * stands against it. The one function behind admit, check, explain and promotion.
 */
export function decide<Scope extends ScopeName>(situation: Situation<Scope>): Decision<Scope> {
  const { suspended, verdict } = situation;
  if (suspended !== undefined) return refused('suspended', [reasonOf(suspended, 'suspended')]);
  if (verdict?.action === 'reject') return refused('policy', byRule(situation), verdict);
  const checks = examine(situation.ceilings, situation.amounts);
  const impossible = checks.filter((check) => check.requested > ceilingOf(check.most));
  if (impossible.length > 0) {
    return refused(
      'impossible',
      impossible.map((check) => violationOf(check, check.most, 'impossible')),
    );
  }
  const violations = violationsOf(situation, checks);
  if (violations.length === 0) return { outcome: 'admitted', isOverride: false, verdict };
  return decideViolated(situation, violations);
}

/** What becomes of a request against which something stands: a rule decides, or else the caller. */
function decideViolated<Scope extends ScopeName>(
  situation: Situation<Scope>,
  violations: readonly Violation<Scope>[],
): Decision<Scope> {
  const { verdict } = situation;
  if (verdict?.action === 'queue') return queued(situation, violations, verdict);
  const second = situation.onViolation(violations);
  if (second?.action === 'allow' && violations.every(isOfLimit)) {
    return { outcome: 'admitted', isOverride: true, verdict: second };
  }
  const isQueued = second?.action === 'queue';
  const isRejected = second?.action === 'reject' || (!isQueued && situation.onFull === 'reject');
  const spoken = second?.action === 'allow' ? verdict : (second ?? verdict);
  if (!isRejected) return queued(situation, violations, spoken);
  const [first] = violations;
  const code = first?.code ?? 'over_quota';
  return { outcome: 'rejected', code, isRetryable: true, violations, verdict: spoken };
}

/** A rule lets in above limits of tenants; never above what a pool has, nor where nothing starts. */
function isOfLimit({ code }: Violation): boolean {
  return code === 'over_quota';
}

function queued<Scope extends ScopeName>(
  { isQueueFull, pool }: Situation<Scope>,
  violations: readonly Violation<Scope>[],
  verdict: Verdict | undefined,
): Decision<Scope> {
  const [first] = violations;
  const code = first?.code ?? 'over_quota';
  if (!isQueueFull || pool === undefined) {
    return { outcome: 'queued', code, isRetryable: true, violations, verdict };
  }
  const all = [...violations, reasonOf(pool, 'queue_full')];
  return { outcome: 'rejected', code: 'queue_full', isRetryable: true, violations: all, verdict };
}

function refused<Scope extends ScopeName>(
  code: ReasonCode,
  violations: readonly Violation<Scope>[],
  verdict?: Verdict,
): Decision<Scope> {
  return { outcome: 'rejected', code, isRetryable: false, violations, verdict };
}

function violationsOf<Scope extends ScopeName>(
  situation: Situation<Scope>,
  checks: readonly Check<Scope>[],
): Violation<Scope>[] {
  const { held, preceded, verdict } = situation;
  const over = checks.filter(({ overBy }) => overBy > 0);
  return [
    ...over.map((check) => violationOf(check, check.limit, codeOf(check))),
    ...(held === undefined ? [] : [reasonOf(held, 'pool_held')]),
    ...(verdict?.action === 'queue' ? byRule(situation) : []),
    ...(preceded === undefined ? [] : [reasonOf(preceded, 'waiting_ahead')]),
  ];
}

/** A rule stands against a request wherever it is made: at the tenant's own scope. */
function byRule<Scope extends ScopeName>({ ceilings }: Situation<Scope>): Violation<Scope>[] {
  const [own] = ceilings;
  return own === undefined ? [] : [reasonOf(own.scope, 'policy')];
}

/** What would fit but for what is kept for another is reserved. */
function codeOf({ scope, limit, used, requested }: Check): ReasonCode {
  if (excess(limit, used, requested) === 0) return 'reserved';
  return scope.tenant === null ? 'over_capacity' : 'over_quota';
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
    const { scope, resource, limit, most, used, kept } = ceiling;
    const overBy = requested <= 0 ? 0 : excess(limit, add(used, kept), requested);
    checks.push({ scope, resource, limit, most, used, kept, requested, overBy });
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
    .map(({ scope, resource, limit, used, kept, requested }) => {
      const to = used + kept + requested;
      return { scope, resource, from: limit, to: to > MAX_AMOUNT ? null : to };
    });
}
