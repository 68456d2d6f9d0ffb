import type { BurstOffer } from '../domain/admission.ts';
import type { Verdict } from '../domain/policy.ts';
import type { BurstRow, JobRow } from '../store/store.ts';
import { recommit, startOf } from './budget-use.ts';
import { openForJob } from './burst-opening.ts';
import { burstsFor } from './burst-lifts.ts';
import { recordDecision } from './decision-log.ts';
import { recordEvent } from './event-log.ts';
import type { EventName } from '../domain/event-names.ts';
import {
  chargesOf,
  decideOn,
  isLasting,
  obstacleOf,
  type Decided,
  type NotAdmitted,
} from './job-admission.ts';
import { findReplayed, rememberKey } from './job-lookup.ts';
import type { JobAsk } from './job-request.ts';
import {
  viewDecision,
  viewOf,
  viewRejection,
  viewReplayed,
  type JobView,
  viewVerdict,
} from './job-view.ts';
import { ceilingsOf, charge, type PathCeilings, type PathScope } from './ledger.ts';
import type { Context } from './operation.ts';
import { toInstant } from './schemas/common.ts';
import { noticeCharge } from './quota-notices.ts';
import { placeOfNew } from './queue-order.ts';
import { askSettled } from './settle.ts';
import { inLineOf } from './waiting.ts';

/** Answers a request: admitted, queued or rejected; or the job that it brought about before. */
export async function admit(context: Context, ask: JobAsk): Promise<JobView> {
  const before = await findReplayed(context, ask);
  if (before !== undefined) {
    return viewReplayed(context.tables, before, context.now);
  }
  const { path, decision } = await decideSettled(context, ask);
  if (decision.outcome === 'admitted') {
    const { isOverride, opens, verdict } = decision;
    return begin(context, ask, { path, isOverride, opens, verdict }, null);
  }
  return decision.outcome === 'queued'
    ? enqueue(context, ask, decision)
    : reject(context, ask, decision);
}

function decideSettled(context: Context, ask: JobAsk): Promise<Decided> {
  const { onFull, settings } = ask;
  const options = { arePoolsOn: settings.resourcePools.enabled, onFull, isNew: true };
  return askSettled(context, () => decideOn(context, { about: ask, ...ask }, options), isLasting);
}

function newJob(context: Context, ask: JobAsk): Omit<JobRow, 'key'> {
  const { now } = context;
  return {
    id: context.newId('job'),
    tenant: ask.tenant.key,
    pool: ask.pool.key,
    jobId: ask.jobId,
    state: 'admitted',
    priority: ask.priority,
    labels: ask.labels,
    ttlSeconds: ask.ttlSeconds,
    queueTtlSeconds: ask.queueTtlSeconds,
    dueAt: ask.ttlSeconds === null ? null : now + ask.ttlSeconds * 1000,
    requestedAt: now,
    admittedAt: now,
    endedAt: null,
    mark: null,
    isClaimDue: false,
    requestHash: ask.hash,
    burst: null,
    decision: null,
    version: 1,
  };
}

/** Where it is charged, and how it came to be admitted. */
interface Admission extends Pick<Decided, 'path'> {
  readonly isOverride?: boolean | undefined;
  /** The burst session that has to be opened for it. */
  readonly opens?: BurstOffer<PathScope> | undefined;
  readonly verdict?: Verdict | undefined;
}

/** Admits a job; what runs already (`adopted`, since `startedAt`) above any limit. */
export async function begin(
  context: Context,
  ask: JobAsk,
  { path, isOverride, opens, verdict }: Admission,
  startedAt: number | null,
): Promise<JobView> {
  const { tables, now } = context;
  const isAdopted = startedAt !== null;
  const bursts = await burstsOf(context, ask, { path, isOverride, opens }, isAdopted);
  const inForce = opens === undefined ? path : await liftedPath(context, ask, path);
  const job: Omit<JobRow, 'key'> = {
    ...newJob(context, ask),
    burst: bursts[0]?.key ?? null,
    ...(isOverride === true && { mark: 'override' as const }),
    ...(isAdopted && { mark: 'adopted' as const, admittedAt: startedAt, requestedAt: startedAt }),
  };
  const charges = chargesOf(ask);
  const key = await tables.jobs.insert(job, charges);
  for (const burst of bursts) await tables.bursts.addJob(burst.key, key);
  await charge(context, inForce, charges);
  await recommit(context, job, [startOf(job, charges)]);
  await rememberKey(context, ask, { key, ...job });
  const burst = bursts[0]?.id ?? null;
  const operation = isAdopted ? 'job.adopt' : 'job.admit';
  await recordRequest(context, ask, job, operation, {
    ...ruleOf(verdict),
    ...(burst !== null && { burst }),
  });
  await noticeCharge(context, inForce, charges);
  return withRule(viewOf({ key, ...job }, { ...partsOf(ask), burst }, now), verdict);
}

