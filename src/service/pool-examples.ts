/** What the examples of pools have in common. */

export const poolRequestExample = {
  id: 'gpu',
  name: 'GPU farm',
  max_size: 4,
  resources: { cpu_m: 9000, memory_mb: 18_432, gpu: 2 },
};

export const poolExample = {
  id: 'gpu',
  name: 'GPU farm',
  type: 'static' as const,
  status: 'active' as const,
  held_until: null,
  held_reason: null,
  provider: null,
  min_size: 1,
  max_size: 4,
  size: 4,
  resources: { cpu_m: 9000, memory_mb: 18_432, gpu: 2 },
  quotas: { max_concurrent_jobs: null, max_jobs_per_tenant: null },
  source: 'operator' as const,
  capacity: { cpu_m: 36_000, memory_mb: 73_728, gpu: 8 },
  used: { cpu_m: 12_000, memory_mb: 52_224, gpu: 3, jobs: 3 },
  units: { cpu_m: 'millicores', memory_mb: 'MiB', gpu: 'count', jobs: 'count' },
  jobs: 3,
  waiting: 1,
  version: 1,
  created_at: '2026-11-23T09:00:00.000Z',
  updated_at: '2026-11-23T09:00:00.000Z',
};

export const heldPoolExample = {
  ...poolExample,
  status: 'held' as const,
  held_until: '2026-11-23T18:00:00.000Z',
  held_reason: 'release week',
  version: 2,
};

export const promisedExample = { cpu_m: 79_200, memory_mb: 457_113, gpu: 12, jobs: null };

export const poolEffectsExample = {
  over: [
    {
      ...{ tenant: null, pool: 'gpu', resource: 'memory_mb' },
      ...{ limit: 36_864, used: 52_224, over_by: 15_360 },
    },
  ],
  started: [{ id: 'job-01k3f7q2m4xwzf2rtj', job_id: 'build-814', tenant: 'acme', pool: 'gpu' }],
};
