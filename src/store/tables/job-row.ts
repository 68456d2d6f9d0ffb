import type { JobState } from '../../domain/job.ts';
import type { JobRow, Labels } from '../store.ts';

export interface Row {
  id: number;
  public_id: string;
  tenant: number;
  pool: number;
  job_id: string | null;
  state: string;
  priority: number;
  labels: string;
  ttl_seconds: number | null;
  queue_ttl_seconds: number;
  due_at: number | null;
  requested_at: number;
  admitted_at: number | null;
  ended_at: number | null;
  mark: string | null;
  claim_due: number;
  request_hash: string;
  burst: number | null;
  decision: number | null;
  version: number;
}

export const columns = `j.id, j.public_id, j.tenant, j.pool, j.job_id, j.state, j.priority, j.labels,
  j.ttl_seconds, j.queue_ttl_seconds, j.due_at, j.requested_at, j.admitted_at, j.ended_at, j.mark,
  j.claim_due, j.request_hash, j.burst, j.decision, j.version`;

export function toJob(row: Row): JobRow {
  return {
    key: row.id,
    id: row.public_id,
    tenant: row.tenant,
    pool: row.pool,
    jobId: row.job_id,
    state: row.state as JobState,
    priority: row.priority,
    // Most jobs have none.
    labels: row.labels === '{}' ? {} : (JSON.parse(row.labels) as Labels),
    ttlSeconds: row.ttl_seconds,
    queueTtlSeconds: row.queue_ttl_seconds,
    dueAt: row.due_at,
    requestedAt: row.requested_at,
    admittedAt: row.admitted_at,
    endedAt: row.ended_at,
    mark: row.mark as JobRow['mark'],
    isClaimDue: row.claim_due === 1,
    requestHash: row.request_hash,
    burst: row.burst,
    decision: row.decision,
    version: row.version,
  };
}
