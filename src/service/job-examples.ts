/** What the examples of jobs have in common. */

export const jobRequestExample = {
  tenant: 'acme',
  cpu_m: 2000,
  memory_mb: 4096,
  job_id: 'build-812',
  ttl_seconds: 3600,
};

const parts = {
  tenant: 'acme',
  tenant_id: 'tenant-7f3k9q2m4xwz',
  pool: 'default',
  resources: { cpu_m: 2000, memory_mb: 4096, jobs: 1 },
  priority: 0,
  labels: {},
  ttl_seconds: 3600,
  requested_at: '2026-11-23T09:12:00.000Z',
  decided_at: '2026-11-23T09:12:00.000Z',
  ended_at: null,
  mark: null,
  burst: null,
  claim_due: false,
  version: 1,
};

export const jobExample = {
  ...parts,
  id: 'job-01k3f7q2m4xwzb5kgd',
  job_id: 'build-812',
  state: 'admitted' as const,
  admitted_at: '2026-11-23T09:12:00.000Z',
  expires_at: '2026-11-23T10:12:00.000Z',
};

export const violationExample = {
  scope: { tenant: 'acme', pool: null },
  resource: 'cpu_m',
  limit: 6000,
  used: 4500,
  requested: 2000,
  over_by: 500,
  code: 'over_quota' as const,
};

const reasons = {
  decision_id: 'dec-01k3f7q2m4xwzc8mbh',
  code: 'over_quota' as const,
  retryable: true,
  violations: [violationExample],
};

export const queuedExample = {
  ...parts,
  ...reasons,
  id: 'job-01k3f7q2m4xwzf2rtj',
  job_id: 'build-814',
  state: 'queued' as const,
  admitted_at: null,
  expires_at: '2026-11-24T09:12:00.000Z',
  position: 2,
};

export const rejectedExample = {
  ...parts,
  ...reasons,
  id: null,
  job_id: 'build-813',
  state: 'rejected' as const,
  admitted_at: null,
  expires_at: null,
  error: 'Rejected for acme: over quota (acme has cpu_m 4500 of 6000 used and 2000 is asked for)',
  hint: 'hodei explain dec-01k3f7q2m4xwzc8mbh',
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
};
