import type * as z from 'zod';
import { reasonMeanings, type ReasonCode, type Violation } from '../domain/admission.ts';
import { scopeText } from '../domain/ceiling.ts';
import { stateAsOf } from '../domain/job.ts';
import type { Verdict } from '../domain/policy.ts';
import type {
  DecisionRow,
  JobRow,
  Key,
  PoolRow,
  ResourceAmount,
  ResourceRow,
  Tables,
  TenantRow,
  ViolationRow,
} from '../store/store.ts';
import type { NotAdmitted } from './job-admission.ts';
import { existingPool } from './pool-lookup.ts';
import { placesInLine } from './queue-order.ts';
import { toInstant } from './schemas/common.ts';
import type { JobResponse, Violation as ViolationSchema } from './schemas/job.ts';
import { existing } from './tenant-lookup.ts';

export type JobView = z.output<ReturnType<typeof JobResponse>>;

export type ViolationView = z.output<ReturnType<typeof ViolationSchema>>;

/** What a job is about, as far as it stands in other rows. */
export interface JobParts {
  readonly tenant: Pick<TenantRow, 'id' | 'name'>;
  readonly pool: Pick<PoolRow, 'name'>;
  /** By name of resource. */
  readonly resources: Readonly<Record<string, number>>;
  /** Public id of the burst session under which it was admitted. */
  readonly burst: string | null;
}

/** A job as it is answered, as of now. */
export function viewOf(
  job: JobRow,
  { tenant, pool, resources, burst }: JobParts,
  now: number,
): JobView {
  const state = stateAsOf(job, now);
  const isOver = state !== job.state;
  const endedAt = isOver ? job.dueAt : job.endedAt;
  return {
    id: job.id,
    job_id: job.jobId,
    state,
    tenant: tenant.name,
    tenant_id: tenant.id,
    pool: pool.name,
    resources: { ...resources },
    priority: job.priority,
    labels: { ...job.labels },
    ttl_seconds: job.ttlSeconds,
    requested_at: toInstant(job.requestedAt),
    decided_at: toInstant(endedAt ?? job.admittedAt ?? job.requestedAt),
    admitted_at: instantOrNull(job.admittedAt),
    ended_at: instantOrNull(endedAt),
    expires_at: isOver ? null : instantOrNull(job.dueAt),
    mark: job.mark,
    burst,
    claim_due: job.isClaimDue && !isOver,
    version: job.version,
  };
}

function instantOrNull(time: number | null): string | null {
  return time === null ? null : toInstant(time);
}

/** The same, with all that is to be known of it read; names that several jobs share are read once. */
export function jobViews(tables: Tables, now: number): (job: JobRow) => Promise<JobView> {
  const names = namesIn(tables);
  const placeOf = placesInLine({ tables, now });
  return async (job) => {
    const parts = {
      tenant: await names.tenant(job.tenant),
      pool: await names.pool(job.pool),
      resources: await names.amounts(job.key),
      burst: await names.burst(job.burst),
    };
    const view = viewOf(job, parts, now);
    if (view.state !== 'queued') return view;
    const position = await placeOf(job);
    return {
      ...view,
      ...(position !== undefined && { position }),
      ...(await names.decision(job.decision)),
    };
  };
}

export function viewJob(tables: Tables, job: JobRow, now: number): Promise<JobView> {
  return jobViews(tables, now)(job);
}

/** A job that is as it was asked for already. */
export async function viewReplayed(tables: Tables, job: JobRow, now: number): Promise<JobView> {
  return { ...(await viewJob(tables, job, now)), replayed: true };
}

