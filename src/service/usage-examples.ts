import { tenantExample } from './examples.ts';

const units = { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', jobs: 'count' };

export const usageExample = {
  tenant: tenantExample.name,
  tenant_id: tenantExample.id,
  total: { cpu_m: 1500, memory_mb: 2048, gpu: 0, jobs: 3 },
  pools: [{ pool: 'default', used: { cpu_m: 1500, memory_mb: 2048, gpu: 0, jobs: 3 } }],
  limits: { cpu_m: 6000, memory_mb: 12_288, gpu: 2, jobs: 15 },
  units,
};

export const usageTopExample = {
  tenants: [
    {
      ...{ tenant: usageExample.tenant, tenant_id: usageExample.tenant_id, depth: 0 },
      ...{ total: usageExample.total, pools: usageExample.pools, limits: usageExample.limits },
      ...{ weight: 1, share: 0.015 },
      dominant: { resource: 'cpu_m', used: 1500, capacity: 100_000 },
    },
  ],
  has_more: false,
  units,
};

export const verificationExample = {
  balances: 212,
  jobs: 1204,
  rows: 1416,
  differences: [],
  differences_in_all: 0,
  units,
};

export const repairExample = {
  ...verificationExample,
  differences: [
    {
      tenant: tenantExample.name,
      tenant_id: tenantExample.id,
      pool: 'gpu',
      resource: 'gpu',
      used: 4,
      should_be: 3,
    },
  ],
  differences_in_all: 1,
};

const day = (n: number) => `2026-11-${n}T00:00:00.000Z`;

export const usageHistoryExample = {
  ...{ tenant: tenantExample.name, tenant_id: tenantExample.id, pool: null },
  ...{ resource: 'cpu_m', unit: 'millicores', from: day(16), to: day(23), limit: 6000 },
  ...{ average: 2134.5, average_share: 0.35575, peak: 5500, peak_share: 0.916667 },
  ...{ peak_at: '2026-11-19T14:05:12.345Z', p95: 4200, p95_share: 0.7, unit_hours: 358.596 },
  ...{ from_hourly_averages: false, exact_from: day(16), point_hours: 56 },
  points: [
    { begins_at: day(16), average: 1800, peak: 3500 },
    { begins_at: '2026-11-18T08:00:00.000Z', average: 2903.5, peak: 5500 },
    { begins_at: '2026-11-20T16:00:00.000Z', average: 1700, peak: 2500 },
  ],
};
