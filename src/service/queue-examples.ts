import { queuedExample } from './job-examples.ts';

const { id, job_id, tenant, tenant_id, pool, priority, resources } = queuedExample;

const waitsFor = {
  scope: { tenant: null, pool },
  resource: 'cpu_m',
  amount: 2000,
  code: 'over_capacity' as const,
};

export const queuedJobExample = {
  ...{ position: 2, id, job_id, tenant, tenant_id, pool, priority, resources },
  waiting_since: queuedExample.requested_at,
  expires_at: queuedExample.expires_at,
  waits_for: waitsFor,
};

const first = { id: 'job-01k3f7q2m4xwzd9xvs', job_id: 'render-7' };

export const queueStatusExample = {
  pool,
  strategy: 'weighted_fair' as const,
  status: 'active' as const,
  waiting: 2,
  oldest_since: queuedExample.requested_at,
  next: {
    ...first,
    tenant: 'beta',
    waiting_since: '2026-11-23T09:14:00.000Z',
    waits_for: waitsFor,
    why: 'share' as const,
  },
  reserved_for: null,
  units: { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', jobs: 'count' },
  tenants: [
    {
      tenant: 'beta',
      tenant_id: 'tenant-2h5w8r4p9tzc',
      ...{ under: [], is_own: false },
      share: 0.11,
      weight: 1,
      dominant: { resource: 'cpu_m', used: 11_000, capacity: 100_000 },
      waiting: 1,
      next: first,
    },
    {
      ...{ tenant, tenant_id, under: [], is_own: false },
      share: 0.18,
      weight: 1,
      dominant: { resource: 'cpu_m', used: 18_000, capacity: 100_000 },
      waiting: 1,
      next: { id, job_id },
    },
  ],
  more_tenants: 0,
};
