import type * as z from 'zod';
import { type OnFull, type Violation } from '../domain/admission.ts';
import { smallestRaises, examine } from '../domain/ceiling.ts';
import { isLiving, stateAsOf } from '../domain/job.ts';
import type { DecisionRow, JobRow, Key, ResourceRow, Tables } from '../store/store.ts';
import { burstThatHelps } from './burst-hints.ts';
import { holdersOf } from './explain-holders.ts';
import { lineOf } from './explain-line.ts';
import { decideOn, type Decided, type Question } from './job-admission.ts';
import { namesIn, viewVerdict, viewViolation } from './job-view.ts';
import type { Overdue } from './ledger.ts';
import type { Context } from './operation.ts';
import { overdueAsOf } from './overdue.ts';
import { existingPool } from './pool-lookup.ts';
import { questionOf } from './waiting.ts';
import { placesInLine } from './queue-order.ts';
import { toInstant } from './schemas/common.ts';
import type { ExplainResponse } from './schemas/explain.ts';
import { settingsInForce } from './settings-in-force.ts';
import { existing } from './tenant-lookup.ts';

type Explanation = z.output<ReturnType<typeof ExplainResponse>>;

type Reading = Pick<Context, 'tables' | 'now' | 'reach'>;

/** Explains a job: what was decided when it came, and how it stands now. */
export async function explainJobRow(context: Reading, job: JobRow): Promise<Explanation> {
  const { tables, now } = context;
  const catalogue = await tables.resources.list();
  const question = await questionOf(tables, job, catalogue);
  const state = stateAsOf(job, now);
  const decision = job.decision === null ? undefined : await tables.decisions.byKey(job.decision);
  const endedAt = isLiving(state) ? null : (job.endedAt ?? job.dueAt);
  const position = state === 'queued' ? ((await placesInLine(context)(job)) ?? null) : null;
  const standing = { state, onFull: 'queue', job: job.key } as const;
  const present = await nowOf(context, question, standing, catalogue);
  const checks = present?.checks ?? [];
  return {
    kind: 'job',
    id: job.id,
    job_id: job.jobId,
    state,
    ...aboutQuestion(question, catalogue),
    requested_at: toInstant(job.requestedAt),
    admitted_at: job.admittedAt === null ? null : toInstant(job.admittedAt),
    ended_at: endedAt === null ? null : toInstant(endedAt),
    expires_at: job.dueAt === null || endedAt !== null ? null : toInstant(job.dueAt),
    as_of: toInstant(now),
    position,
    line: state === 'queued' ? await lineOf(context, job, position, checks) : null,
    then: await thenOf(tables, decision),
    now: present,
  };
}

/** Explains a decision of any age: then from its record, now by deciding it again. */
export async function explainDecisionRow(
  context: Reading,
  decision: DecisionRow,
): Promise<Explanation> {
  const { tables, now } = context;
  const catalogue = await tables.resources.list();
  const resources = catalogue.filter(({ name }) => decision.request[name] !== undefined);
  const question: Question = {
    tenant: await existing(tables, decision.tenant),
    pool: await existingPool(tables, decision.pool),
    amounts: new Map(resources.map(({ name }) => [name, decision.request[name] ?? 0])),
    resources,
  };
  const onFull = decision.outcome === 'queued' ? 'queue' : 'reject';
  return {
    kind: 'decision',
    id: decision.id,
    job_id: null,
    state: decision.outcome,
    ...aboutQuestion(question, catalogue),
    requested_at: toInstant(decision.lastAt),
    ...{ admitted_at: null, ended_at: null, expires_at: null, position: null, line: null },
    as_of: toInstant(now),
    then: await thenOf(tables, decision),
    now: await nowOf(context, question, { state: 'queued', onFull }, catalogue),
  };
}

function aboutQuestion({ tenant, pool, amounts }: Question, catalogue: readonly ResourceRow[]) {
  const units = catalogue.filter(({ name }) => amounts.has(name));
  return {
    tenant: tenant.name,
    tenant_id: tenant.id,
    pool: pool.name,
    resources: Object.fromEntries(amounts),
    units: Object.fromEntries(units.map(({ name, unit }) => [name, unit])),
  };
}

