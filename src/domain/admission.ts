import { lifted } from './burst.ts';
import { ceilingOf, examine, excess, type Ceiling, type Check, type ScopeName } from './ceiling.ts';
import type { Amounts } from './job.ts';
import type { Limit } from './quota.ts';
import type { Verdict } from './policy.ts';

/** The closed list of reasons why a job was not admitted at once. */
export const reasonCodes = [
  'suspended',
  'impossible',
  'over_quota',
  'over_capacity',
  'over_budget',
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
  over_budget:
    'the budget of the tenant, or of one above it, does not pay for it until its lease or the month ends',
  pool_held: 'the pool is held: nothing new starts in it',
  waiting_ahead: 'jobs that wait longer have not been looked at yet',
  reserved: 'the room that there is, is kept for a job that has waited too long',
  policy: 'a policy rule says so',
  queue_full: 'as many jobs wait in the pool as may',
};

/** A reason of a decision; numbers are null where it is none of amount, and money for a budget. */
export interface Violation<Scope extends ScopeName = ScopeName> {
  readonly scope: Scope;
  readonly resource: string | null;
  readonly limit: Limit;
  /** The limit without the burst session that lifts it; null where none does. */
  readonly base: number | null;
  /** When that session ends, in epoch milliseconds, where that is known. */
  readonly lentUntil?: number | undefined;
  readonly used: number | null;
  readonly requested: number | null;
  readonly overBy: number | null;
  readonly code: ReasonCode;
}

/** A budget that does not pay for the request, in millionths of money. */
export interface Overrun<Scope extends ScopeName = ScopeName> {
  readonly scope: Scope;
  readonly limit: number;
  /** What was spent in the month, and what running jobs are committed to. */
  readonly used: number;
  readonly requested: number;
  readonly overBy: number;
}

/** All that a decision depends on. */
export interface Situation<Scope extends ScopeName = ScopeName> {
  readonly amounts: Amounts;
  /** Of every scope on the path, nearest first, then the pool. */
  readonly ceilings: readonly Ceiling<Scope>[];
  /** The budgets that would be overrun, nearest first. */
  readonly overruns: readonly Overrun<Scope>[];
  /** The scope of the pool. */
  readonly pool: Scope | undefined;
  /** The nearest suspended scope of the tenant's line. */
  readonly suspended: Scope | undefined;
  /** The scope of the pool, where it is held. */
  readonly held: Scope | undefined;
  /** The scope in which jobs that wait longer must be looked at first. */
  readonly preceded: Scope | undefined;
  readonly onFull: OnFull | 'burst';
  /** What follows where that, or a rule, says burst, and none can be opened. */
  readonly secondChoice: OnFull;
  /** The burst sessions that nobody would have to agree to. */
  readonly offers: readonly BurstOffer<Scope>[];
  /** Whether no more may wait. */
  readonly isQueueFull: boolean;
  /** The first policy rule that matches the request. */
  readonly verdict: Verdict | undefined;
  /** The first one that matches what stands against it. */
  onViolation(violations: readonly Violation<Scope>[]): Verdict | undefined;
}

export type OnFull = 'reject' | 'queue';

/** A burst session that can be opened now, and asks nobody. */
export interface BurstOffer<Scope extends ScopeName = ScopeName> {
  /** Whose limits it would lift. */
  readonly scope: Scope;
  readonly percentage: number;
}

export type Decision<Scope extends ScopeName = ScopeName> =
  | {
      readonly outcome: 'admitted';
      /** Whether a rule let it in above limits. */
      readonly isOverride: boolean;
      /** The session that has to be opened for it. */
      readonly opens: BurstOffer<Scope> | undefined;
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
  if (violations.length === 0) return admitted(verdict);
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
    return { ...admitted(second), isOverride: true };
  }
  const spoken = second?.action === 'allow' ? verdict : (second ?? verdict);
  const choice = choiceOf(second) ?? situation.onFull;
  const opens = choice === 'burst' ? offerFor(situation, violations) : undefined;
  if (opens !== undefined) return { ...admitted(spoken), opens };
  const last = choice === 'burst' ? situation.secondChoice : choice;
  if (last === 'queue') return queued(situation, violations, spoken);
  const [first] = violations;
  const code = first?.code ?? 'over_quota';
  return { outcome: 'rejected', code, isRetryable: true, violations, verdict: spoken };
}

function admitted<Scope extends ScopeName>(verdict: Verdict | undefined) {
  const opens: BurstOffer<Scope> | undefined = undefined;
  return { outcome: 'admitted' as const, isOverride: false, opens, verdict };
}

/** What a rule decides of a request that does not fit; undefined where it leaves that to others. */
function choiceOf(verdict: Verdict | undefined): OnFull | 'burst' | undefined {
  if (verdict === undefined) return undefined;
  const { action } = verdict;
  return action === 'reject' || action === 'queue' || action === 'burst' ? action : undefined;
}

/** The session under which all that stands against the request would fit, beside what is kept. */
function offerFor<Scope extends ScopeName>(
  { offers, ceilings, amounts }: Situation<Scope>,
  violations: readonly Violation<Scope>[],
): BurstOffer<Scope> | undefined {
  return offers.find(({ scope, percentage }) => {
    const isAll = violations.every((each) => each.code === 'over_quota' && each.scope === scope);
    if (!isAll) return false;
    const raised = ceilings.map((ceiling) =>
      ceiling.scope === scope
        ? { ...ceiling, limit: lifted(ceiling.limit, { percentage }) }
        : ceiling,
    );
    return examine(raised, amounts).every(({ overBy }) => overBy === 0);
  });
}

/** A rule lets in above limits of tenants; not above what a pool has or a budget pays, nor where nothing starts. */
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
  const { held, preceded, verdict, overruns } = situation;
  const over = checks.filter(({ overBy }) => overBy > 0);
  return [
    ...over.map((check) => violationOf(check, check.limit, codeOf(check))),
    ...overruns.map((overrun) => ({ ...reasonOf(overrun.scope, 'over_budget'), ...overrun })),
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
  { scope, resource, base, lentUntil, used, requested }: Check<Scope>,
  limit: Limit,
  code: ReasonCode,
): Violation<Scope> {
  // What is impossible is so with nothing used.
  const overBy = excess(limit, code === 'impossible' ? 0 : used, requested);
  const lent = lentUntil === undefined ? {} : { lentUntil };
  return { scope, resource, limit, base, ...lent, used, requested, overBy, code };
}

function reasonOf<Scope extends ScopeName>(scope: Scope, code: ReasonCode): Violation<Scope> {
  const none = {
    resource: null,
    limit: null,
    base: null,
    used: null,
    requested: null,
    overBy: null,
  };
  return { scope, ...none, code };
}