/** Names for keys, each read once. */
export function namesIn(tables: Tables) {
  const tenant = memo((key: Key) => existing(tables, key));
  const pool = memo((key: Key) => existingPool(tables, key));
  let resources: Promise<ResourceRow[]> | undefined;
  const allResources = () => (resources ??= tables.resources.list());
  const resource = async (key: Key) => {
    const all = await allResources();
    return all.find((each) => each.key === key)?.name ?? '';
  };
  const amounts = async (job: Key) =>
    namedAmounts(await allResources(), await tables.jobs.amounts(job));
  const violation = async (row: ViolationRow): Promise<Violation> => ({
    scope: {
      tenant: row.tenant === null ? null : (await tenant(row.tenant)).name,
      pool: row.pool === null ? null : (await pool(row.pool)).name,
    },
    resource: row.resource === null ? null : await resource(row.resource),
    ...{
      limit: row.limit,
      base: row.base,
      used: row.used,
      requested: row.requested,
      overBy: row.overBy,
    },
    code: row.code,
  });
  const violations = async (decision: Key) => {
    const named: Violation[] = [];
    for (const row of await tables.decisions.violations(decision)) named.push(await violation(row));
    return named;
  };
  const burst = async (key: Key | null) =>
    key === null ? null : ((await tables.bursts.byKey(key))?.id ?? null);
  const decision = async (key: Key | null) => {
    const row = key === null ? undefined : await tables.decisions.byKey(key);
    return row && { ...viewDecision(row, await violations(row.key)) };
  };
  return { tenant, pool, resource, amounts, violations, burst, decision };
}

/** Amounts by name of resource, in the order of the catalogue. */
export function namedAmounts(
  resources: readonly ResourceRow[],
  amounts: readonly ResourceAmount[],
): Record<string, number> {
  const named: Record<string, number> = {};
  for (const { key, name } of resources) {
    const found = amounts.find(({ resource }) => resource === key);
    if (found !== undefined) named[name] = found.amount;
  }
  return named;
}

function memo<T>(read: (key: Key) => Promise<T>): (key: Key) => Promise<T> {
  const known = new Map<Key, Promise<T>>();
  return (key) => {
    const found = known.get(key) ?? read(key);
    known.set(key, found);
    return found;
  };
}

/** What a job's answer says of a decision. */
export function viewDecision(
  decision: Pick<DecisionRow, 'id' | 'code' | 'isRetryable'>,
  violations: readonly Violation[],
) {
  return {
    decision_id: decision.id,
    code: decision.code,
    retryable: decision.isRetryable,
    violations: violations.map(viewViolation),
  };
}

export function viewViolation(violation: Violation): ViolationView {
  const { scope, resource, limit, base, lentUntil, used, requested, overBy, code } = violation;
  const { tenant, pool } = scope;
  return {
    scope: { tenant, pool },
    resource,
    limit,
    ...(base !== null && { base }),
    ...(lentUntil !== undefined && { lent_until: toInstant(lentUntil) }),
    ...{ used, requested, over_by: overBy, code },
  };
}

/** The rule that had a part in an answer. */
export function viewVerdict({ name, action, message }: Verdict) {
  return { name, action, message };
}

/** What an answer says of a rejection: as every refusal does, and with the numbers. */
export function viewRejection(
  tenant: string,
  decision: Pick<DecisionRow, 'id' | 'code' | 'isRetryable'>,
  { violations, verdict }: Pick<NotAdmitted, 'violations' | 'verdict'>,
  traceId: string,
) {
  return {
    state: 'rejected' as const,
    ...viewDecision(decision, violations),
    ...(verdict !== undefined && { rule: viewVerdict(verdict) }),
    error: rejectionText(tenant, decision.code, violations, verdict),
    hint: `hodei explain ${decision.id}`,
    trace_id: traceId,
  };
}

/** In a sentence for programs; what people read at a terminal is written there. */
function rejectionText(
  tenant: string,
  code: ReasonCode,
  violations: readonly Violation[],
  verdict: Verdict | undefined,
) {
  if (code === 'policy' && verdict !== undefined) {
    const message = verdict.message ?? 'a policy rule refuses it';
    return `Rejected for ${tenant}: ${message} (policy rule ${verdict.name})`;
  }
  const reasons = violations.map(({ scope, resource, requested, limit, used }) =>
    resource === null
      ? scopeText(scope)
      : `${scopeText(scope)} has ${resource} ${used} of ${limit ?? 'unlimited'} used and ` +
        `${requested} is asked for`,
  );
  const why = code === 'over_quota' ? 'over quota' : reasonMeanings[code];
  return `Rejected for ${tenant}: ${why} (${reasons.join('; ')})`;
}