async function thenOf(
  tables: Tables,
  decision: DecisionRow | undefined,
): Promise<Explanation['then']> {
  if (decision === undefined) return null;
  const violations = await namesIn(tables).violations(decision.key);
  return {
    decision_id: decision.id,
    at: toInstant(decision.lastAt),
    times: decision.times,
    outcome: decision.outcome,
    code: decision.code,
    retryable: decision.isRetryable,
    decided_by: decision.decidedBy,
    violations: violations.map(viewViolation),
  };
}

/** How far a request has come, and what becomes of it without room. */
interface Standing {
  readonly state: Explanation['state'];
  readonly onFull: OnFull;
  /** The job itself, where there is one. */
  readonly job?: Key;
}

/** How the request stands now: decided by the function that decides. */
async function nowOf(
  context: Reading,
  question: Question,
  standing: Standing,
  catalogue: readonly ResourceRow[],
): Promise<Explanation['now']> {
  const { tenant, pool } = question;
  const { state } = standing;
  const isGone = tenant.deletedAt !== null || pool.deletedAt !== null;
  if (isGone || (state !== 'queued' && state !== 'admitted')) return null;
  const overdue = await overdueAsOf(context.tables, context.now);
  const reading = { ...context, overdue };
  const decided = await decideNow(reading, question, standing);
  return state === 'admitted'
    ? runningNow(question, decided)
    : waitingNow(reading, question, decided, catalogue);
}

/** And what jobs hold on paper whose time has run out. */
type ReadingAsOf = Reading & { readonly overdue: Overdue };

async function decideNow(
  reading: ReadingAsOf,
  question: Question,
  { onFull, job }: Standing,
): Promise<Decided> {
  const { resourcePools } = await settingsInForce(reading.tables);
  return decideOn(reading, question, {
    arePoolsOn: resourcePools.enabled,
    overdue: reading.overdue,
    ...(job !== undefined && { job }),
    onFull,
    isNew: false,
  });
}

/** A running job is part of what is used; it is over where what is used is. */
function runningNow({ amounts }: Question, { path }: Decided): NonNullable<Explanation['now']> {
  const checks = examine(path.ceilings, amounts).map((check) => ({
    ...check,
    overBy: check.limit === null ? 0 : Math.max(0, check.used - check.limit),
  }));
  const nothing = {
    code: null,
    retryable: null,
    violations: [],
    holders: [],
    raises: [],
    burst: null,
  };
  return { outcome: 'admitted', ...nothing, rule: null, checks: checks.map(viewCheck) };
}

async function waitingNow(
  reading: ReadingAsOf,
  question: Question,
  { path, decision }: Decided,
  catalogue: readonly ResourceRow[],
): Promise<NonNullable<Explanation['now']>> {
  const checks = examine(path.ceilings, question.amounts);
  const lacking = checks.filter(({ overBy }) => overBy > 0);
  const violations: readonly Violation[] =
    decision.outcome === 'admitted' ? [] : decision.violations;
  return {
    outcome: decision.outcome,
    code: decision.outcome === 'admitted' ? null : decision.code,
    retryable: decision.outcome === 'admitted' ? null : decision.isRetryable,
    checks: checks.map(viewCheck),
    violations: violations.map(viewViolation),
    holders: await holdersOf(reading, question.tenant.key, lacking, catalogue),
    raises: smallestRaises(checks).map(({ scope, ...raise }) => ({
      ...raise,
      scope: nameOf(scope),
    })),
    burst: await burstThatHelps(reading, question.tenant, lacking, violations),
    rule: decision.verdict === undefined ? null : viewVerdict(decision.verdict),
  };
}

function viewCheck({
  scope,
  resource,
  limit,
  base,
  lentUntil,
  used,
  requested,
  overBy,
}: ReturnType<typeof examine>[0]) {
  return {
    ...{ scope: nameOf(scope), resource, limit, used, requested, over_by: overBy },
    ...(base !== null && { base }),
    ...(lentUntil !== undefined && { lent_until: toInstant(lentUntil) }),
  };
}

function nameOf({ tenant, pool }: { tenant: string | null; pool: string | null }) {
  return { tenant, pool };
}
