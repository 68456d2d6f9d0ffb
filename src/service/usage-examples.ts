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