/** The sessions without which it would not fit; what runs above limits anyway needs none. */
async function burstsOf(
  context: Context,
  ask: JobAsk,
  { path, isOverride, opens }: Admission,
  isAdopted: boolean,
): Promise<BurstRow[]> {
  if (isAdopted || isOverride === true) return [];
  const standing = burstsFor(path.ceilings, ask.amounts);
  return opens === undefined ? standing : [await openForJob(context, ask, opens), ...standing];
}

/** A session that was opened for the job has raised limits since the decision. */
function liftedPath(context: Context, { resources, settings }: JobAsk, path: PathCeilings) {
  const arePoolsOn = settings.resourcePools.enabled;
  return ceilingsOf(context, path, resources, { arePoolsOn });
}

function withRule(view: JobView, verdict: Verdict | undefined): JobView {
  return verdict === undefined ? view : { ...view, rule: viewVerdict(verdict) };
}

async function enqueue(context: Context, ask: JobAsk, decision: NotAdmitted): Promise<JobView> {
  const { tables, now } = context;
  const row = await recordDecision(context, ask, decision, ask.decidedBy, ask.catalogue);
  const job: Omit<JobRow, 'key'> = {
    ...newJob(context, ask),
    state: 'queued',
    admittedAt: null,
    dueAt: now + ask.queueTtlSeconds * 1000,
    decision: row.key,
  };
  const key = await tables.jobs.insert(job, chargesOf(ask));
  const obstacle = await obstacleOf(context, ask, decision.violations, ask.catalogue);
  await tables.waiting.insert({ ...inLineOf({ key, ...job }), ...obstacle });
  // It may fit: nothing that is freed would wake it, so that it is looked at in its turn.
  if (decision.code === 'waiting_ahead') await tables.wakeups.put(obstacle);
  await rememberKey(context, ask, { key, ...job });
  await recordRequest(context, ask, job, 'job.queue', ruleOf(decision.verdict));
  const position = await placeOfNew(context, { pool: job.pool, key });
  return {
    ...withRule(viewOf({ key, ...job }, partsOf(ask), now), decision.verdict),
    ...(position !== undefined && { position }),
    ...viewDecision(row, decision.violations),
  };
}

async function reject(context: Context, ask: JobAsk, decision: NotAdmitted): Promise<JobView> {
  const row = await recordDecision(context, ask, decision, ask.decidedBy, ask.catalogue);
  const { caller, now } = context;
  const view = viewOf({ key: 0, ...newJob(context, ask), admittedAt: null }, partsOf(ask), now);
  return {
    ...view,
    ...viewRejection(ask.tenant.name, row, decision, caller.traceId),
    id: null,
    expires_at: null,
    decided_at: toInstant(now),
  };
}

/** What an event says of the rule that had a part in it. */
function ruleOf(verdict: Verdict | undefined): Readonly<Record<string, string>> {
  return verdict === undefined ? {} : { rule: verdict.name };
}

async function recordRequest(
  context: Context,
  { tenant, pool, amounts }: JobAsk,
  { id, jobId, ttlSeconds, priority, labels }: Omit<JobRow, 'key'>,
  operation: EventName,
  because: Readonly<Record<string, string>>,
): Promise<void> {
  await recordEvent(context, {
    operation,
    tenant: tenant.id,
    object: id,
    before: null,
    after: {
      job_id: jobId,
      pool: pool.name,
      resources: Object.fromEntries(amounts),
      ttl_seconds: ttlSeconds,
      priority,
      labels,
      ...because,
    },
  });
}

function partsOf({ tenant, pool, amounts }: JobAsk) {
  return { tenant, pool, resources: Object.fromEntries(amounts), burst: null };
}
