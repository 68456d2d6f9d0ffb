import { queuedExample, violationExample } from './job-examples.ts';

const scope = { tenant: 'acme', pool: null };
const { id, job_id, tenant, tenant_id, pool, resources, requested_at, expires_at } = queuedExample;

export const explainExample = {
  ...{ id, job_id, tenant, tenant_id, pool, resources, requested_at, expires_at },
  kind: 'job' as const,
  state: 'queued' as const,
  units: { cpu_m: 'millicores', memory_mb: 'MiB', jobs: 'count' },
  admitted_at: null,
  ended_at: null,
  as_of: '2026-11-23T09:24:00.000Z',
  position: 2,
  line: {
    strategy: 'weighted_fair' as const,
    position: 2,
    waiting: 5,
    levels: [
      {
        under: null,
        rank: 2,
        of: 3,
        ...{ tenant: 'acme', is_own: false, share: 0.18, weight: 1 },
        dominant: { resource: 'cpu_m', used: 18_000, capacity: 100_000 },
        ahead: [{ tenant: 'beta', is_own: false, share: 0.11, weight: 1 }],
      },
    ],
    own_ahead: 0,
    reserved: false,
    moves: [
      { kind: 'room' as const, scope, resource: 'cpu_m', amount: 500 },
      { kind: 'weight' as const, tenant: 'acme', to: 2 },
    ],
  },
  then: {
    decision_id: queuedExample.decision_id,
    at: requested_at,
    times: 1,
    outcome: 'queued' as const,
    code: 'over_quota' as const,
    retryable: true,
    decided_by: 'violation_policy: queue',
    violations: [violationExample],
  },
  now: {
    outcome: 'queued' as const,
    code: 'over_quota' as const,
    retryable: true,
    checks: [
      { scope, resource: 'cpu_m', limit: 6000, used: 4500, requested: 2000, over_by: 500 },
      { scope, resource: 'memory_mb', limit: 12288, used: 2048, requested: 4096, over_by: 0 },
    ],
    violations: [violationExample],
    holders: [
      {
        scope,
        resource: 'cpu_m',
        tenant: 'acme',
        job: 'job-01k3f7q2m4xwzb5kgd',
        job_id: 'build-790',
        amount: 2000,
        since: '2026-11-23T09:12:00.000Z',
        expires_at: '2026-11-23T10:12:00.000Z',
      },
    ],
    raises: [{ scope, resource: 'cpu_m', from: 6000, to: 6500 }],
    burst: { tenant: 'acme', pool: null, percentage: 109, duration_seconds: 3600 },
    rule: null,
  },
};

export const tenantExplainExample = {
  tenant,
  tenant_id,
  as_of: '2026-11-23T09:24:00.000Z',
  suspended_by: null,
  running: 3,
  waiting: 2,
  units: explainExample.units,
  causes: [
    {
      scope,
      resource: 'cpu_m',
      limit: 6000,
      used: 4500,
      jobs: 2,
      requested: 4000,
      first: { id, job_id, requested_at, requested: 2000 },
    },
  ],
  rejections: [
    {
      code: 'over_quota' as const,
      scope,
      resource: 'cpu_m',
      times: 3,
      last_at: '2026-11-23T09:20:00.000Z',
      decision_id: 'dec-01k3f7q2m4xwzc8mbh',
    },
  ],
};
